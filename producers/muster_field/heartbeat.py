"""Heartbeats: an office lives, and says up to which number it has recorded, so that a lost tail shows too.

An event that was set aside counts as pending here: it was recorded and not sent, and its number is named.
"""

from __future__ import annotations

from uuid import UUID

from muster_contract.codec import encode
from muster_contract.events import OfficeHeartbeat, wire_fields
from muster_contract.headers import of_heartbeat
from muster_contract.topics import encounters
from muster_field.sender import Parcel
from muster_field.state import OutboxState, StreamState


def heartbeat(state: OutboxState, event_id: UUID, now: int) -> OfficeHeartbeat:
    """Say what the outbox holds at ``now``."""
    oldest = [at for stream in state.streams if (at := stream.oldest_pending_at) is not None]
    return OfficeHeartbeat(
        event_id=event_id,
        office_id=state.office_id,
        epoch=state.epoch,
        recorded_at=now,
        last_encounter_sequence=state.encounters.last_sequence,
        last_incident_sequence=state.incidents.last_sequence,
        pending=sum(stream.pending + len(stream.set_aside) for stream in state.streams),
        oldest_pending_at=min(oldest, default=None),
        lowest_pending_encounter_sequence=_lowest_unsent(state.encounters),
        lowest_pending_incident_sequence=_lowest_unsent(state.incidents),
    )


def parcel_of(beat: OfficeHeartbeat) -> Parcel:
    """Pack a heartbeat for its stream: it has no sequence."""
    value = encode(beat.type, wire_fields(beat))
    return Parcel(encounters(beat.office_id), None, value, of_heartbeat(beat))


def _lowest_unsent(stream: StreamState) -> int | None:
    numbers = [aside.sequence for aside in stream.set_aside]
    return min(numbers if stream.lowest_pending is None else [*numbers, stream.lowest_pending], default=None)
