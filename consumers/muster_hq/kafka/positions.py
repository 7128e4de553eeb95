"""Does a stream's log still fit the ledger's position in it? Decided purely; the reader acts on it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from muster_hq.kafka.admin import LogState


class Position(Protocol):
    """What the ledger holds of a stream: the next offset to read, and the id of the topic that it belongs to."""

    @property
    def next_offset(self) -> int:
        """The offset of the first record that was not applied."""

    @property
    def topic_id(self) -> str | None:
        """The topic's id, or None when the stream was never read (or the broker gives none)."""


class Unread(NamedTuple):
    """The position of a stream that the ledger does not know yet."""

    next_offset: int = 0
    topic_id: str | None = None


class Broken(NamedTuple):
    """A stream that is not read on: ``cause`` has numbers and codes only, and becomes a finding's detail."""

    stream: str
    next_offset: int
    cause: str
    hint: str


def broken_log(stream: str, position: Position, log: LogState) -> Broken | None:
    """Compare a position with the log; None when reading may go on from it."""
    at = position.next_offset
    if log.partitions != 1:
        cause = f"the topic has {log.partitions} partitions, a stream has 1"
        return Broken(stream, at, cause, "make the topic anew with one partition")
    if position.topic_id is not None and log.topic_id is not None and position.topic_id != log.topic_id:
        return Broken(
            stream,
            at,
            f"the topic was made anew: its id is {log.topic_id}, the position belongs to {position.topic_id}",
            "restore the topic that was deleted, or replay its export into a new ledger",
        )
    if log.start > at:
        return Broken(
            stream,
            at,
            f"the log starts at offset {log.start}, {log.start - at} records from {at} on are gone unread",
            "check retention with headquarters topics --verify; restore the topic, or replay an export",
        )
    if log.end < at:
        return Broken(
            stream,
            at,
            f"the log ends at offset {log.end}, before the position {at}",
            "records that were applied are gone from the topic: restore it, or replay an export",
        )
    return None
