"""One case as a list of rows in order of time: what arrived, what was due, what was judged, and what is open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from muster_contract.directives import target_of
from muster_contract.times import format_instant
from muster_contract.topics import DIRECTIVES
from muster_hq.case_files import CaseHistory
from muster_hq.facts import Fact
from muster_hq.orders import Order
from muster_hq.published import evidence_row
from muster_hq.verdicts import Evidence, Obligation, Verdict, evidence_of

Row = dict[str, Any]
"""``at`` and ``kind`` (event, directive, due, verdict or open), and what each kind has of its own."""


def timeline(history: CaseHistory, orders: Iterable[Order] = ()) -> list[Row]:
    """Give the rows of a case: by time, at equal times what arrived before what was due before what was judged.

    Events stand in fact order. What is not settled stands last, by due time. ``orders`` are any directives: those that
    name the case are shown, the ignored ones too, and those that readmitted an event of it.
    """
    events = [(fact.received_at, 0, _event(fact)) for fact in history.facts]
    events += [(order.received_at, 0, _directive(order)) for order in orders if _is_of(order, history)]
    dues = [(due_at, 1, row) for due_at, row in _dues(history)]
    verdicts = [(verdict.at, 2, _verdict(verdict)) for verdict in history.verdicts]
    in_order = sorted([*events, *dues, *verdicts], key=lambda entry: entry[:2])
    return [row for _, _, row in in_order] + [_open(obligation) for obligation in history.obligations]


def _is_of(order: Order, history: CaseHistory) -> bool:
    aim = target_of(order.action, order.target)
    if aim is None:
        return False
    if order.names_a_record:
        readmitted = (order.received_at, *aim[:2])
        return any(fact[:3] == readmitted for fact in history.facts)
    return aim.case == history.case_id


def _directive(order: Order) -> Row:
    return {
        "at": format_instant(order.received_at),
        "kind": "directive",
        "action": order.action,
        "target": order.target,
        "until": None if order.until is None else format_instant(order.until),
        "authority": order.authority,
        "reason_code": order.reason_code,
        "ignored": order.ignored,
        "stream": DIRECTIVES,
        "offset": order.offset,
        "event_id": str(UUID(bytes=order.event_id)),
    }


def _event(fact: Fact) -> Row:
    return {
        "at": format_instant(fact.received_at),
        "kind": "event",
        "office_id": fact.office,
        "encounter_id": fact.encounter_id,
        "own_at": format_instant(fact.own_at),
        "stream": fact.stream,
        "offset": fact.offset,
        "event_id": str(UUID(bytes=fact.event_id)),
        "type": fact.shape.type,
        "codes": dict(fact.shape.codes),
        "names": str(UUID(bytes=fact.names)) if fact.names else None,
    }


def _dues(history: CaseHistory) -> Iterator[tuple[int, Row]]:
    """Give each obligation that has opened, judged or not, once: with its due time, and the records that opened it."""
    seen = set()
    for verdict in history.verdicts:
        if verdict[:4] not in seen:
            seen.add(verdict[:4])
            yield verdict.due_at, _due(verdict, _opened_by(verdict))
    for obligation in history.obligations:
        if obligation[:4] not in seen:
            yield obligation.due_at, _due(obligation, [evidence_of(obligation.opening)])


def _opened_by(first: Verdict) -> Sequence[Evidence]:
    """Tell an obligation's opening from its deciding record, by when that one came; both where it is alike."""
    return [record for record in first.evidence if record.received_at != first.received_at] or first.evidence


def _due(said: Verdict | Obligation, opened_by: Sequence[Evidence]) -> Row:
    evidence = [evidence_row(record) for record in opened_by]
    return {"at": format_instant(said.due_at), "kind": "due", **_obligation(said), "evidence": evidence}


def _verdict(verdict: Verdict) -> Row:
    return {
        "at": format_instant(verdict.at),
        "kind": "verdict",
        **_obligation(verdict),
        "verdict": verdict.verdict,
        "due_at": format_instant(verdict.due_at),
        "received_at": None if verdict.received_at is None else format_instant(verdict.received_at),
        "evidence": [evidence_row(evidence) for evidence in verdict.evidence],
    }


def _open(obligation: Obligation) -> Row:
    return {
        "at": None,
        "kind": "open",
        **_obligation(obligation),
        "state": obligation.state,
        "due_at": format_instant(obligation.due_at),
        "evidence": [evidence_row(evidence_of(obligation.opening))],
    }


def _obligation(said: Verdict | Obligation) -> Row:
    return {
        "office_id": said.office_id,
        "encounter_id": said.encounter_id,
        "requirement": said.requirement,
        "occurrence": said.occurrence,
        "policy": said.policy,
    }
