"""The audit: from a log and a policy to every verdict, by simple code that the live engine has no part in.

It shares the contract and the policy reader with headquarters, not the judging; where the two differ, one
of them is wrong (DESIGN section 3, promise 4).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any, TypeVar
from uuid import UUID

from muster_contract.times import format_instant
from muster_hq.audit_directives import activations, carry_out
from muster_hq.audit_facts import Directive, Fact, Place, Quarantined, Reading
from muster_hq.audit_findings import Finding, findings_of, wrong_channels
from muster_hq.audit_judge import Judge
from muster_hq.audit_lodged import by_reference, lodged, mismatches
from muster_hq.audit_occurrences import Verdict
from muster_hq.audit_verdicts import verdicts_of
from muster_hq.policies import Policies
from muster_hq.policy import Policy
from muster_hq.records import Record

Row = dict[str, Any]
"""A verdict in the form of DESIGN section 8."""
T = TypeVar("T", Fact, Directive)


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found: verdicts and findings as sorted rows, records by outcome, and the quarantined ones."""

    verdicts: list[Row]
    findings: list[Row]
    counts: Mapping[str, int]
    quarantined: list[Quarantined]


def audit(
    records: Iterable[Record],
    policies: Policies,
    offices: Collection[str] | None,
    as_of: int | Mapping[str, int],
    unread: Mapping[tuple[str, int], str] | None = None,
) -> Audit:
    """Judge a log as it stands when every intake clock is at ``as_of`` (UTC milliseconds).

    To compare with a ledger, ``as_of`` gives its clocks: each office's by its id, and the one over all under "".
    ``offices`` is the register; None takes those that the streams name. The counts are of all records read.
    ``unread`` are the records that the ledger quarantined, by stream and offset, with its reasons.
    """
    reading = Reading(records, offices, unread)
    latest = max(as_of.values()) if isinstance(as_of, Mapping) else as_of
    policies = policies.activated(tuple(activations(reading, latest)))
    clocks = as_of if isinstance(as_of, Mapping) else defaultdict(lambda: as_of)
    cases: dict[str, list[Fact]] = defaultdict(list)
    facts, not_read = carry_out(reading, offices)
    for fact in facts:
        cases[fact.case].append(fact)
    different: list[Finding] = []
    if policies.lodging:
        lodgings = by_reference(reading.lodgings)
        for of_case in cases.values():
            different += mismatches(of_case, lodgings, clocks)
            of_case += list(lodged(of_case, lodgings))
    directives: dict[str, list[Directive]] = defaultdict(list)
    for directive in reading.directives:
        directives[directive.target.case].append(directive)

    @cache
    def outages(office: str, after: int) -> list[tuple[int, int]]:
        return [(start, end) for start, end in reading.silences(office, clocks[office]) if end - start > after]

    @cache
    def latest_ends(office: str, after: int) -> list[tuple[int, int]]:
        return _latest_ends([*outages(office, after), *not_read[office]])

    def excused(office: str, due: int, policy: Policy) -> int | None:
        if policy.outage_after is None or office not in (reading.firsts if offices is None else offices):
            return None
        return _excused_until(latest_ends(office, policy.outage_after), due, policy.outage_grace)

    def clock_of(case: str, office: str) -> int:
        """Give the clock that counts for an office in a case: that over all, once it was moved from or to there."""
        moves = [one for one in directives[case] if one.action == "MOVE_CASE"]
        moved = [one.received_at for one in moves if office in {one.target.office, one.target.to}]
        return max(clocks[_OVER_ALL], min([clocks[office], *(at - 1 for at in moved)]))

    found = [
        (case, verdict)
        for case, facts in cases.items()
        for instant in {clocks[_OVER_ALL], *(clock_of(case, fact.office) for fact in facts)}
        for verdict in verdicts_of(
            Judge(_received_by(instant, facts), instant, excused, _received_by(instant, directives[case])), policies
        )
        if instant
        == (clocks[_OVER_ALL] if verdict.requirement in policies.crossing else clock_of(case, verdict.office))
    ]
    rows = [_row(case, verdict) for case, verdict in sorted(found, key=_order)]
    registered = [office for office in reading.firsts if office and (offices is None or office in offices)]
    findings = [one for o in registered for one in findings_of(o, reading, policies, clocks[o], outages)]
    findings += [*wrong_channels(verdict for _, verdict in found), *different]
    return Audit(rows, [_finding_row(one) for one in sorted(findings)], dict(reading.counts), reading.quarantined)


_OVER_ALL = ""


def _received_by(instant: int, things: Iterable[T]) -> list[T]:
    return [thing for thing in things if thing.received_at <= instant]


def _latest_ends(outages: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Give the outages by their start, each with the latest end of all that began no later."""
    begun = sorted(outages)
    latest = accumulate((end for _, end in begun), max)
    return [(start, end) for (start, _), end in zip(begun, latest, strict=True)]


def _excused_until(latest_ends: Sequence[tuple[int, int]], due: int, grace: int) -> int | None:
    """Give the end of the grace after the latest outage that what was due then fell into."""
    begun = bisect_left(latest_ends, (due,))
    until = latest_ends[begun - 1][1] + grace if begun else due
    return until if due < until else None


def _order(found: tuple[str, Verdict]) -> tuple[str, str, str, str, int, int, str]:
    case, verdict = found
    return (
        case, verdict.office, verdict.encounter, verdict.requirement, verdict.occurrence, verdict.at, verdict.kind,
    )  # fmt: skip


def _row(case: str, verdict: Verdict) -> Row:
    return {
        "case_id": case,
        "encounter_id": verdict.encounter,
        "office_id": verdict.office,
        "requirement": verdict.requirement,
        "occurrence": verdict.occurrence,
        "verdict": verdict.kind,
        "at": format_instant(verdict.at),
        "due_at": format_instant(verdict.due),
        "received_at": None if verdict.received_at is None else format_instant(verdict.received_at),
        "policy": verdict.policy,
        "evidence": [_evidence(*source) for source in verdict.evidence],
    }


def _finding_row(finding: Finding) -> Row:
    return {
        "kind": finding.kind,
        "office_id": finding.office,
        "stream": finding.stream,
        "at": format_instant(finding.at),
        "detail": finding.detail,
        "evidence": [_evidence(*source) for source in finding.evidence],
    }


def _evidence(place: Place, event_id: bytes | None) -> Row:
    received_at, stream, offset = place
    return {
        "topic": stream,
        "partition": 0,
        "offset": offset,
        "appended_at": format_instant(received_at),
        "event_id": None if event_id is None else str(UUID(bytes=event_id)),
    }
