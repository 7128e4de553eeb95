"""The worker: read, publish, take in, judge, in turn, in one thread.

One thread is enough, and with SQLite it is a must: the ledger has one writer. A turn never holds a
transaction while it waits for Kafka, and whatever stops it before or after a commit loses nothing: the next
worker starts from the ledger's positions. What is published was committed by a turn before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Protocol

import structlog
from tenacity import (
    RetryCallState,
    RetryError,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_when_event_set,
    wait_random_exponential,
)

from muster_contract.topics import parse_stream
from muster_hq.calling import Calling
from muster_hq.entries import FindingRow, StreamState
from muster_hq.intake import Intake
from muster_hq.judging import Judging
from muster_hq.kafka import Batch, Broken
from muster_hq.ledger_port import LedgerAway, Outrun

BATCH = 20_000
"""Records a turn reads at most: what a transaction holds, and so what a crash repeats."""
STEP = 5_000
"""Cases a step of judging takes at most: a second's work, in which nobody hears that the worker is to stop."""
SMALLEST_BATCH = 500
"""The same after a turn that was cut off, again and again: one that is too long for the ledger's patience is tried
again in parts (a quarter of it, then twice as much a turn), or it would be cut off for ever."""
WAIT_SECONDS = 0.2
"""How long a turn waits for records: a bound on how late a verdict can be, with pulses once a second."""
JUDGE_SECONDS = 2.0
"""How long a turn goes on judging a large backlog before it commits and reads on: whoever stops the worker waits for
the turn, and whoever kills it has all of it done again."""
HOLD_MS = 5_000
"""How long a stream whose broker's clock is ahead is left alone before it is looked at again."""

FINISH_SECONDS = 2.0
"""How long the turn under way may go on once the worker is told to stop: it leaves within five seconds, all in all."""
AWAY_SECONDS = 5.0
"""How long the worker waits at most before it looks again for a ledger that is away."""

_log = structlog.get_logger(__name__)


class Reader(Protocol):
    """What the worker needs of a StreamReader."""

    @property
    def topic_ids(self) -> Mapping[str, str | None]:
        """The streams that are being read, with their topics' ids."""

    def read(self, max_records: int, timeout: float) -> Batch:
        """Wait up to ``timeout`` seconds for records."""

    def rewind(self, streams: Collection[str]) -> None:
        """Read these again from the ledger's positions."""

    def halt(self, stream: str) -> None:
        """Read a stream no further."""

    def commit_hint(self, positions: Mapping[str, int]) -> None:
        """Tell lag tools where the ledger stands."""


