"""Heartbeats, and when they come."""

from __future__ import annotations

from uuid import UUID

import pytest

from muster_contract.codec import decode
from muster_contract.headers import number_of
from muster_field.heartbeat import heartbeat, parcel_of
from muster_field.pacing import Backoff, Interval
from muster_field.state import OutboxState, Reason, SetAside, StreamState
from tests.field.offices import NOW

ASIDE = SetAside(sequence=3, reason=Reason.CORRUPT, detail="the row is gone", at=NOW)


def state(encounters: StreamState, incidents: StreamState | None = None) -> OutboxState:
    """Give an outbox's state."""
    incidents = incidents or StreamState(kind="incidents", last_sequence=0, pending=0)
    return OutboxState(office_id="dal", epoch=UUID(int=1), created_at=NOW, encounters=encounters, incidents=incidents)


def test_a_heartbeat_of_an_empty_outbox() -> None:
    """Zero for none, and nothing pending."""
    beat = heartbeat(state(StreamState(kind="encounters", last_sequence=0, pending=0)), UUID(int=7), NOW)
    assert (beat.last_encounter_sequence, beat.pending, beat.oldest_pending_at) == (0, 0, None)
    assert (beat.lowest_pending_encounter_sequence, beat.lowest_pending_incident_sequence) == (None, None)


def test_a_heartbeat_counts_both_streams_and_what_was_set_aside() -> None:
    """The lowest number that was not sent is named, whichever kind it is; the oldest pending is over both."""
    encounters = StreamState(
        kind="encounters", last_sequence=9, pending=2, set_aside=(ASIDE,), lowest_pending=8, oldest_pending_at=NOW - 5
    )
    incidents = StreamState(kind="incidents", last_sequence=4, pending=1, lowest_pending=4, oldest_pending_at=NOW - 9)
    beat = heartbeat(state(encounters, incidents), UUID(int=7), NOW)
    assert (beat.last_encounter_sequence, beat.last_incident_sequence, beat.pending) == (9, 4, 4)
    assert (beat.lowest_pending_encounter_sequence, beat.lowest_pending_incident_sequence) == (3, 4)
    assert beat.oldest_pending_at == NOW - 9


def test_a_heartbeat_goes_on_the_encounters_stream_without_a_number() -> None:
    """It is an Avro record like any other, with headers that name no sequence."""
    parcel = parcel_of(heartbeat(state(StreamState(kind="encounters", last_sequence=0, pending=0)), UUID(int=7), NOW))
    assert (parcel.stream, parcel.sequence, parcel.timestamp) == ("field.dal.encounters", None, None)
    assert decode(parcel.value).schema.name == "OfficeHeartbeat"
    assert number_of(parcel.headers) is None
    assert dict(parcel.headers)["epoch"] == str(UUID(int=1)).encode()


@pytest.mark.parametrize(("now", "due"), [(9.9, False), (10.0, True), (11.0, True)])
def test_an_interval_is_due_at_its_end(now: float, due: bool) -> None:  # noqa: FBT001 - a case
    """Both sides of the edge; the first time is at once."""
    interval = Interval(10)
    assert interval.due(-1000)
    interval.done(0)
    assert interval.due(now) is due


def test_an_interval_of_none_is_never_due() -> None:
    """Heartbeats can be left to somebody else."""
    interval = Interval(None)
    interval.done(0)
    assert not interval.due(1e9)


def test_a_backoff_doubles_up_to_its_longest_and_begins_again() -> None:
    """0.1, 0.2, 0.3 and no longer."""
    backoff = Backoff(0.1, 0.3)
    assert [backoff.failed(0) for _ in range(4)] == [0.1, 0.2, 0.3, 0.3]
    assert backoff.remaining(0.1) == pytest.approx(0.2)
    assert backoff.remaining(0.4) == 0
    backoff.succeeded()
    assert backoff.failed(0) == 0.1
