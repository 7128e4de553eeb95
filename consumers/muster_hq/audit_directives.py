"""What directives do, as the text says it (docs/verdicts.md, Directives), each worked out from all of them at once.

Part of the audit, and so written apart from the live engine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import takewhile

from muster_contract.codec import Undecodable, decode
from muster_hq.audit_facts import Directive, Fact, Reading, fact_of, office_of, unfit
from muster_hq.patterns import shape_of
from muster_hq.policies import Activation
from muster_hq.records import Record

UNENDED = 1 << 62
"""When the outage ends that a quarantined record is and that no directive has ended; and a hold that is for good."""


def carry_out(reading: Reading, offices: Collection[str] | None) -> tuple[list[Fact], dict[str, list[tuple[int, int]]]]:
    """Give all facts, those that were readmitted included, and by office the outages that quarantined records are."""
    facts, outages = list(reading.facts), defaultdict[str, list[tuple[int, int]]](list)
    naming = defaultdict[tuple[str, int], list[Directive]](list)
    for directive in sorted(reading.directives):
        naming[directive.target.stream, directive.target.offset].append(directive)
    for record, received_at, reason in reading.set_apart:
        end = UNENDED
        for directive in naming[record.stream, record.offset]:
            if directive.received_at < received_at:
                continue
            if directive.action == "REJECT":
                end = directive.received_at
                break
            if _can_be_read(record, reason, offices):
                end = directive.received_at
                facts += _readmitted(record, end)
                break
        outages[office_of(record.stream)].append((received_at - 1, end))
    return (_first_of_each_event(facts) if len(facts) > len(reading.facts) else facts), outages


def activations(reading: Reading, latest: int) -> Iterator[Activation]:
    """Give the versions of policy and register that were put in force by an instant, as they stand in the log."""
    for directive in sorted(reading.directives):
        if directive.action in {"ACTIVATE_POLICY", "ACTIVATE_REGISTER"} and directive.received_at <= latest:
            yield Activation(directive.received_at, directive.target.activated, directive.target.sha256)


def _can_be_read(record: Record, reason: str, offices: Collection[str] | None) -> bool:
    if reason in {"LABEL_ABOVE_CEILING", "CONFLICT"}:
        return False
    try:
        schema, fields = decode(record.value)
    except Undecodable:
        return False
    return next(unfit(record.stream, offices, schema.name, fields), None) is None


def _readmitted(record: Record, received_at: int) -> Iterator[Fact]:
    schema, fields = decode(record.value)
    if "case_id" in fields:
        yield fact_of(schema, fields, (received_at, record.stream, record.offset))


def _first_of_each_event(facts: Iterable[Fact]) -> list[Fact]:
    first: dict[tuple[str, str, bytes], Fact] = {}
    for fact in sorted(facts):
        first.setdefault((fact.case, fact.place[1], fact.event_id), fact)
    return list(first.values())


def as_fact(directive: Directive) -> Fact:
    """Give a directive the form of a fact: it decides, and is evidence, like one."""
    case, office, encounter = directive.target.case, directive.target.office, directive.target.encounter
    shape = shape_of("Directive", (("action", directive.action),))
    return Fact(directive.place, office, case, encounter, directive.event_id, shape, directive.received_at, None)


def is_directive(fact: Fact) -> bool:
    """Tell whether a fact is headquarters' own order."""
    return fact.shape.type == "Directive"


def due_at(instant: int, due: int, anchor: int, directives: Sequence[Directive]) -> int:
    """Give what is due at an instant, of the directives that concern an occurrence in the order of the log."""
    held: tuple[int, int] | None = None
    for directive in takewhile(lambda d: d.received_at <= instant, directives):
        r, until = directive.received_at, UNENDED if directive.until is None else directive.until
        if held is not None and held[1] <= r:
            due, held = due + held[1] - held[0], None
        if held is None and r > due:
            return due
        if directive.action == "HOLD" and held is None:
            start = max(r, anchor)
            held = (start, until) if until > start else None
        elif directive.action == "RESUME" and held is not None:
            due, held = due + max(0, r - held[0]), None
        elif directive.action == "EXTEND" and r >= anchor:
            due = max(due, until)
    if held is None:
        return due
    start, until = held
    return due + max(0, min(instant, until) - start)