class Worker:
    """Runs intake and judging, and ``publish`` between them. ``clock`` gives UTC milliseconds.

    ``together`` makes one commit of a turn's (see Ledger): the disk is waited for once. ``hang_up`` breaks one off, and
    tells whether it did. ``pace`` is a monotonic clock, in seconds.
    With ``trust_append_times`` an append time may lie ahead of the clock: replays and demonstrations only.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the parts of a worker, each of which a test may replace
        self,
        reader: Reader,
        intake: Intake,
        judging: Judging,
        calling: Calling,
        publish: Callable[[], object],
        clock: Callable[[], int],
        *,
        trust_append_times: bool = False,
        together: Callable[[], AbstractContextManager[None]] = nullcontext,
        hang_up: Callable[[], bool] = lambda: False,
        pace: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader = reader
        self._intake = intake
        self._judging = judging
        self._calling = calling
        self._publish = publish
        self._clock = clock
        self._trusting = trust_append_times
        self._together = together
        self._hang_up = hang_up
        self._pace = pace
        self._held: dict[str, int] = {}
        self._stopped: set[str] = set()  # streams that the turn under way stops reading
        self._most = BATCH
        self.turned_at = clock()
        """When the loop last turned: it lives as long as this moves."""
        self.heard_at = self.turned_at
        """When records last came, or nothing was assigned: pulses come every few seconds on every stream."""

    @property
    def reading(self) -> bool:
        """Tell whether streams are being read: their positions were found in the ledger, and fit."""
        return bool(self._reader.topic_ids)

    def run(self, stop: threading.Event) -> None:
        """Turn until told to stop; the turn under way is finished first, unless its ledger is too slow for that.

        When the ledger is away, turns are tried again, ever more rarely up to AWAY_SECONDS, until one is committed.
        """
        tries = Retrying(
            retry=retry_if_exception_type(LedgerAway),
            wait=wait_random_exponential(multiplier=0.1, max=AWAY_SECONDS),
            sleep=sleep_using_event(stop),
            stop=stop_when_event_set(stop),
            before_sleep=self._start_over,
        )
        ended = threading.Event()
        threading.Thread(target=self._leave_in_time, args=(stop, ended), name="leaving", daemon=True).start()
        try:
            while not stop.is_set():
                with suppress(RetryError):  # told to stop
                    tries(self.turn, stop=stop)
                    if tries.statistics["attempt_number"] > 1:
                        _log.info("ledger_back")
        finally:
            ended.set()

    def turn(self, wait: float = WAIT_SECONDS, stop: threading.Event | None = None) -> int:
        """Read once; then publish, take in and judge what is due, committed as one; give the number of records read."""
        self._look_again()
        self._stopped.clear()  # of the turn before, which was committed
        batch = self._reader.read(self._most, wait)
        self._stopped.update(broken.stream for broken in batch.broken)
        with self._together():
            self._publish()  # what earlier turns have committed
            self._report(batch.broken)
            if batch.records:
                self._take(batch)
            self._judge(stop)
            self._calling.step()
        self._most = min(2 * self._most, BATCH)
        self.turned_at = self._clock()
        if batch.records or not self.reading:
            self.heard_at = self.turned_at
        return len(batch.records)

    def _judge(self, stop: threading.Event | None) -> None:
        """Judge what is due, or as much of it as a turn has the time for."""
        most, end = min(self._most, STEP), self._pace() + JUDGE_SECONDS
        while self._judging.step(most) == most and self._pace() < end and not (stop and stop.is_set()):
            pass

    def _leave_in_time(self, stop: threading.Event, ended: threading.Event) -> None:
        """Break off a turn that does not end in time once told to stop: nothing of it has happened then."""
        while not ended.wait(WAIT_SECONDS):
            if stop.is_set():
                if not ended.wait(FINISH_SECONDS) and self._hang_up():
                    _log.warning("turn_broken_off", hint="the ledger is slow; the next worker goes on from there")
                return

    def _start_over(self, tried: RetryCallState) -> None:
        """Have all streams read from the ledger's positions, whatever became of the turn that failed.

        Nothing of it was committed, or all of it: the positions say which, as soon as they can be read. Those that
        it stopped are looked at again too, or what was found of them would be told to nobody.
        """
        if tried.attempt_number == 1:
            cause = tried.outcome and tried.outcome.exception()
            _log.warning("ledger_away", cause=str(cause), hint="it is tried again; nothing is lost")
        self._most = max(self._most // 4, SMALLEST_BATCH)
        self._reader.rewind([*self._reader.topic_ids, *self._stopped])
        self.turned_at = self.heard_at = self._clock()  # the loop lives, though it can do nothing

    def _take(self, batch: Batch) -> None:
        streams = {record.stream for record in batch.records}
        try:
            taken = self._intake.take(batch.records, None if self._trusting else self._clock(), self._reader.topic_ids)
        except Outrun as outrun:
            _log.info("batch_outrun", stream=outrun.stream, records=len(batch.records))
            self._intake.reload()
            self._reader.rewind(streams)
            return
        for halt in taken.halts:
            self._reader.halt(halt.stream)
            self._stopped.add(halt.stream)
            if not halt.broken:
                self._held[halt.stream] = self._clock() + HOLD_MS
        self._reader.commit_hint({stream: self._intake.state(stream).next_offset for stream in streams})

    def _report(self, broken: Collection[Broken]) -> None:
        """Put streams that cannot be read on faithfully on record; the others go on."""
        findings = []
        for stream, _, cause, hint in broken:
            _log.error("log_broken", stream=stream, cause=cause, hint=hint)
            parsed = parse_stream(stream)
            office = parsed.office if parsed and parsed.office else ""
            findings.append(FindingRow("LOG_BROKEN", office, stream, self._clock(), cause, ()))
        if findings:
            self._intake.find(findings)

    def _look_again(self) -> None:
        now = self._clock()
        ready = [stream for stream, until in self._held.items() if until <= now]
        for stream in ready:
            del self._held[stream]
        if ready:
            self._reader.rewind(ready)


def positions_of(intake: Intake) -> Callable[[Collection[str]], Mapping[str, StreamState]]:
    """Give what a StreamReader asks the ledger on assignment: where each stream stands, read anew."""

    def positions(streams: Collection[str]) -> Mapping[str, StreamState]:
        intake.reload()
        return {stream: intake.state(stream) for stream in streams}

    return positions
