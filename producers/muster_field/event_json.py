"""An event as JSON: ``{"type": ..., "event": {...}}``, in the form that log files have, without the outbox's stamp.

Fields that the contract does not have are refused by name: there is none that a name or a narrative fits in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from uuid import UUID

from muster_contract.errors import Fault, Refused
from muster_contract.events import FIELD_EVENTS, FieldEvent, Stamp
from muster_contract.times import parse_instant, to_datetime
from muster_field.enqueue import faults_in

_CLASSES = {event_class.__name__: event_class for event_class in FIELD_EVENTS}
_STAMPED = frozenset(field.name for field in fields(Stamp))
_ANY_TIME = to_datetime(0)
_ANY_ID = UUID(int=0)


def event_from_json(data: object) -> FieldEvent:
    """Build an event; Refused names every fault, and shows no value."""
    if not isinstance(data, dict):
        raise Refused.of("event", "is not a JSON object", 'such as {"type": "StepDocumented", "event": {...}}')
    faults = [
        Fault(name, "is not known", "an object of type and event only") for name in data.keys() - {"type", "event"}
    ]
    event_class = _CLASSES.get(data["type"]) if isinstance(data.get("type"), str) else None
    if event_class is None:
        faults.append(Fault("type", "is no type that an office records", "one of " + ", ".join(_CLASSES)))
    if not isinstance(data.get("event"), dict):
        faults.append(Fault("event", "is not a JSON object", "the event's own fields"))
    if faults or event_class is None:
        raise Refused(faults)
    return _event(event_class, data["event"])


def _event(event_class: type[FieldEvent], data: Mapping[str, Any]) -> FieldEvent:
    types = {field.name: field.type for field in fields(event_class)}
    faults = [_unknown(name, event_class) for name in data if name not in types]
    faults += [Fault(f"event.{name}", "is missing") for name in types if name not in data and name != "label"]
    values: dict[str, Any] = {"label": "UNCLASSIFIED"}
    for name, type_ in types.items():
        if name in data or name not in values:
            values[name] = _value(data.get(name), f"event.{name}", str(type_), faults if name in data else [])
    named = {fault.place for fault in faults}
    found = faults_in(event_class(**values))
    others = (Fault(f"event.{fault.place.partition('.')[2]}", fault.cause, fault.hint) for fault in found)
    faults += [fault for fault in others if fault.place not in named]
    if faults:
        raise Refused(faults)
    return event_class(**values)


def _unknown(name: str, event_class: type[FieldEvent]) -> Fault:
    hint = (
        "the outbox gives it" if name in _STAMPED else "a report's text, and whom it concerns, stay where they belong"
    )
    return Fault(f"event.{name}", f"is no field of {event_class.__name__}", hint)


def _value(value: object, place: str, type_: str, faults: list[Fault]) -> object:
    """Read a value; what cannot be read is named, and something that fits stands in for it."""
    if type_ == "datetime":
        try:
            return to_datetime(parse_instant(value if isinstance(value, str) else ""))
        except ValueError as fault:
            faults.append(Fault(place, f"is {fault}"))
            return _ANY_TIME
    if type_ == "UUID":
        try:
            return UUID(value if isinstance(value, str) else "")
        except ValueError:
            faults.append(Fault(place, "is not a UUID", "the event_id that was printed when it was accepted"))
            return _ANY_ID
    return value
