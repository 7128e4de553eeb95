"""The dataclasses say exactly what the schemas say, and the door refuses what they cannot hold."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_type_hints
from uuid import UUID

import pytest

from muster_contract.codec import decode, encode
from muster_contract.errors import Fault
from muster_contract.events import (
    LABELS,
    EncounterReported,
    OfficeHeartbeat,
    Stamp,
    above_ceiling,
    faults_of,
    wire_fields,
)
from muster_contract.schemas import enum_symbols, newest
from muster_contract.topics import topic_of_kind
from tests.schemas.builders import CLASSES, GOOD, ID, PLANTED, STAMP, event_of


def test_every_field_type_has_a_class() -> None:
    """What may stand on an office's streams, but for heartbeats and pulses, is what it may say."""
    on_streams = topic_of_kind("encounters").types | topic_of_kind("incidents").types
    assert on_streams - {"OfficeHeartbeat", "ClockPulse"} == CLASSES.keys()


@pytest.mark.parametrize("event_type", CLASSES)
def test_a_class_and_the_stamp_have_the_schemas_fields(event_type: str) -> None:
    """Together, each once, and of the types that the wire form expects."""
    hints = get_type_hints(CLASSES[event_type]) | get_type_hints(Stamp)
    names = [field.name for class_ in (CLASSES[event_type], Stamp) for field in fields(class_)]
    schema = newest()[event_type]
    assert sorted(names) == sorted(schema.fields)
    assert {name: python_type(name, type_) for name, type_ in schema.fields.items()} == {n: hints[n] for n in names}


def test_a_heartbeat_has_its_schemas_fields() -> None:
    """In the schema's order, with its defaults."""
    schema = newest()["OfficeHeartbeat"]
    assert [field.name for field in fields(OfficeHeartbeat)] == list(schema.fields)
    assert {f.name: f.default for f in fields(OfficeHeartbeat) if f.name in schema.defaults} == schema.defaults


def python_type(name: str, type_: Any) -> type:  # noqa: ANN401 - any Avro type
    """Say which Python type stands for an Avro one in the API."""
    simple = type_.get("name", "") if isinstance(type_, dict) else type_.rpartition(".")[2]
    if simple == "Uuid":
        return UUID
    if name == "occurred_at":
        return datetime
    return int if "long" in {simple, type_ if isinstance(type_, str) else type_["type"]} else str


@pytest.mark.parametrize("event_type", CLASSES)
def test_a_good_event_has_no_fault_and_goes_on_the_wire(event_type: str) -> None:
    """What the door accepts can be encoded."""
    event = event_of(event_type)
    assert faults_of(event) == []
    assert decode(encode(event_type, wire_fields(event, STAMP))).fields["occurred_at"] == 1_456_833_600_000


def test_a_heartbeat_goes_on_the_wire() -> None:
    """It needs no stamp."""
    beat = OfficeHeartbeat(
        event_id=ID,
        office_id="dal",
        epoch=ID,
        recorded_at=5,
        last_encounter_sequence=2,
        last_incident_sequence=0,
        pending=0,
    )
    assert decode(encode("OfficeHeartbeat", wire_fields(beat))).fields["last_encounter_sequence"] == 2


def test_an_event_is_frozen_and_has_no_room_for_prose() -> None:
    """Neither another value afterwards nor a field of one's own."""
    event = event_of("EncounterReported")
    with pytest.raises(FrozenInstanceError):
        event.case_id = "c-2"  # type: ignore[misc]  # that it is refused is the test
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        EncounterReported(narrative=PLANTED)  # type: ignore[call-arg]  # the same


