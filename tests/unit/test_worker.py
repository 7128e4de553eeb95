"""The worker's turn, with a reader that a test fills by hand, on a real ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from muster_contract.topics import encounters, incidents, streams_of
from muster_hq.calling import Calling
from muster_hq.intake import Intake
from muster_hq.judging import Judging
from muster_hq.kafka import Batch, Broken
from muster_hq.ledger.sqlite import SqliteLedger
from muster_hq.ledger_port import LedgerAway, LedgerError
from muster_hq.policies import Policies
from muster_hq.records import Record
from muster_hq.sorting import MAX_BROKER_SKEW
from muster_hq.worker import AWAY_SECONDS, BATCH, HOLD_MS, JUDGE_SECONDS, STEP, Worker, positions_of
from tests.builders import policies_of, records_of
from tests.cases.builders import T0, encounter, pulse, report

POLICY = """
id = "p"
version = 1
[[requirement]]
id = "r"
opens_on = { event = "EncounterReported" }
satisfied_by = { event = "IncidentReported" }
within = "PT1S"
"""
NOW = T0 + 10_000


class FakeReader:
    """Gives what a test put in, and notes what the worker asked of it."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.rewound: list[set[str]] = []
        self.asked: list[int] = []
        self.halted: list[str] = []
        self.hints: dict[str, int] = {}
        self.topic_ids: Mapping[str, str | None] = {}
        self.positions: Callable[[Collection[str]], object] = lambda _: None

    def read(self, max_records: int, timeout: float) -> Batch:
        """Ask for positions as the real one does after a rewind; give the next batch, or an empty one."""
        self.positions(self.rewound[-1] if self.rewound else ())
        self.asked.append(max_records)
        assert timeout >= 0
        return self.batches.pop(0) if self.batches else Batch([], [], frozenset())

    def rewind(self, streams: Collection[str]) -> None:
        """Note it."""
        self.rewound.append(set(streams))

    def halt(self, stream: str) -> None:
        """Note it."""
        self.halted.append(stream)

    def commit_hint(self, positions: Mapping[str, int]) -> None:
        """Note it."""
        self.hints |= positions


class StopAfter(threading.Event):
    """Is set once it was asked so often whether it is; notes what was waited, and waits for nothing."""

    def __init__(self, turns: int) -> None:
        super().__init__()
        self._left = turns
        self.waited: list[float] = []

    def is_set(self) -> bool:
        """Count a turn."""
        self._left -= 1
        return self._left < 0

    def wait(self, timeout: float | None = None) -> bool:
        """Note it."""
        self.waited.append(timeout or 0)
        return False


class Bench:
    """A worker of one office with its parts, and a clock that a test sets."""

    def __init__(self, path: Path) -> None:
        self.policies: Policies = policies_of(POLICY)
        self.ledger = SqliteLedger(path / "ledger.db")
        self.reader = FakeReader()
        self.intake = Intake(self.ledger, self.policies, ["a"])
        self.now = NOW
        self.published = 0
        judging, calling = Judging(self.ledger, self.policies), Calling(self.ledger, self.policies)
        self.away = 0
        self.fault: LedgerError = LedgerAway.of("ledger", "the connection was lost")
        together, publish = self._together, self._publish
        self.worker = Worker(self.reader, self.intake, judging, calling, publish, lambda: self.now, together=together)

    def turn(self, *records: Record, broken: Collection[Broken] = ()) -> int:
        """Let the worker read these in one turn."""
        self.reader.batches.append(Batch(list(records), list(broken), frozenset()))
        return self.worker.turn(wait=0)

    def kinds(self) -> list[str]:
        """Give the ledger's verdicts."""
        return [verdict.verdict for _, verdict in self.ledger.verdicts()]

    def _publish(self) -> None:
        self.published += 1

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Commit a turn; so many times the ledger goes away at the very end, and nobody knows of it."""
        with self.ledger.together():
            yield
            if self.away:
                self.away -= 1
                raise self.fault


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Set a worker up."""
    found = Bench(tmp_path)
    yield found
    found.ledger.close()


def pulses(at: int) -> list[Record]:
    """Pulse every stream of the office for the first time."""
    return records_of(*(pulse(at, stream) for stream in streams_of(["a"])))


def test_a_turn_takes_in_judges_and_publishes(bench: Bench) -> None:
    """What was due when the pulses came is judged in the same turn, and lag tools are told."""
    first, late = records_of(encounter("e", 0), report("r", 1_001))
    assert bench.turn(first, late, *[r._replace(offset=1) for r in pulses(2_000)[1:]], pulses(2_000)[0]) == 5
    assert bench.kinds() == ["MISSED", "LATE"]
    assert bench.published == 1
    assert bench.reader.hints == {"hq.directives": 1, encounters("a"): 2, incidents("a"): 2}


