"""The JSON form of a record: exact both ways, lenient where DESIGN says so, and never a traceback."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_contract.codec import encode
from muster_contract.jsonform import NIL, from_json, to_json
from muster_contract.schemas import Schema, newest
from tests.schemas.examples import events
from tests.schemas.strategies import TEXTS, wire_fields

TYPES = st.sampled_from(tuple(newest().values()))
PLANTED = "John Doe, born 1970-01-01"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.just(PLANTED) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def example(event_type: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - parsed JSON
    """Give the first example of a type, changed."""
    return events(newest()[event_type])[0] | changes


def faults(event: dict[str, Any], event_type: str) -> list[str]:
    """Give the faults of an event as text."""
    return [str(fault) for fault in from_json(event, event_type)[1]]


@given(st.data(), TYPES)
def test_any_record_survives_json(data: st.DataObject, schema: Schema) -> None:
    """Wire, JSON text, wire."""
    fields = data.draw(wire_fields(schema))
    assert from_json(json.loads(json.dumps(to_json(fields, schema.name))), schema.name) == (fields, [])


@given(st.data(), TYPES)
def test_any_json_is_read_or_refused_unseen(data: st.DataObject, schema: Schema) -> None:
    """What is read can be encoded; what is not has faults that never show a value."""
    event = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(schema.fields, JSON)))
    fields, found = from_json(event, schema.name)
    assert PLANTED not in "".join(map(str, found))
    if not found:
        encode(schema.name, fields)


def test_a_log_file_may_leave_out_what_only_the_transport_needs() -> None:
    """``epoch``, ``sequence``, ``recorded_at`` and ``label``, as DESIGN section 8 says."""
    event = example("EncounterReported", occurred_at="2016-03-01T12:00:00Z")
    short = {name: event[name] for name in event.keys() - {"epoch", "sequence", "recorded_at", "label"}}
    fields, found = from_json(short, "EncounterReported")
    assert found == []
    assert [fields[name] for name in ("epoch", "sequence", "label")] == [NIL, 0, "UNCLASSIFIED"]
    assert fields["recorded_at"] == fields["occurred_at"] == 1_456_833_600_000


def test_a_heartbeat_may_leave_out_more() -> None:
    """Its id, its backlog and whatever is null."""
    short = {"office_id": "dal", "last_encounter_sequence": 4, "last_incident_sequence": 0}
    fields, found = from_json(short, "OfficeHeartbeat")
    assert found == []
    assert (fields["event_id"], fields["pending"], fields["oldest_pending_at"]) == (NIL, 0, None)


def test_what_is_left_out_depends_on_the_event_alone() -> None:
    """A second copy of an event has the same bytes."""
    short = {
        k: v for k, v in example("MatchResolved").items() if k not in {"epoch", "sequence", "recorded_at", "label"}
    }
    first, second = (encode("MatchResolved", from_json(dict(short), "MatchResolved")[0]) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    "name", ["event_id", "office_id", "case_id", "encounter_id", "occurred_at", "match", "custody"]
)
def test_nothing_else_may_be_left_out(name: str) -> None:
    """The fault names the field."""
    event = {other: value for other, value in example("EncounterReported").items() if other != name}
    assert faults(event, "EncounterReported") == [f"event.{name}: is missing"]


REFUSED: dict[str, tuple[str, str, Any, str]] = {
    "an unknown field": ("EncounterReported", "narrative", PLANTED, "is no field of EncounterReported"),
    "a time without a zone": ("EncounterReported", "occurred_at", "2016-03-01T12:00:00", "is not a time"),
    "a time as a number": ("EncounterReported", "occurred_at", 1_456_833_600_000, "is not text"),
    "an id that is no UUID": ("EncounterReported", "event_id", PLANTED, "is not a UUID"),
    "a null where none may be": ("EncounterReported", "event_id", None, "is not text"),
    "a number as text": ("EncounterReported", "sequence", "1", "is not a 64-bit integer"),
    "a number with a fraction": ("EncounterReported", "sequence", 1.0, "is not a 64-bit integer"),
    "a truth for a number": ("EncounterReported", "sequence", True, "is not a 64-bit integer"),
    "a number too large": ("EncounterReported", "sequence", 2**63, "is not a 64-bit integer"),
    "a number too small": ("EncounterReported", "sequence", -(2**63) - 1, "is not a 64-bit integer"),
    "an int too large": ("Verdict", "occurrence", 2**31, "is not a 32-bit integer"),
    "another symbol": ("EncounterReported", "match", PLANTED, "is not one of UNKNOWN, NONE, POTENTIAL, CONFIRMED"),
    "half a surrogate": ("EncounterReported", "case_id", "\ud800", "is not text that UTF-8 can hold"),
    "a digest that is too short": ("IncidentReported", "report_sha256", "ab" * 31, "is not a SHA-256 digest"),
    "a digest that is no hex": ("IncidentReported", "report_sha256", "xy" * 32, "is not a SHA-256 digest"),
    "bytes that are no hex": ("Quarantined", "value", PLANTED, "is not hex"),
    "evidence that is no list": (
        "Verdict",
        "evidence",
        {"topic": PLANTED},
        "is not a list of objects with topic, partition, offset, appended_at, event_id",
    ),
    "evidence that lacks a field": (
        "Verdict",
        "evidence",
        [{"topic": PLANTED}],
        "is not a list of objects with topic,",
    ),
}


@pytest.mark.parametrize(("event_type", "name", "value", "cause"), REFUSED.values(), ids=REFUSED)
def test_a_value_of_another_form_is_refused_by_name(event_type: str, name: str, value: Any, cause: str) -> None:  # noqa: ANN401
    """One fault, with the field's name and without its value."""
    (fault,) = faults(example(event_type, **{name: value}), event_type)
    assert fault.startswith(f"event.{name}: {cause}")
    assert PLANTED not in fault


@pytest.mark.parametrize("sequence", [-(2**63), 2**63 - 1])
def test_a_number_at_the_edge_is_read(sequence: int) -> None:
    """64 bits, both ends included."""
    assert from_json(example("EncounterReported", sequence=sequence), "EncounterReported")[0]["sequence"] == sequence


def test_every_fault_is_named_at_once() -> None:
    """Nobody fixes a log one field a run."""
    event = example("EncounterReported", event_id="x", match="x", occurred_at="x", colour="x")
    assert [fault.split(":")[0] for fault in faults(event, "EncounterReported")] == [
        "event.colour",
        "event.event_id",
        "event.occurred_at",
        "event.match",
    ]


def test_ids_and_digests_are_read_in_any_case_and_written_in_lower_case() -> None:
    """One record, one form."""
    event = example("IncidentReported")
    loud = event | {name: event[name].upper() for name in ("event_id", "epoch", "report_sha256")}
    assert to_json(from_json(loud, "IncidentReported")[0], "IncidentReported") == event
