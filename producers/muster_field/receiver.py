"""The receiver: reads what headquarters answers into the inbox, for as long as it runs.

It has no part in sending, and whatever goes wrong here keeps no event from headquarters: an answer that this version
cannot read is passed over, told in the log, and stands on the topic for a newer one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Event
from typing import NamedTuple, Protocol

import structlog

from muster_contract.codec import Undecodable
from muster_field.answers import Answer, read_answer
from muster_field.inbox import Inbox
from muster_field.pacing import Backoff

MOST = 1_000
WAIT_SECONDS = 0.5
FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 0.5, 30.0

_log = structlog.get_logger()


class Record(NamedTuple):
    """A record of the receipts topic."""

    offset: int
    value: bytes | None


class SourceLost(Exception):
    """The source cannot go on; ``gone`` tells that the position is none of the topic's any more."""

    def __init__(self, code: str, *, gone: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.gone = gone


class Source(Protocol):
    """What gives an office's answers, in order, from an offset on."""

    def read(self, most: int, seconds: float) -> Sequence[Record]:
        """Wait at most so long for records; SourceLost when it must be built anew."""

    def at_end(self) -> bool:
        """Tell whether all that stood on the topic has been read."""

    def close(self) -> None:
        """Let go of it."""


class Receiver:
    """Reads an office's answers. ``connect`` gives a source that begins at an offset; ``clock`` UTC milliseconds."""

    def __init__(
        self,
        inbox: Inbox,
        office: str,
        connect: Callable[[int], Source],
        *,
        clock: Callable[[], int],
        pace: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inbox, self._office, self._connect = inbox, office, connect
        self._clock, self._pace = clock, pace
        self._source: Source | None = None
        self._backoff = Backoff(FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS)

    def run(self, stop: Event) -> None:
        """Receive until ``stop`` is set."""
        try:
            while not stop.is_set():
                self.turn(stop)
        finally:
            self._let_go()

    def catch_up(self, seconds: float, stop: Event) -> bool:
        """Receive until all that stands on the topic has been read; False when it took too long or was stopped."""
        end = self._pace() + seconds
        try:
            while not stop.is_set() and self._pace() < end:
                self.turn(stop)
                if self._source is not None and self._source.at_end():
                    return True
        finally:
            self._let_go()
        return False

    def turn(self, stop: Event) -> int:
        """Read once and keep what came; give the number of records."""
        delay = self._backoff.remaining(self._pace())
        if delay:
            stop.wait(min(delay, WAIT_SECONDS))
            return 0
        try:
            self._source = self._source or self._connect(self._inbox.position())
            records = self._source.read(MOST, WAIT_SECONDS)
        except SourceLost as lost:
            self._give_up(lost)
            return 0
        if records:
            answers = [answer for record in records if (answer := self._read(record)) is not None]
            self._inbox.take(answers, records[-1].offset + 1, self._clock())
            self._backoff.succeeded()
        return len(records)

    def _read(self, record: Record) -> Answer | None:
        try:
            return read_answer(record.value, self._office)
        except Undecodable as fault:
            _log.warning("answer_not_read", reason=fault.reason, offset=record.offset)
            return None

    def _give_up(self, lost: SourceLost) -> None:
        self._let_go()
        if lost.gone:
            _log.warning("answers_begin_anew", code=lost.code)
            self._inbox.restart()
        delay = self._backoff.failed(self._pace())
        _log.warning("source_given_up", code=lost.code, again_in_seconds=delay)

    def _let_go(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.close()
