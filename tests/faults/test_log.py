"""Faults of the log: read again, sent twice, made anew, cut at either end, with a hole; and a ledger of yesterday."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from muster_contract.times import now_ms
from muster_contract.topics import encounters
from muster_hq.kafka import Admin
from tests.faults.parts import Line, encounter, framed, report, verdicts_of
from tests.kafka_broker import KafkaBroker
from tests.system.headquarters import Headquarters
from tests.system.offices import soon
from tests.system.policies import due_within, policy

pytestmark = pytest.mark.kafka

OFFICES = ("dal", "hou")
DAL, HOU = encounters("dal"), encounters("hou")
POLICY = policy(due_within("PT1S"))
Seen = Callable[[str], None]


@pytest.fixture
def hq(tmp_path: Path, broker: KafkaBroker) -> Iterator[Headquarters]:
    """Run a headquarters that has judged a few cases of two offices."""
    yield from _running(Headquarters(tmp_path, broker.bootstrap, POLICY, OFFICES))


@pytest.fixture
def alone(tmp_path: Path, own_broker: KafkaBroker) -> Iterator[Headquarters]:
    """Run the same on a broker whose disk may be taken apart."""
    yield from _running(Headquarters(tmp_path, own_broker.bootstrap, POLICY, OFFICES))


def _running(hq: Headquarters) -> Iterator[Headquarters]:
    hq.start()
    try:
        _work(hq, "first", OFFICES)
        yield hq
    finally:
        hq.kill()


@pytest.mark.long
@pytest.mark.fault(
    "log",
    injected="the topics read again from offset 0: the consumer group's offsets are gone",
    promised="the ledger's positions count: nothing is read twice, no verdict is added",
)
def test_topics_are_read_again_from_offset_0(hq: Headquarters, seen: Seen) -> None:
    """The group's offsets are a hint for lag tools, and nothing else."""
    hq.stop()
    before = _holdings(hq)
    hq.start("--group", "one-that-never-read")
    settled = soon(0.5)
    hq.until(lambda: hq.caught_up(settled), "it has caught up")
    after = _holdings(hq)
    assert after == before
    hq.assert_audit_agrees()
    seen(f"{after[0]} events applied before and after, {len(after[1])} verdicts the same")


@pytest.mark.long
@pytest.mark.fault(
    "log",
    injected="every record sent three times, in an order of chance",
    promised="each event is applied once; the copies are counted as duplicates; no gap is claimed",
)
def test_records_are_sent_again_and_out_of_order(hq: Headquarters, seen: Seen) -> None:
    """As a relay does it that lost its marks, and a network that reorders."""
    chance = random.Random(4)  # noqa: S311 - an order, not a secret
    applied, _ = _holdings(hq)
    copies = [copy for n in range(40) for copy in [framed(encounter(f"copied-{n}"), "dal")] * 3]
    chance.shuffle(copies)
    line = Line(hq.bootstrap)
    for value, with_headers in copies:
        line.send_bytes(DAL, value, with_headers)
    settled = soon(1.5)
    hq.until(lambda: hq.caught_up(settled), "all is judged")
    with hq.reading() as ledger:
        counts = ledger.streams()[DAL][1]
    assert counts.duplicate == 80
    assert _holdings(hq)[0] == applied + 40
    assert all(
        [kind for kind, _, _ in verdicts_of(hq, f"copied-{n}")["initial-report"]] == ["MISSED"] for n in range(40)
    )
    hq.assert_audit_agrees()
    seen(f"{len(copies)} records: 40 applied, {counts.duplicate} duplicates, 40 verdicts")


