"""What an office may say: one frozen dataclass an event type, as the caller gives it.

The caller names the case, the encounter and what happened; the outbox stamps the rest (``Stamp``) in the
transaction that stores it. Ids are opaque, and there is no field for a name or a narrative.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from muster_contract.errors import Fault
from muster_contract.schemas import enum_symbols, newest
from muster_contract.times import MAX_MS, to_ms

OPAQUE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,8})?")
SHA256_HEX = re.compile(r"[0-9a-f]{64}")
LABELS = ("UNKNOWN", "UNCLASSIFIED", "CUI", "CUI_LES", "SECRET")
"""Handling labels, in rising order: a stream's ceiling is a place in it. UNKNOWN is above every ceiling."""


def above_ceiling(label: str, ceiling: str) -> bool:
    """Tell whether a label may not stand on a stream with this ceiling; one that we do not know may not."""
    return label == "UNKNOWN" or LABELS.index(label) > LABELS.index(ceiling)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldEvent:
    """What every event of an encounter says. ``occurred_at`` is aware; ids are opaque."""

    case_id: str
    encounter_id: str
    occurred_at: datetime
    label: str = "UNCLASSIFIED"

    @property
    def type(self) -> str:
        """The event's type, as in its schema."""
        return type(self).__name__


@dataclass(frozen=True, slots=True, kw_only=True)
class EncounterReported(FieldEvent):
    """An encounter, with what the first check said and where the person was."""

    match: str
    custody: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningCompleted(FieldEvent):
    """A screening: the first one, or one after release."""

    kind: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDocumented(FieldEvent):
    """A step of the protocol, documented in the case file."""

    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchResolved(FieldEvent):
    """The resolution of a potential match; NOT_A_MATCH is a normal outcome."""

    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyChanged(FieldEvent):
    """Where the person is from now on."""

    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferDeclined(FieldEvent):
    """A jurisdiction (ISO 3166 code) declined to transfer custody."""

    jurisdiction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InformationShared(FieldEvent):
    """Information went over a channel; the reference of its receipt."""

    channel: str
    receipt_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EncounterVoided(FieldEvent):
    """An earlier event of this office, by its event_id, was entered in error."""

    voids: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentReported(FieldEvent):
    """A report went to headquarters: its reference, and the SHA-256 of its bytes in 64 hex digits."""

    stage: str
    channel: str
    report_reference: str
    report_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRetracted(FieldEvent):
    """An earlier report of this office, by its event_id, is withdrawn."""

    retracts: UUID
    reason: str


FIELD_EVENTS: tuple[type[FieldEvent], ...] = (
    EncounterReported,
    ScreeningCompleted,
    StepDocumented,
    MatchResolved,
    CustodyChanged,
    TransferDeclined,
    InformationShared,
    EncounterVoided,
    IncidentReported,
    IncidentRetracted,
)
"""Every event type that an office records about an encounter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What the outbox adds: identity, numbering and the office's clock (UTC milliseconds)."""

    event_id: UUID
    office_id: str
    epoch: UUID
    sequence: int
    recorded_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeHeartbeat:
    """An office lives, and says up to which number it has recorded. Instants are UTC milliseconds."""

    type: ClassVar[str] = "OfficeHeartbeat"
    event_id: UUID
    office_id: str
    epoch: UUID
    recorded_at: int
    last_encounter_sequence: int
    last_incident_sequence: int
    pending: int
    oldest_pending_at: int | None = None
    lowest_pending_encounter_sequence: int | None = None
    lowest_pending_incident_sequence: int | None = None


def faults_of(event: FieldEvent) -> list[Fault]:
    """Name everything that is wrong with an event, without showing what it says."""
    faults: list[Fault] = []
    for name, check in _checks(event.type):
        fault = check(getattr(event, name))
        if fault:
            faults.append(Fault(f"{event.type}.{name}", *fault))
    return faults


