"""What an outbox holds, as its owner, its metrics and its heartbeats see it. Instants are UTC milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Reason(StrEnum):
    """Why an event was set aside instead of sent."""

    CORRUPT = "CORRUPT"
    """The row is not what was stored, or is gone: it must not be sent."""
    REFUSED = "REFUSED"
    """The broker refused it for good: another attempt would end in the same way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """An event that was not sent, and why; ``detail`` is a code, never content."""

    sequence: int
    reason: Reason
    detail: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamState:
    """One stream: every number up to ``last_sequence`` is sent, pending or set aside."""

    kind: str
    last_sequence: int
    pending: int
    set_aside: tuple[SetAside, ...] = ()
    lowest_pending: int | None = None
    oldest_pending_at: int | None = None
    last_acknowledged_at: int | None = None

    @property
    def sent(self) -> int:
        """Give how many events the broker acknowledged."""
        return self.last_sequence - self.pending - len(self.set_aside)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxState:
    """A whole outbox."""

    office_id: str
    epoch: UUID
    created_at: int
    encounters: StreamState
    incidents: StreamState

    @property
    def streams(self) -> tuple[StreamState, StreamState]:
        """Give both streams."""
        return self.encounters, self.incidents

    @property
    def pending(self) -> int:
        """Give how many events still wait for the broker's acknowledgement."""
        return self.encounters.pending + self.incidents.pending
