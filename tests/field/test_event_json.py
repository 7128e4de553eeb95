"""Events as JSON: what the contract knows is read, everything else is refused by name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from muster_contract.errors import Refused
from muster_contract.events import EncounterVoided, StepDocumented
from muster_contract.times import to_datetime
from muster_field.event_json import event_from_json
from tests.field.offices import NOW
from tests.schemas.builders import PLANTED

ID = "0153318d-7432-7061-b312-5e19ea210912"
STEP = {"case_id": "c-1", "encounter_id": "e-1", "occurred_at": "2016-03-01T12:00:00Z", "step": "CASE_NOTE"}
VOID = {"case_id": "c-1", "encounter_id": "e-1", "occurred_at": "2016-03-01T12:00:00Z", "reason": "DUPLICATE"}


def step(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Give a step as JSON, changed."""
    return {"type": "StepDocumented", "event": STEP | changes}


def faults(data: object) -> list[str]:
    """Give what is wrong with some JSON, as place and cause."""
    with pytest.raises(Refused) as refused:
        event_from_json(data)
    return [f"{fault.place} {fault.cause}" for fault in refused.value.faults]


def test_an_event_is_read() -> None:
    """Instants become datetimes, and the label has its default."""
    expected = StepDocumented(case_id="c-1", encounter_id="e-1", occurred_at=to_datetime(NOW), step="CASE_NOTE")
    assert event_from_json(step()) == expected
    assert event_from_json(step(label="CUI")).label == "CUI"


def test_an_id_is_read() -> None:
    """What is voided is named by its event_id."""
    event = event_from_json({"type": "EncounterVoided", "event": VOID | {"voids": ID}})
    assert isinstance(event, EncounterVoided)
    assert event.voids == UUID(ID)


def test_a_free_text_field_is_refused_by_name() -> None:
    """There is no field that a name or a narrative fits in."""
    assert faults(step(narrative=PLANTED)) == ["event.narrative is no field of StepDocumented"]


def test_the_stamp_is_the_outboxs() -> None:
    """Nobody else gives an event its number."""
    assert faults(step(sequence=7)) == ["event.sequence is no field of StepDocumented"]


@pytest.mark.parametrize("time", ["2016-03-01T12:00:00", "yesterday", 7, None, "2016-02-30T12:00:00Z"])
def test_a_time_needs_a_zone(time: object) -> None:
    """A naive time is an hour's error that nobody sees."""
    (fault,) = faults(step(occurred_at=time))
    assert fault.startswith("event.occurred_at is not a")


@pytest.mark.parametrize("value", ["x", 7, None])
def test_an_id_that_is_none_is_refused(value: object) -> None:
    """A malformed reference is refused."""
    assert faults({"type": "EncounterVoided", "event": VOID | {"voids": value}}) == ["event.voids is not a UUID"]


def test_every_fault_at_once() -> None:
    """What is missing, unknown and unfit, each once."""
    event = {"case_id": "John Doe", "occurred_at": "x", "step": 3, "name": PLANTED}
    assert [fault.partition(" ")[0] for fault in faults({"type": "StepDocumented", "event": event})] == [
        "event.name", "event.encounter_id", "event.occurred_at", "event.case_id", "event.step",
    ]  # fmt: skip


@pytest.mark.parametrize("data", [None, [], "x", 3])
def test_what_is_no_object_is_refused(data: object) -> None:
    """JSON of another shape."""
    assert faults(data) == ["event is not a JSON object"]


def test_the_envelope_is_as_strict() -> None:
    """A log file's stream and offset are not for the outbox; types are the office's own."""
    assert faults(step() | {"offset": 3}) == ["offset is not known"]
    assert faults({"type": "ClockPulse", "event": {}}) == ["type is no type that an office records"]
    assert faults({"type": ["x"]}) == ["type is no type that an office records", "event is not a JSON object"]


def test_no_fault_shows_a_value() -> None:
    """Every field holds something planted, and no message has it."""
    planted = dict.fromkeys(STEP, f"{PLANTED} {PLANTED}")
    assert PLANTED not in "".join(faults({"type": "StepDocumented", "event": planted | {"label": [PLANTED]}}))