@pytest.mark.fault(
    "log",
    injected="a stream's topic deleted and made anew (another topic id) while it is read",
    promised="LOG_BROKEN for that stream and a halt; the other office is judged on; nothing is said of what is gone",
)
def test_a_topic_is_made_anew(hq: Headquarters, seen: Seen) -> None:
    """Never a silent reset: the position belongs to a log that is no more."""
    _make_anew(hq, DAL)
    Line(hq.bootstrap).send(encounter("in-the-new-log"), "dal")
    cause = _broken(hq, DAL)
    _work(hq, "afterwards", ("hou",))
    assert verdicts_of(hq, "in-the-new-log") == {}
    assert "made anew" in cause
    seen("one finding, “the topic was made anew: its id is …”; the other office's case was judged on")


@pytest.mark.long
@pytest.mark.fault(
    "log",
    injected="the log cut short on the broker's disk: it ends before the position",
    promised="LOG_BROKEN for that stream and a halt, not a wait until the numbers come round again",
)
def test_a_log_ends_before_the_position(alone: Headquarters, own_broker: KafkaBroker, seen: Seen) -> None:
    """As after an unclean election: records that were applied are gone, and new ones take their numbers."""
    alone.stop()
    own_broker.kill()
    _cut_to_its_first_batch(own_broker.data / f"{DAL}-0")
    own_broker.start()
    alone.start()
    cause = _broken(alone, DAL)
    _work(alone, "afterwards", ("hou",))
    assert re.search(r"ends at offset [12], before the position", cause)  # its first batch had one record or two
    seen(f"one finding, “{cause}”; the other office's case was judged on")


@pytest.mark.long
@pytest.mark.fault(
    "log",
    injected="a number left out of the log: a transaction's marker, which no reader is given",
    promised="LOG_BROKEN for that stream and a halt before the hole",
)
def test_a_log_has_a_hole(hq: Headquarters, seen: Seen) -> None:
    """What stands in the hole could be a report."""
    foreign = Producer({"bootstrap.servers": hq.bootstrap, "transactional.id": "someone-else"})
    foreign.init_transactions(30)
    for n in range(2):
        foreign.begin_transaction()
        foreign.produce(DAL, framed(encounter(f"in-a-transaction-{n}"), "dal")[0], partition=0)
        foreign.commit_transaction(30)
    Line(hq.bootstrap).send(encounter("after-the-hole"), "dal")
    cause = _broken(hq, DAL)
    _work(hq, "afterwards", ("hou",))
    assert verdicts_of(hq, "after-the-hole") == {}
    assert "are missing" in cause
    seen("one finding, “offsets … are missing”; the other office's case was judged on")


@pytest.mark.long
@pytest.mark.fault(
    "log",
    injected="the log's head deleted, first below the position, then beyond it while headquarters was away",
    promised="below: nothing happens, all was applied. Beyond: LOG_BROKEN for that stream and a halt",
)
def test_a_logs_head_is_gone(hq: Headquarters, seen: Seen) -> None:
    """Retention that somebody has set: only what was never read is a loss, and it is said at once."""
    _delete_up_to(hq, DAL, 1)
    _work(hq, "still-read", ("dal",))
    hq.stop()
    line = Line(hq.bootstrap)
    for n in range(3):
        line.send(encounter(f"unread-{n}"), "dal")
    end = Admin({}, hq.bootstrap).log_states([DAL])[DAL].end
    _delete_up_to(hq, DAL, end - 1)
    hq.start()
    cause = _broken(hq, DAL)
    _work(hq, "afterwards", ("hou",))
    assert verdicts_of(hq, "unread-2") == {}, "its own record is there, and those before it are not"
    assert "are gone unread" in cause
    seen(f"read on after the first; then one finding, “{cause}”")


