"""What may enter an outbox: events are checked whole, every fault named, before anything is stored.

The door is narrow on purpose: only the contract's dataclasses pass, so there is no field that a name or a
narrative could travel in, and nothing that headquarters would quarantine is ever accepted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from muster_contract.errors import Fault, Refused
from muster_contract.events import FIELD_EVENTS, LABELS, FieldEvent, above_ceiling, faults_of
from muster_contract.topics import MAX_VALUE_BYTES
from muster_field.wire import FORMS, UNFIT, Body


@dataclass(frozen=True, slots=True)
class Rules:
    """Whose outbox it is, and what limits hold there."""

    office_id: str
    offices: frozenset[str]
    max_value_bytes: int = MAX_VALUE_BYTES

    @property
    def faults(self) -> list[Fault]:
        """Name what is wrong with the office itself."""
        if self.office_id in self.offices:
            return []
        return [Fault("office", f"{self.office_id} is not in the office register", "check --office, or the register")]


def prepare(events: Sequence[FieldEvent], rules: Rules) -> list[Body]:
    """Check events and write what they say; Refused names every fault of every event, by the event's number."""
    try:
        bodies = [FORMS[type(event)].write(event) for event in events]
    except UNFIT:
        bodies = []
    if len(bodies) == len(events) and not rules.faults:
        return bodies
    faults = rules.faults
    for number, event in enumerate(events, 1):
        place = f"event {number}: " if len(events) > 1 else ""
        faults += [Fault(place + fault.place, fault.cause, fault.hint) for fault in faults_in(event)]
    raise Refused(faults)


def faults_in(event: FieldEvent) -> list[Fault]:
    """Name everything that is wrong with one event, its label included, without showing what it says."""
    form = FORMS.get(type(event))
    if form is None:
        hint = "one of " + ", ".join(class_.__name__ for class_ in FIELD_EVENTS)
        return [Fault("event", f"{type(event).__name__} is no event of the contract", hint)]
    faults = faults_of(event)
    if event.label in LABELS[1:] and above_ceiling(event.label, form.ceiling):
        cause = f"{event.label} may not stand on this stream, whose ceiling is {form.ceiling}"
        faults.append(Fault(f"{form.type}.label", cause, "it may not enter Muster: follow the spill procedure"))
    return faults


def require_size(value: bytes, body: Body, rules: Rules) -> None:
    """Raise Refused when an event is larger than the streams take."""
    if len(value) > rules.max_value_bytes:
        cause = f"is {len(value)} bytes on the wire, at most {rules.max_value_bytes} are allowed"
        raise Refused.of(body.form.type, cause)