def test_a_turn_calls_the_roll(bench: Bench) -> None:
    """What was announced a minute before the pulses, and did not come, is found in the same turn."""
    (skips_one,) = records_of(encounter("e", 0, sequence=2))
    bench.now = T0 + 60_002
    directives, encounters, incidents = pulses(60_002)
    bench.turn(skips_one, encounters._replace(offset=1), directives, incidents)
    assert [(finding.kind, finding.at) for finding in bench.ledger.findings()] == [("SEQUENCE_GAP", T0 + 60_000)]


def test_an_empty_turn_is_a_turn(bench: Bench) -> None:
    """Time passes in turns without records too: health is that the loop turns."""
    bench.now += 5
    assert bench.turn() == 0
    assert bench.worker.turned_at == NOW + 5


def test_a_batch_that_was_outrun_is_thrown_away_and_read_again(bench: Bench) -> None:
    """Another worker moved the position: nothing of the batch stays, and the ledger says where to go on."""
    (record,) = records_of(encounter("e", 0))
    Intake(bench.ledger, bench.policies, ["a"]).take([record], None)
    assert bench.turn(record) == 1
    assert bench.reader.rewound == [{encounters("a")}]
    assert positions_of(bench.intake)([encounters("a")])[encounters("a")].next_offset == 1
    assert bench.ledger.streams()[encounters("a")][1].applied == 1


@pytest.mark.parametrize(("ahead", "halted"), [(MAX_BROKER_SKEW, False), (MAX_BROKER_SKEW + 1, True)])
def test_a_broker_clock_that_is_too_far_ahead_halts_its_stream(bench: Bench, ahead: int, *, halted: bool) -> None:
    """Five seconds are believed, a millisecond more is not."""
    bench.turn(*records_of(encounter("e", NOW - T0 + ahead)))
    assert (bench.reader.halted == [encounters("a")]) is halted
    assert bench.ledger.streams()[encounters("a")][0].next_offset == (0 if halted else 1)


def test_a_stream_that_was_halted_by_a_clock_is_looked_at_again(bench: Bench) -> None:
    """The clock may come right; until then the stream is left alone."""
    bench.turn(*records_of(encounter("e", NOW - T0 + MAX_BROKER_SKEW + 1)))
    bench.now += HOLD_MS - 1
    bench.turn()
    assert bench.reader.rewound == []
    bench.now += 1
    bench.turn()
    assert bench.reader.rewound == [{encounters("a")}]


def test_a_hole_halts_its_stream_for_good_and_the_others_go_on(bench: Bench) -> None:
    """LOG_BROKEN is found, and never a position skipped."""
    (early,) = records_of(encounter("e", 0))
    (other,) = records_of(report("r", 1))
    bench.turn(early._replace(offset=7), other)
    bench.now += HOLD_MS
    bench.turn()
    assert [(finding.kind, finding.stream) for finding in bench.ledger.findings()] == [("LOG_BROKEN", encounters("a"))]
    assert bench.reader.halted == [encounters("a")]
    assert bench.reader.rewound == []
    assert bench.ledger.streams()[incidents("a")][0].next_offset == 1


def test_a_log_that_no_longer_fits_is_a_finding_with_its_cause(bench: Bench) -> None:
    """What the reader found stands in the ledger, for whoever asks later."""
    bench.turn(broken=[Broken(encounters("a"), 0, "the topic was made anew", "restore it")])
    (finding,) = bench.ledger.findings()
    assert (finding.kind, finding.office_id, finding.at) == ("LOG_BROKEN", "a", NOW)
    assert finding.detail == "the topic was made anew"


def test_streams_that_are_read_are_heard_by_their_records(bench: Bench) -> None:
    """Turns without records are no sign of life from the broker; without an assignment none is expected."""
    bench.now += 1
    bench.turn()
    assert bench.worker.heard_at == NOW + 1, "nothing is assigned"
    bench.reader.topic_ids = {encounters("a"): None}
    bench.now += 1
    bench.turn()
    assert bench.worker.heard_at == NOW + 1
    bench.turn(*records_of(encounter("e", 0)))
    assert bench.worker.heard_at == NOW + 2