REFUSED: dict[str, tuple[str, str, Any, str]] = {
    "a name for an id": ("EncounterReported", "case_id", f"{PLANTED} X", "is not an opaque id"),
    "an empty id": ("EncounterReported", "case_id", "", "is not an opaque id"),
    "an id of 65 characters": ("EncounterReported", "encounter_id", "x" * 65, "is not an opaque id"),
    "an id with another script's letters": ("EncounterReported", "encounter_id", "\u0430bc", "is not an opaque id"),
    "an id with a line end": ("EncounterReported", "case_id", "c-1\n", "is not an opaque id"),
    "an id that is a number": ("EncounterReported", "case_id", 7, "is not text"),
    "an id that is None": ("EncounterReported", "case_id", None, "is not text"),
    "a time for an id": ("EncounterReported", "case_id", GOOD["occurred_at"], "is not text"),
    "prose for a reference": ("IncidentReported", "report_reference", f"{PLANTED} was seen", "is not an opaque id"),
    "a naive time": ("EncounterReported", "occurred_at", datetime(2016, 3, 1), "is a time without a zone"),  # noqa: DTZ001
    "a time as text": ("EncounterReported", "occurred_at", "2016", "is not a datetime"),
    "a time as a number": ("EncounterReported", "occurred_at", 1_456_833_600_000, "is not a datetime"),
    "a time before 1970": (
        "EncounterReported",
        "occurred_at",
        datetime(1970, 1, 1, tzinfo=UTC) - timedelta(milliseconds=1),
        "is out of range",
    ),
    "a time after 9999 in UTC": (
        "EncounterReported",
        "occurred_at",
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=1))),
        "is out of range",
    ),
    "another symbol": ("EncounterReported", "match", PLANTED, "is not one of the contract's values"),
    "UNKNOWN": ("EncounterReported", "custody", "UNKNOWN", "is not one of the contract's values"),
    "a symbol in lower case": ("IncidentReported", "stage", "initial", "is not one of the contract's values"),
    "a list for a symbol": ("IncidentReported", "stage", ["INITIAL"], "is not text"),
    "an UNKNOWN label": ("EncounterReported", "label", "UNKNOWN", "is not one of the contract's values"),
    "another label": ("EncounterReported", "label", PLANTED, "is not one of the contract's values"),
    "a digest of 63 digits": ("IncidentReported", "report_sha256", "a" * 63, "is not a SHA-256 digest"),
    "a digest in upper case": ("IncidentReported", "report_sha256", "AB" * 32, "is not a SHA-256 digest"),
    "bytes for a digest": ("IncidentReported", "report_sha256", bytes(32), "is not text"),
    "a place for a jurisdiction": ("TransferDeclined", "jurisdiction", PLANTED, "is not an ISO 3166 code"),
    "a jurisdiction in lower case": ("TransferDeclined", "jurisdiction", "us-ca", "is not an ISO 3166 code"),
    "text for an event_id": ("EncounterVoided", "voids", str(ID), "is not a UUID"),
    "None for an event_id": ("IncidentRetracted", "retracts", None, "is not a UUID"),
}


@pytest.mark.parametrize(("event_type", "name", "value", "cause"), REFUSED.values(), ids=REFUSED)
def test_the_door_refuses_a_value_and_names_its_field(event_type: str, name: str, value: Any, cause: str) -> None:  # noqa: ANN401
    """One fault with a hint, and nothing of the value in it."""
    (fault,) = faults_of(event_of(event_type, **{name: value}))
    assert (fault.place, fault.cause) == (f"{event_type}.{name}", cause)
    assert fault.hint
    assert PLANTED not in str(fault)


ACCEPTED: dict[str, tuple[str, str, Any]] = {
    "an id of one character": ("EncounterReported", "case_id", "-"),
    "an id of 64 characters": ("EncounterReported", "case_id", "aZ09._-x" * 8),
    "the first millisecond of 1970": ("EncounterReported", "occurred_at", datetime(1970, 1, 1, tzinfo=UTC)),
    "the last one of 9999": ("EncounterReported", "occurred_at", datetime.max.replace(tzinfo=UTC)),
    "a time of another zone": (
        "EncounterReported",
        "occurred_at",
        datetime(2016, 3, 1, tzinfo=timezone(timedelta(hours=-6))),
    ),
    "a country": ("TransferDeclined", "jurisdiction", "MX"),
    "a longest jurisdiction": ("TransferDeclined", "jurisdiction", "US-ABCDEFG8"),
    "a label above the ceiling, which is the outbox's to refuse": ("EncounterReported", "label", "SECRET"),
}


@pytest.mark.parametrize(("event_type", "name", "value"), ACCEPTED.values(), ids=ACCEPTED)
def test_the_door_accepts_a_value_at_the_edge(event_type: str, name: str, value: Any) -> None:  # noqa: ANN401
    """The other side of each boundary."""
    event = event_of(event_type, **{name: value})
    assert faults_of(event) == []
    encode(event_type, wire_fields(event, STAMP))


def test_every_fault_is_named_at_once() -> None:
    """A caller fixes them in one go."""
    event = event_of("IncidentReported", case_id="", occurred_at="", stage="", report_sha256="", label="")
    assert [fault.place.partition(".")[2] for fault in faults_of(event)] == [
        "case_id",
        "occurred_at",
        "label",
        "stage",
        "report_sha256",
    ]
    assert all(isinstance(fault, Fault) for fault in faults_of(event))


def test_labels_are_the_schemas_in_rising_order() -> None:
    """A ceiling is a place in this order."""
    assert enum_symbols()["Label"] == LABELS


@pytest.mark.parametrize(
    ("label", "above"),
    [("UNKNOWN", True), ("UNCLASSIFIED", False), ("CUI", False), ("CUI_LES", False), ("SECRET", True)],
)
def test_a_label_is_above_the_ceiling_or_not(label: str, *, above: bool) -> None:
    """CUI_LES itself may stand on a field stream; a label that we do not know may not."""
    assert above_ceiling(label, "CUI_LES") is above
