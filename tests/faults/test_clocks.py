"""Faults of clocks: a broker's, an office's, headquarters' own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from muster_contract.times import format_instant, now_ms, parse_instant, to_datetime
from muster_contract.topics import encounters
from tests.faults.clocks import ClockOf
from tests.faults.parts import Line, encounter, report, verdicts_of
from tests.kafka_broker import KafkaBroker
from tests.system.headquarters import Headquarters
from tests.system.policies import due_within, policy

pytestmark = pytest.mark.kafka

DAYS = 86_400_000
POLICY = policy(due_within("PT1S", anchor=None))
Seen = Callable[[str], None]


@pytest.fixture
def clock(tmp_path: Path, own_broker: KafkaBroker) -> ClockOf:
    """Give the broker a clock that can be set."""
    clock = ClockOf(tmp_path)
    own_broker.environment = clock.environment
    own_broker.restart()
    return clock


@pytest.fixture
def hq(tmp_path: Path, clock: ClockOf, own_broker: KafkaBroker) -> Iterator[Headquarters]:
    """Run a headquarters on that broker, without pulses: a test says when there is one."""
    assert clock
    headquarters = Headquarters(tmp_path, own_broker.bootstrap, POLICY, ("dal", "hou"))
    headquarters.start("--no-pulse")
    yield headquarters
    headquarters.kill()


@pytest.mark.long
@pytest.mark.fault(
    "clock",
    injected="a broker's clock three days ahead while it appends one record",
    promised="that stream halts before the record, the others go on, nothing is believed; the way out of "
    "docs/operating.md (export, correct one time, replay) brings the right verdicts",
)
def test_a_brokers_clock_is_three_days_ahead(hq: Headquarters, clock: ClockOf, tmp_path: Path, seen: Seen) -> None:
    """One append time would take three days of reports for late ones."""
    line = Line(hq.bootstrap)
    line.send(encounter("before"), "dal")
    clock.ahead("3d")
    wrong = line.send(encounter("from-the-future"), "dal")
    clock.right()
    assert wrong > now_ms() + 2 * DAYS
    line.send(encounter("after"), "dal")
    line.send(report("after"), "dal")
    other = line.send(encounter("elsewhere"), "hou")

    hq.until(lambda: "stream_halted" in hq.log(), "the stream is halted")
    hq.until(lambda: _pulsed(hq) and verdicts_of(hq, "elsewhere"), "the other office is judged")
    with hq.reading() as ledger:
        state = ledger.streams()[encounters("dal")][0]
        assert state.next_offset == 1, "halted before the record"
        assert state.clock < other + 1
        said = [case for case, _ in ledger.verdicts()]
    assert said == ["elsewhere"], "nothing is said of the office whose clock is not known"

    # The way out: what cannot be believed is corrected in the exported log, which is then the record of it.
    hq.stop()
    log = tmp_path / "log.jsonl"
    hq.run("export", "--bootstrap", hq.bootstrap, "--offices", str(hq.offices), "--out", str(log))
    corrected = _corrected(log)
    hq.ledger = f"sqlite:///{tmp_path / 'new.db'}"
    as_of = format_instant(now_ms())
    judge = ["--policy", str(hq.policy), "--offices", str(hq.offices), "--log", str(log), "--as-of", as_of]
    hq.run("replay", *judge, "--ledger", hq.ledger)
    hq.run("audit", *judge, "--compare", hq.ledger)
    hq.start("--no-pulse")
    line.send(encounter("later"), "dal")
    hq.until(lambda: _pulsed(hq) and verdicts_of(hq, "later"), "it goes on from there")
    found = {
        case: [v[0] for v in verdicts_of(hq, case)["initial-report"]]
        for case in ("before", "from-the-future", "after", "later")
    }
    assert found == {"before": ["MISSED"], "from-the-future": ["MISSED"], "after": ["ON_TIME"], "later": ["MISSED"]}
    seen(
        f"halted at offset 1 of {encounters('dal')}, {(wrong - other) / DAYS:.1f} days ahead; {corrected} append time "
        "corrected; then every verdict right, and the replay, the audit and the topics' next records agree"
    )


@pytest.mark.fault(
    "clock",
    injected="an office's clock three days ahead: its events claim to have occurred then",
    promised="the claim is clamped to the append time and buys nothing; CLOCK_AHEAD says so",
)
def test_an_offices_clock_is_ahead(tmp_path: Path, broker: KafkaBroker, seen: Seen) -> None:
    """Or a deadline could be put off by setting a clock."""
    hq = Headquarters(tmp_path, broker.bootstrap, POLICY, ("dal",))
    hq.start()
    try:
        ahead = to_datetime(now_ms()) + timedelta(days=3)
        appended = Line(hq.bootstrap).send(encounter("ahead", occurred_at=ahead), "dal")
        hq.until(lambda: verdicts_of(hq, "ahead"), "it is judged")
        with hq.reading() as ledger:
            findings = [finding.kind for finding in ledger.findings()]
        found = verdicts_of(hq, "ahead")["initial-report"]
        hq.assert_audit_agrees()
    finally:
        hq.kill()
    assert found == [("MISSED", appended + 1_000, appended + 1_000)]
    assert findings == ["CLOCK_AHEAD"]
    seen("MISSED one second after the append, not three days later; one CLOCK_AHEAD")


def _pulsed(hq: Headquarters) -> bool:
    """Let the broker's time pass on every stream."""
    hq.run("pulse", "--once", "--bootstrap", hq.bootstrap, "--offices", str(hq.offices))
    return True


def _corrected(log: Path) -> int:
    """Give each record whose append time is ahead that of the record before it; give how many there were."""
    last: dict[str, str] = {}
    lines, corrected = [], 0
    for line in log.read_text("utf-8").splitlines():
        entry: dict[str, Any] = json.loads(line)
        if parse_instant(entry["appended_at"]) > now_ms() + 5_000:
            entry["appended_at"] = last[entry["stream"]]
            corrected += 1
        last[entry["stream"]] = entry["appended_at"]
        lines.append(json.dumps(entry))
    log.write_text("\n".join(lines) + "\n", "utf-8")
    return corrected
