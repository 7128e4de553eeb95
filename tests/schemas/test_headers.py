"""Headers are what operators see: an office, a type, a number, and nothing of the case."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_contract.events import FIELD_EVENTS, OfficeHeartbeat, Stamp, wire_fields
from muster_contract.headers import Headers, Number, OutboxHeaders, number_of, of_event, of_heartbeat
from muster_contract.schemas import newest
from tests.schemas.builders import PLANTED, event_of

EPOCH = UUID("01520ba6-6400-7e17-8c2b-837635dac41b")
STAMP = Stamp(
    event_id=UUID("0153318d-7432-7061-b312-5e19ea210912"),
    office_id="dal",
    epoch=EPOCH,
    sequence=7,
    recorded_at=1_456_833_600_000,
)


def test_headers_are_cloudevents_in_binary_mode() -> None:
    """The names and values that an integrator relies on."""
    assert dict(of_event("EncounterReported", STAMP)) == {
        "ce_specversion": b"1.0",
        "ce_id": b"0153318d-7432-7061-b312-5e19ea210912",
        "ce_source": b"/offices/dal",
        "ce_type": b"muster.field.EncounterReported",
        "ce_time": b"2016-03-01T12:00:00.000Z",
        "content-type": b"application/avro",
        "epoch": b"01520ba6-6400-7e17-8c2b-837635dac41b",
        "sequence": b"7",
    }


@pytest.mark.parametrize("event_type", [event.__name__ for event in FIELD_EVENTS])
def test_headers_hold_nothing_of_the_case(event_type: str) -> None:
    """Secrets planted in every text of an event are in its body, and in no header."""
    event = event_of(event_type, case_id=PLANTED, encounter_id=PLANTED)
    assert PLANTED in wire_fields(event, STAMP).values()
    headers = of_event(event_type, STAMP)
    assert PLANTED.encode() not in b"".join(name.encode() + value for name, value in headers)
    assert {name for name, _ in headers}.isdisjoint(newest()[event_type].fields.keys() - {"epoch", "sequence"})


@given(st.uuids(), st.integers(1, 10**18 - 1))
def test_a_number_comes_back_as_it_went(epoch: UUID, sequence: int) -> None:
    """From a stamp to headers and back."""
    stamp = Stamp(event_id=EPOCH, office_id="dal", epoch=epoch, sequence=sequence, recorded_at=0)
    assert number_of(of_event("IncidentReported", stamp)) == Number(epoch, sequence)


def number_headers(epoch: bytes | None = str(EPOCH).encode(), sequence: bytes | None = b"7") -> Headers:
    """Build the two headers that matter."""
    return [("epoch", epoch), ("sequence", sequence)]


@pytest.mark.parametrize(
    "headers",
    [
        None,
        [],
        number_headers()[:1],
        number_headers()[1:],
        number_headers(epoch=None),
        number_headers(sequence=None),
        number_headers(epoch=b""),
        number_headers(epoch=b"\xff\xfe"),
        number_headers(epoch=b"not-a-uuid"),
        number_headers(sequence=b""),
        number_headers(sequence=b"0"),
        number_headers(sequence=b"-1"),
        number_headers(sequence=b"1.5"),
        number_headers(sequence=b" 7"),
        number_headers(sequence=b"1_000"),
        number_headers(sequence=b"\xd9\xa3"),
        number_headers(sequence=b"9" * 19),
        number_headers(sequence=b"9" * 5000),
    ],
    ids=str,
)
def test_a_number_that_is_missing_or_malformed_is_none(headers: Headers | None) -> None:
    """Headers are as little to be trusted as bodies."""
    assert number_of(headers) is None


@given(st.lists(st.tuples(st.sampled_from(["epoch", "sequence"]), st.none() | st.binary(max_size=40)), max_size=4))
def test_random_headers_never_raise(headers: list[tuple[str, bytes | None]]) -> None:
    """A number or None."""
    assert number_of(headers) is None or isinstance(number_of(headers), Number)


def test_an_outbox_builds_the_same_headers_from_what_it_stored() -> None:
    """In whatever order."""
    stored = OutboxHeaders("dal", EPOCH).of("IncidentReported", STAMP.event_id.bytes, STAMP.recorded_at, 7)
    assert sorted(stored) == sorted(of_event("IncidentReported", STAMP))


def test_a_heartbeat_has_an_epoch_and_no_sequence() -> None:
    """DESIGN section 2: pulses and heartbeats are not numbered."""
    beat = OfficeHeartbeat(
        event_id=STAMP.event_id,
        office_id="dal",
        epoch=EPOCH,
        recorded_at=STAMP.recorded_at,
        last_encounter_sequence=2,
        last_incident_sequence=0,
        pending=0,
    )
    as_an_event = dict(of_event("OfficeHeartbeat", STAMP))
    del as_an_event["sequence"]
    assert dict(of_heartbeat(beat)) == as_an_event
    assert number_of(of_heartbeat(beat)) is None