@pytest.mark.long
@pytest.mark.fault(
    "log",
    injected="the ledger restored from a backup that is older than the last verdicts",
    promised="the same verdicts again, from the topics; or LOG_BROKEN when the topics do not reach back so far",
)
@pytest.mark.parametrize("reaches_back", [True, False])
def test_a_ledger_of_yesterday_is_restored(hq: Headquarters, tmp_path: Path, seen: Seen, *, reaches_back: bool) -> None:
    """Right or refused, never silently wrong."""
    hq.stop()
    shutil.copy(tmp_path / "ledger.db", tmp_path / "yesterday.db")
    hq.start()
    _work(hq, "since-then", OFFICES)
    hq.stop()
    _, today = _holdings(hq)
    shutil.copy(tmp_path / "yesterday.db", tmp_path / "ledger.db")
    for leftover in ("ledger.db-wal", "ledger.db-shm"):
        (tmp_path / leftover).unlink(missing_ok=True)
    assert len(_holdings(hq)[1]) < len(today)
    if not reaches_back:
        _delete_up_to(hq, DAL, -1)
    hq.start()
    if reaches_back:
        settled = soon(0.5)
        hq.until(lambda: hq.caught_up(settled), "it has caught up")
        assert _holdings(hq)[1] == today
        hq.assert_audit_agrees()
        seen(f"all {len(today)} verdicts again, each with its old `at`")
    else:
        assert "are gone unread" in _broken(hq, DAL)
        assert verdicts_of(hq, "since-then-dal") == {}
        seen("LOG_BROKEN, and nothing said of that office")


def _work(hq: Headquarters, case: str, offices: tuple[str, ...]) -> None:
    """Have an office report an encounter and nothing more, and wait for what must be said of it."""
    line = Line(hq.bootstrap)
    for office in offices:
        line.send(encounter(f"{case}-{office}"), office)
        line.send(encounter(f"{case}-{office}-reported"), office)
        line.send(report(f"{case}-{office}-reported"), office)
    for office in offices:
        hq.until(lambda o=office: verdicts_of(hq, f"{case}-{o}") and verdicts_of(hq, f"{case}-{o}-reported"), "judged")  # type: ignore[misc]  # mypy does not see through the default
        assert [v[0] for v in verdicts_of(hq, f"{case}-{office}")["initial-report"]] == ["MISSED"]
        assert [v[0] for v in verdicts_of(hq, f"{case}-{office}-reported")["initial-report"]] == ["ON_TIME"]


def _holdings(hq: Headquarters) -> tuple[int, set[object]]:
    """Give how many events are applied, and all verdicts."""
    with hq.reading() as ledger:
        verdicts = list(ledger.verdicts())
        assert len(verdicts) == len(set(verdicts))
        return sum(counts.applied for _, counts in ledger.streams().values()), set(verdicts)


def _broken(hq: Headquarters, stream: str) -> str:
    """Wait until a stream is found broken, and give the cause; it is one finding, and of this stream alone."""

    def found() -> list[tuple[str, str]]:
        with hq.reading() as ledger:
            return [(f.stream, f.detail) for f in ledger.findings() if f.kind == "LOG_BROKEN"]

    hq.until(found, "the broken log is found")
    assert [broken for broken, _ in found()] == [stream]
    return found()[0][1]


def _make_anew(hq: Headquarters, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": hq.bootstrap})
    admin.delete_topics([topic])[topic].result(30)
    created = False
    end = now_ms() + 30_000
    while not created:
        assert now_ms() < end, "the topic cannot be made anew"
        created = bool(Admin({}, hq.bootstrap).create_topics(OFFICES))


def _delete_up_to(hq: Headquarters, topic: str, offset: int) -> None:
    admin = AdminClient({"bootstrap.servers": hq.bootstrap})
    partition = TopicPartition(topic, 0, offset)
    admin.delete_records([partition])[partition].result(30)


def _cut_to_its_first_batch(folder: Path) -> None:
    """Leave only the first batch of a partition: what a disk may come back with."""
    log = folder / f"{0:020}.log"
    content = log.read_bytes()
    log.write_bytes(content[: 12 + int.from_bytes(content[8:12], "big")])
    for index in (*folder.glob("*.index"), *folder.glob("*.timeindex"), *folder.glob("*.snapshot")):
        index.unlink()