def test_a_ledger_that_is_away_is_waited_for(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """The turn is tried again from the ledger's positions; it is told once, and that it is over."""
    stop = StopAfter(4)
    (record,) = records_of(encounter("e", 0))
    bench.away = 3
    bench.reader.topic_ids = {encounters("a"): None}
    bench.reader.positions = positions_of(bench.intake)
    bench.reader.batches += [Batch([record], [], frozenset())] * 4
    bench.worker.run(stop)
    assert bench.reader.rewound == [{encounters("a")}] * 3
    assert bench.ledger.streams()[encounters("a")][1].applied == 1
    told = capsys.readouterr()
    assert (told.out + told.err).count("ledger_away") == (told.out + told.err).count("ledger_back") == 1


def test_a_broken_log_is_found_though_the_ledger_was_away(bench: Bench) -> None:
    """The reader tells of it once, and the turn that was to keep it is undone: so it is looked at once more."""
    bench.away = 1
    gone = Broken(encounters("a"), 0, "the topic was made anew", "restore it")
    bench.reader.batches += [Batch([], [gone], frozenset()), Batch([], [], frozenset())]
    bench.worker.run(StopAfter(2))
    assert bench.reader.rewound == [{encounters("a")}]


def test_a_hole_is_found_though_the_ledger_was_away(bench: Bench) -> None:
    """As with a log that is broken: the stream was halted, and nothing of it stands in the ledger."""
    (early,) = records_of(encounter("e", 0))
    bench.away = 1
    bench.reader.positions = positions_of(bench.intake)
    bench.reader.batches += [Batch([early._replace(offset=7)], [], frozenset())] * 2
    bench.worker.run(StopAfter(2))
    assert bench.reader.rewound == [{encounters("a")}]
    assert [finding.kind for finding in bench.ledger.findings()] == ["LOG_BROKEN"]


def test_a_turn_that_is_cut_off_is_tried_again_in_parts(bench: Bench) -> None:
    """A busy machine, and a ledger that waits no longer than so: the same batch would be cut off for ever."""
    bench.away = 4
    bench.worker.run(StopAfter(11))
    first, *rest = bench.reader.asked
    assert first == BATCH
    assert rest == [5_000, 1_250, 500, 500, 1_000, 2_000, 4_000, 8_000, 16_000, BATCH]


def test_a_worker_without_its_ledger_lives_and_can_be_stopped(bench: Bench) -> None:
    """It waits ever longer, so that a ledger that comes back is not overrun."""
    stop = StopAfter(5)
    bench.away = 1_000
    bench.now += 7
    bench.worker.run(stop)
    assert 1_000 - bench.away == 5
    assert bench.worker.turned_at == bench.worker.heard_at == NOW + 7
    assert all(seconds <= AWAY_SECONDS for seconds in stop.waited)
    assert sum(stop.waited) > 0


def test_a_refusal_that_only_an_operator_can_mend_ends_the_worker(bench: Bench) -> None:
    """Such as a right that is missing."""
    bench.away, bench.fault = 1, LedgerError.of("ledger", "may not be written")
    with pytest.raises(LedgerError, match="may not be written"):
        bench.worker.run(StopAfter(9))


class Backlog(Judging):
    """Has as many cases due as anybody asks for, for ever; each step takes half a second, and may end the worker."""

    def __init__(self, bench: Bench, stop: threading.Event | None = None, stop_after: int = 0) -> None:
        super().__init__(bench.ledger, bench.policies)
        self.asked: list[int] = []
        self._stop, self._stop_after = stop, stop_after

    def step(self, limit: int) -> int:
        """Note it."""
        self.asked.append(limit)
        if self._stop and len(self.asked) == self._stop_after:
            self._stop.set()
        return limit

    def pace(self) -> float:
        """Give the monotonic time."""
        return len(self.asked) / 2


def worker_with(bench: Bench, backlog: Backlog) -> Worker:
    """Put a worker together whose judging never comes to an end."""
    calling = Calling(bench.ledger, bench.policies)
    return Worker(bench.reader, bench.intake, backlog, calling, lambda: None, lambda: bench.now, pace=backlog.pace)


def test_a_turn_judges_no_longer_than_a_stop_may_wait(bench: Bench) -> None:
    """A month's backlog is judged in many turns, each committed: a worker that is killed does little of it again."""
    backlog = Backlog(bench)
    worker_with(bench, backlog).turn(wait=0)
    assert backlog.asked == [STEP] * int(JUDGE_SECONDS * 2)


def test_a_worker_that_is_told_to_stop_leaves_its_backlog(bench: Bench) -> None:
    """After the step under way; the next one goes on from there."""
    stop = threading.Event()
    backlog = Backlog(bench, stop, stop_after=2)
    worker_with(bench, backlog).run(stop)
    assert backlog.asked == [STEP] * 2


@pytest.mark.parametrize("can", [True, False])
def test_a_turn_is_said_to_be_broken_off_only_where_the_ledger_can(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, can: bool
) -> None:
    """A file is waited for by nobody else: its turn goes on, and is committed."""
    monkeypatch.setattr("muster_hq.worker.FINISH_SECONDS", 0.05)
    monkeypatch.setattr("muster_hq.worker.WAIT_SECONDS", 0.01)
    asked, stop = threading.Event(), threading.Event()

    def publish() -> None:
        stop.set()
        assert asked.wait(5)

    def hang_up() -> bool:
        asked.set()
        return can

    judging, calling = Judging(bench.ledger, bench.policies), Calling(bench.ledger, bench.policies)
    worker = Worker(bench.reader, bench.intake, judging, calling, publish, lambda: NOW, hang_up=hang_up)
    with capture_logs() as said:
        worker.run(stop)
        _ended("leaving")
    assert [line["event"] for line in said] == ["turn_broken_off"] * can


def _ended(name: str) -> None:
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(5)