def wire_fields(event: FieldEvent | OfficeHeartbeat, stamp: Stamp | None = None) -> dict[str, Any]:
    """Give the fields as they stand on the wire (integers and bytes), ready for ``codec.encode``."""
    form = _WIRE_FORMS[type(event)]
    wire = dict(zip(form.names, form.values(event), strict=True))
    for name, to_wire in form.changes:
        wire[name] = to_wire(wire[name])
    if stamp is not None:
        wire["event_id"], wire["epoch"] = stamp.event_id.bytes, stamp.epoch.bytes
        wire["office_id"], wire["sequence"], wire["recorded_at"] = stamp.office_id, stamp.sequence, stamp.recorded_at
    return wire


class _WireForm(NamedTuple):
    names: tuple[str, ...]
    values: Callable[[Any], tuple[Any, ...]]
    changes: tuple[tuple[str, Callable[[Any], Any]], ...]


def _wire_form(class_: type[FieldEvent | OfficeHeartbeat]) -> _WireForm:
    names = tuple(field.name for field in fields(class_))
    changes = ((field.name, _change(field.name, field.type)) for field in fields(class_))
    return _WireForm(names, attrgetter(*names), tuple((name, change) for name, change in changes if change))


def _change(name: str, annotation: object) -> Callable[[Any], Any] | None:
    if annotation == "datetime":
        return to_ms
    if annotation == "UUID":
        return attrgetter("bytes")
    return bytes.fromhex if name.endswith("_sha256") else None


_WIRE_FORMS = {class_: _wire_form(class_) for class_ in (*FIELD_EVENTS, OfficeHeartbeat)}

Check = Callable[[Any], tuple[str, str] | None]
"""What is wrong with a value, and a hint; None when nothing is."""

_TEXTS = {
    "report_sha256": (SHA256_HEX, "is not a SHA-256 digest", "64 lower-case hex digits"),
    "jurisdiction": (JURISDICTION, "is not an ISO 3166 code", "such as US-CA"),
}
_ID = (OPAQUE_ID, "is not an opaque id", "1 to 64 of A-Z a-z 0-9 . _ -; no names, no free text")


@cache
def _checks(event_type: str) -> tuple[tuple[str, Check], ...]:
    stamped = {field.name for field in fields(Stamp)}
    types = newest()[event_type].fields
    return tuple((name, _check(name, type_)) for name, type_ in types.items() if name not in stamped)


def _check(name: str, type_: Any) -> Check:  # noqa: ANN401 - any Avro type
    type_name = type_.get("name", "") if isinstance(type_, dict) else type_.rpartition(".")[2]
    if isinstance(type_, dict) and type_.get("logicalType") == "timestamp-millis":
        return _fault_of_instant
    if type_name == "Uuid":
        return _fault_of_uuid
    if type_name in enum_symbols():
        return _one_of(tuple(symbol for symbol in enum_symbols()[type_name] if symbol != "UNKNOWN"))
    return _shaped(*_TEXTS.get(name, _ID))


def _one_of(allowed: tuple[str, ...]) -> Check:
    fault = "is not one of the contract's values", "one of " + ", ".join(allowed)
    return lambda value: None if value in allowed else _not_text(value) or fault


def _shaped(pattern: re.Pattern[str], cause: str, hint: str) -> Check:
    matches = pattern.fullmatch
    return lambda value: None if isinstance(value, str) and matches(value) else _not_text(value) or (cause, hint)


def _not_text(value: object) -> tuple[str, str] | None:
    return None if isinstance(value, str) else ("is not text", f"not {type(value).__name__}")


def _fault_of_uuid(value: object) -> tuple[str, str] | None:
    return None if isinstance(value, UUID) else ("is not a UUID", "the event_id that the API returned")


def _fault_of_instant(value: object) -> tuple[str, str] | None:
    if not isinstance(value, datetime):
        return "is not a datetime", "an aware one, such as datetime.now(UTC)"
    try:
        ms = to_ms(value)
    except ValueError:
        return "is a time without a zone", "give it one, such as UTC"
    return None if 0 <= ms <= MAX_MS else ("is out of range", "between 1970 and 9999")
