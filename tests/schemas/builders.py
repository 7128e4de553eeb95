"""Events with sane values, changed where a test says so."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from muster_contract.events import FIELD_EVENTS, FieldEvent, Stamp

PLANTED = "JOHN-DOE-1970"
"""What must never show: it has the form of an opaque id, so that it passes the door."""
ID = UUID("0153318d-7432-7061-b312-5e19ea210912")
STAMP = Stamp(event_id=ID, office_id="dal", epoch=ID, sequence=7, recorded_at=1_456_833_600_000)
CLASSES = {event.__name__: event for event in FIELD_EVENTS}
GOOD: dict[str, Any] = {
    "case_id": "c-1",
    "encounter_id": "e.1",
    "occurred_at": datetime(2016, 3, 1, 12, tzinfo=UTC),
    "match": "POTENTIAL",
    "custody": "IN_CUSTODY",
    "kind": "INITIAL",
    "step": "CASE_NOTE",
    "to": "SUPERVISED",
    "jurisdiction": "US-CA",
    "channel": "CLASSIFIED",
    "receipt_reference": "r_1",
    "voids": ID,
    "stage": "INITIAL",
    "report_reference": "IR-1",
    "report_sha256": "ab" * 32,
    "retracts": ID,
    "outcome": "CONFIRMED",
}
REASONS = {"EncounterVoided": "WRONG_CASE", "IncidentRetracted": "SUPERSEDED"}


def event_of(event_type: str, **changes: Any) -> FieldEvent:  # noqa: ANN401 - any field's value
    """Build an event of a type with sane values, changed."""
    values = GOOD | {"reason": REASONS.get(event_type)} | changes
    names = {field.name for field in fields(CLASSES[event_type])}
    return CLASSES[event_type](**{name: value for name, value in values.items() if name in names})
