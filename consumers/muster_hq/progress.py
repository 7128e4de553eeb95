"""Where a batch takes each stream: its position, its clock, its counts, and where it must halt. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from muster_contract.topics import Stream, parse_stream
from muster_hq.entries import NEVER_READ, Counts, StreamState
from muster_hq.records import Record


class Halt(NamedTuple):
    """A stream that stops before a record that cannot be believed.

    ``broken`` tells a hole in the log (LOG_BROKEN) from a broker's clock, which may come right.
    """

    stream: str
    offset: int
    cause: str
    hint: str
    broken: bool


@dataclass(slots=True)
class Progress:
    """A stream as the batch moves it, and what became of the batch's records on it."""

    stream: Stream
    registered: bool
    start: int
    next_offset: int
    clock: int
    newest_id: bytes
    began_at: int
    applied: int = 0
    duplicate: int = 0
    pulse: int = 0
    quarantined: int = 0
    halted: bool = False

    def state(self, topic_id: str | None) -> StreamState:
        """Give the stream's state after the batch."""
        return StreamState(self.next_offset, self.clock, topic_id, self.newest_id)

    def counted(self) -> Counts:
        """Give the batch's four counts."""
        return Counts(self.applied, self.duplicate, self.pulse, self.quarantined)

    @property
    def begun(self) -> bool:
        """Tell whether the first record of an office's stream was taken."""
        return self.start == 0 and self.next_offset > 0 and self.stream.office is not None

    def halt_before(self, record: Record, now: int | None) -> Halt | None:
        """Stop the stream before a record that cannot be believed; None for one that was taken before.

        ``now`` is headquarters' clock in UTC milliseconds, which the append time is too far ahead of.
        """
        if record.offset < self.next_offset:
            return None
        broken = record.offset > self.next_offset
        if broken:
            cause = f"offsets {self.next_offset} to {record.offset - 1} are missing"
            hint = "restore the topic, or replay the archived log into a new ledger"
        else:
            cause = f"the append time is {record.appended_at - (now or 0)} ms ahead of headquarters' clock"
            hint = "set the broker's clock right"
        self.halted = True
        return Halt(record.stream, record.offset, cause, hint, broken)


def begin(name: str, state: StreamState, at: int, *, registered: bool) -> Progress:
    """Begin to move a stream from where the ledger stands on it; ``at`` is when its first record came."""
    stream = parse_stream(name)
    if stream is None:
        raise ValueError(f"{name} is no stream of headquarters")
    start = state.next_offset
    return Progress(stream, registered, start, start, state.clock, state.newest_id, max(at, NEVER_READ))


def gaps_before(clock: int, appended_at: int, stream: str, shortest: int) -> list[tuple[str, int, int]]:
    """Give (office, start, end) of the stretch before a record, if a policy may call it an outage."""
    parsed = parse_stream(stream)
    if parsed is None or parsed.office is None or clock == NEVER_READ or appended_at - clock <= shortest:
        return []
    return [(parsed.office, clock, appended_at)]
