"""The port to the broker: what a relay hands over, what comes back, and which faults there are.

Faults come in three kinds, and the relay acts on the kind alone: *again* (the record is fine; try later),
*for good* (the broker will never take this record), and the loss of the sender (build another).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Parcel(NamedTuple):
    """A record to send, to partition 0 of its stream. ``sequence`` is None for what is not an event."""

    stream: str
    sequence: int | None
    value: bytes
    headers: list[tuple[str, bytes]]
    timestamp: int | None = None


class Refusal(NamedTuple):
    """Why a record was not appended: the broker's code, and whether that is for good."""

    code: str
    for_good: bool


class Report(NamedTuple):
    """What became of a record: the offset that it was appended at, or why it was not.

    One acknowledgement may speak for ``covers`` records: this one, and those before it whose numbers and
    offsets go up to it one by one. An offset that the broker did not tell is -1.
    """

    stream: str
    sequence: int | None
    offset: int
    refusal: Refusal | None = None
    covers: int = 1


class SenderLost(Exception):
    """The sender cannot go on; nothing that it had not reported is known to have been appended."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Sender(Protocol):
    """What sends records in the order in which it got them, stream by stream, and reports on each."""

    def send(self, parcel: Parcel) -> bool:
        """Take a record; False when it cannot be taken before the next ``poll``."""

    def poll(self, seconds: float) -> Sequence[Report]:
        """Wait at most so long for reports, and give them, in order within a stream; SenderLost when lost."""

    def close(self, seconds: float) -> Sequence[Report]:
        """Wait at most so long for what is under way, drop the rest, and give the last reports."""
