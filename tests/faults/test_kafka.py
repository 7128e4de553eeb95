"""Faults of Kafka: nodes that die, leaders that change, a cluster that is gone, a partition that nobody serves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from muster_contract.times import now_ms
from muster_contract.topics import encounters, incidents
from tests.faults.parts import (
    Command,
    Line,
    assert_nothing_lost_or_said_twice,
    encounter,
    open_offices,
    report,
    verdicts_of,
)
from tests.kafka_cluster import NODES, KafkaCluster
from tests.system.headquarters import Headquarters
from tests.system.policies import due_within, policy

pytestmark = pytest.mark.kafka

OFFICES = ("dal", "hou", "elp")
POLICY = policy(due_within("PT1S"))
Seen = Callable[[str], None]


def _with_outages(within: str) -> str:
    return policy(due_within(within), outage_after="PT15S", outage_grace="PT8S")


@pytest.fixture
def hq(tmp_path: Path, cluster: KafkaCluster) -> Iterator[Headquarters]:
    """Run a headquarters on the cluster."""
    headquarters = Headquarters(tmp_path, cluster.bootstrap, POLICY, OFFICES)
    headquarters.start()
    yield headquarters
    headquarters.kill()


@pytest.mark.fault(
    "kafka",
    injected="kill -9 of the node that leads a stream, under load, and its restart",
    promised="nothing accepted is lost, nothing is judged twice, the audit agrees",
)
def test_a_leader_is_killed_under_load(hq: Headquarters, cluster: KafkaCluster, tmp_path: Path, seen: Seen) -> None:
    """Another node comes to lead, and offices and headquarters find it by themselves."""
    with open_offices(tmp_path, cluster.bootstrap, OFFICES, seed=1) as field:
        leaderless = _kill_the_leader(cluster, "dal")
        kinds = assert_nothing_lost_or_said_twice(hq, field)
        assert kinds["ON_TIME"] > 10
        accepted = f"{len(field.accepted())} events accepted and applied, {sum(kinds.values())} verdicts"
        seen(f"{accepted}; another node led after {leaderless:.1f} s")


@pytest.mark.long
@pytest.mark.fault(
    "kafka",
    injected="kill -9 of the leaders of three streams in turn, under load, each restarted before the next",
    promised="nothing accepted is lost, nothing is judged twice, the audit agrees",
)
def test_leaders_are_killed_in_turn(hq: Headquarters, cluster: KafkaCluster, tmp_path: Path, seen: Seen) -> None:
    """Controllers die with them: each node is both."""
    with open_offices(tmp_path, cluster.bootstrap, OFFICES, seed=3) as field:
        leaderless = [_kill_the_leader(cluster, office) for office in OFFICES]
        kinds = assert_nothing_lost_or_said_twice(hq, field)
        accepted = f"{len(field.accepted())} events accepted and applied, {sum(kinds.values())} verdicts"
        seen(f"{accepted}; another node led after {min(leaderless):.1f} to {max(leaderless):.1f} s")


@pytest.mark.long
@pytest.mark.fault(
    "kafka",
    injected="a rolling restart: each node stopped in good order, and started, under load",
    promised="nothing accepted is lost, nothing is judged twice, the audit agrees",
)
def test_nodes_are_restarted_in_turn(hq: Headquarters, cluster: KafkaCluster, tmp_path: Path, seen: Seen) -> None:
    """As an upgrade of Kafka does it: every leader changes at least once."""
    with open_offices(tmp_path, cluster.bootstrap, OFFICES, seed=2) as field:
        for node in NODES:
            cluster.nodes[node].restart()
            _until_all_in_sync(cluster)
        kinds = assert_nothing_lost_or_said_twice(hq, field)
        seen(f"{len(field.accepted())} events accepted and applied, {sum(kinds.values())} verdicts")


@pytest.mark.long
@pytest.mark.fault(
    "kafka",
    injected="all nodes gone for 20 s, longer than a deadline; reports recorded meanwhile",
    promised="UNDETERMINED, then EXCUSED for who reports within the grace, else MISSED: never MISSED at due",
)
def test_all_nodes_are_gone_across_a_deadline(cluster: KafkaCluster, tmp_path: Path, seen: Seen) -> None:
    """The gap stands in the log itself: pulses that are not there."""
    hq = Headquarters(tmp_path, cluster.bootstrap, _with_outages("PT6S"), OFFICES)
    hq.start()
    try:
        line = Line(cluster.bootstrap)
        for case in ("reports", "is-silent"):
            line.send(encounter(case), "dal")
        line.send(encounter("before"), "dal")
        line.send(report("before"), "dal")
        hq.until(lambda: verdicts_of(hq, "before"), "the report in time is judged")
        cluster.kill()
        time.sleep(20)
        cluster.start()
        line.send(report("reports"), "dal")
        hq.until(lambda: len(verdicts_of(hq, "is-silent").get("initial-report", ())) == 2, "the excuse has ended")
        found = {case: verdicts_of(hq, case)["initial-report"] for case in ("before", "reports", "is-silent")}
        hq.assert_audit_agrees()
    finally:
        hq.kill()
    assert [kind for kind, _, _ in found["before"]] == ["ON_TIME"]
    assert [kind for kind, _, _ in found["reports"]] == ["UNDETERMINED", "EXCUSED"]
    assert [kind for kind, _, _ in found["is-silent"]] == ["UNDETERMINED", "MISSED"]
    (_, at, due), (_, missed_at, _) = found["is-silent"]
    assert at == due
    assert missed_at > due + 8_000
    seen(f"UNDETERMINED at the due time, EXCUSED, and MISSED {(missed_at - due) / 1000:.0f} s after due")


@pytest.mark.long
@pytest.mark.fault(
    "clock",
    injected="pulses stopped for 17 s across a deadline, workers up; then started again",
    promised="time stands still instead of blaming the office: UNDETERMINED first, then EXCUSED or MISSED",
)
def test_pulses_stop_across_a_deadline(cluster: KafkaCluster, tmp_path: Path, seen: Seen) -> None:
    """Without pulses nothing is judged; with them again, the stretch without records is an outage."""
    hq = Headquarters(tmp_path, cluster.bootstrap, _with_outages("PT4S"), ("dal",))
    pulse = Command(tmp_path / "pulse.log", "pulse", "--bootstrap", hq.bootstrap, "--offices", str(hq.offices))
    hq.start("--no-pulse")
    try:
        pulse.start()
        line = Line(cluster.bootstrap)
        hq.until(lambda: hq.caught_up(now_ms() - 6_000), "pulses pass time")
        line.send(encounter("reports"), "dal")
        line.send(encounter("is-silent"), "dal")
        pulse.kill()
        time.sleep(17)
        assert verdicts_of(hq, "is-silent") == {}, "nothing is judged while time stands still"
        pulse.start()
        line.send(report("reports"), "dal")
        hq.until(lambda: len(verdicts_of(hq, "is-silent").get("initial-report", ())) == 2, "the excuse has ended")
        found = {case: [v[0] for v in verdicts_of(hq, case)["initial-report"]] for case in ("reports", "is-silent")}
        hq.assert_audit_agrees()
    finally:
        pulse.kill()
        hq.kill()
    assert found == {"reports": ["UNDETERMINED", "EXCUSED"], "is-silent": ["UNDETERMINED", "MISSED"]}
    seen("no verdict in 17 s without pulses; then " + " and ".join(", ".join(kinds) for kinds in found.values()))


@pytest.mark.long
@pytest.mark.fault(
    "worker",
    injected="headquarters' workers and ledger killed for 5 s across deadlines of 1 s, while pulses go on",
    promised="each obligation is judged once, with the due time as its `at`: no outage, for the log is whole",
)
def test_workers_are_down_across_deadlines(cluster: KafkaCluster, tmp_path: Path, seen: Seen) -> None:
    """The intake was down, and the log was not: a worker that comes back finds when everything was appended."""
    hq = Headquarters(tmp_path, cluster.bootstrap, _with_outages("PT2S"), OFFICES)
    pulse = Command(tmp_path / "pulse.log", "pulse", "--bootstrap", hq.bootstrap, "--offices", str(hq.offices))
    hq.start("--no-pulse")
    try:
        pulse.start()
        line = Line(cluster.bootstrap)
        opened = {f"early-{n}": line.send(encounter(f"early-{n}"), "dal") for n in range(5)}
        hq.kill()
        opened |= {f"late-{n}": line.send(encounter(f"late-{n}"), "hou") for n in range(5)}
        line.send(report("late-0"), "hou")
        time.sleep(5)
        hq.start("--no-pulse")
        started = time.monotonic()
        hq.until(lambda: hq.caught_up(max(opened.values()) + 3_000), "all is judged")
        seconds = time.monotonic() - started
        found = {case: verdicts_of(hq, case)["initial-report"] for case in opened}
        hq.assert_audit_agrees()
    finally:
        pulse.kill()
        hq.kill()
    assert [kind for kind, _, _ in found.pop("late-0")] == ["ON_TIME"]
    assert found == {case: [("MISSED", opened[case] + 2_000, opened[case] + 2_000)] for case in found}
    seen(f"{len(found)} MISSED once each, all at their due times, and 1 ON_TIME; {seconds:.1f} s after the start")


@pytest.mark.long
@pytest.mark.fault(
    "kafka",
    injected="the one partition of one office's stream offline: its only replica's node is dead",
    promised="only that office's verdicts and those that any office may decide wait, and a metric names the stream",
)
def test_one_partition_is_offline(cluster: KafkaCluster, tmp_path: Path, seen: Seen) -> None:
    """The others are judged on; when it is back, what waited is judged as if nothing had been."""
    cluster.place({encounters("hou"): [3], incidents("hou"): [1, 2]})
    hq = Headquarters(
        tmp_path, cluster.bootstrap, policy(due_within("PT1S"), due_within("PT1S", id="anyone", by="any")), OFFICES
    )
    hq.start()
    line = Line(cluster.bootstrap)
    try:
        hq.until(lambda: hq.caught_up(now_ms() - 7_000), "every stream is read")
        cluster.nodes[3].kill()
        down = now_ms()
        due = {office: line.send(encounter(f"in-{office}"), office) + 1_000 for office in ("dal", "elp")}
        hq.until(lambda: all("initial-report" in verdicts_of(hq, f"in-{o}") for o in due), "the others are judged")
        took = (now_ms() - max(due.values())) / 1000
        hq.until(
            lambda: hq.metrics()["muster_stream_clock_timestamp_seconds", ("hou", "incidents")] * 1000 > down + 6_000,
            "time passes elsewhere",
        )
        clocks = {
            labels: at for (name, labels), at in hq.metrics().items() if name == "muster_stream_clock_timestamp_seconds"
        }
        slowest = min(clocks, key=lambda labels: clocks[labels])
        assert slowest == ("hou", "encounters")
        assert hq.metrics()["muster_intake_clock_timestamp_seconds", ()] * 1000 <= clocks[slowest] * 1000
        assert all("anyone" not in verdicts_of(hq, f"in-{office}") for office in due), "any office may still have it"
        cluster.nodes[3].start()
        hq.until(lambda: all("anyone" in verdicts_of(hq, f"in-{o}") for o in due), "what waited is judged")
        found = {o: verdicts_of(hq, f"in-{o}") for o in due}
        hq.assert_audit_agrees()
    finally:
        hq.kill()
    assert found == {o: {r: [("MISSED", at, at)] for r in ("initial-report", "anyone")} for o, at in due.items()}
    seen(
        f"the others were judged {took:.1f} s after due; the metric named field.hou.encounters; the rest at its return"
    )


def _kill_the_leader(cluster: KafkaCluster, office: str) -> float:
    """Kill the node that leads an office's encounters, and start it again; give the seconds without a leader."""
    leader = cluster.leader_of(encounters(office))
    cluster.nodes[leader].kill()
    killed = time.monotonic()
    cluster.until_leader_is_not(encounters(office), leader)
    leaderless = time.monotonic() - killed
    cluster.nodes[leader].start()
    return leaderless


def _until_all_in_sync(cluster: KafkaCluster) -> None:
    deadline = time.monotonic() + 60
    while any(len(cluster.in_sync(encounters(office))) < len(NODES) for office in OFFICES):
        assert time.monotonic() < deadline, "the replicas did not catch up"
        time.sleep(0.2)
