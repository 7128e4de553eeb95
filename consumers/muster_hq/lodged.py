"""What comes of reports and of what truly lies at headquarters: facts that satisfy, and digests that differ. Pure.

The rules are in docs/verdicts.md, Reports that lie at headquarters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from muster_contract.topics import DIRECTIVES
from muster_hq.facts import Fact
from muster_hq.lodgings import LODGED, Claim, Lodging
from muster_hq.patterns import shape_of
from muster_hq.verdicts import NEVER, Clocks, Evidence, Mismatch, evidence_of


class Lodged(Fact):
    """A report that its office announced and that lies at headquarters: a fact beside the report's own."""

    report: Fact
    lodging: Lodging


def with_lodged(facts: Sequence[Fact], claims: Iterable[Claim]) -> list[Fact]:
    """Give facts, which are in fact order, with those of reports that are lodged among them.

    Sorting is stable: such a fact stands after the record that completes it, and several at one by their reports.
    """
    lodged = [_lodged(report, claim.lodging) for report, claim in _pairs(facts, claims) if claim.matches]
    return sorted([*facts, *lodged], key=_place) if lodged else list(facts)


def mismatches(facts: Sequence[Fact], claims: Iterable[Claim], clocks: Clocks) -> list[Mismatch]:
    """Give the reports of whose reference something else is lodged, as far as their office's clock has come.

    One that was retracted by then claims nothing any more.
    """
    different = [(report, claim.lodging) for report, claim in _pairs(facts, claims) if not claim.matches]
    if not different:
        return []
    retracted: dict[tuple[str, bytes | None], int] = {}
    for fact in facts:
        if fact.shape.type == "IncidentRetracted":
            retracted.setdefault((fact.office, fact.names), fact.received_at)
    found = [Mismatch(report, lodging, max(report.received_at, lodging.received_at)) for report, lodging in different]
    return [
        one
        for one in found
        if one.at <= clocks.get(one.report.office, -1)
        and one.at < retracted.get((one.report.office, one.report.event_id), NEVER)
    ]


def records_of(fact: Fact) -> tuple[Evidence, ...]:
    """Point at the records that a fact came from: one, or the report and its lodging."""
    if isinstance(fact, Lodged):
        return evidence_of(fact.report), evidence_of_lodging(fact.lodging)
    return (evidence_of(fact),)


def evidence_of_lodging(lodging: Lodging) -> Evidence:
    """Point at the record of a lodging."""
    return Evidence(lodging.received_at, DIRECTIVES, lodging.offset, lodging.event_id)


def report_of(fact: Fact) -> Fact:
    """Give the report itself of one that is lodged; any other fact as it is."""
    return fact.report if isinstance(fact, Lodged) else fact


def _pairs(facts: Iterable[Fact], claims: Iterable[Claim]) -> Iterator[tuple[Fact, Claim]]:
    by_report: Mapping[tuple[str, int], list[Claim]] = defaultdict(list)
    for claim in claims:
        by_report[claim.stream, claim.offset].append(claim)
    for fact in facts:
        if fact.shape.type == "IncidentReported":
            for claim in by_report.get((fact.stream, fact.offset), ()):
                yield fact, claim


def _lodged(report: Fact, lodging: Lodging) -> Lodged:
    later = max(_place(report), (lodging.received_at, DIRECTIVES, lodging.offset))
    shape = shape_of(LODGED, report.shape.codes)
    fact = Lodged(*later, report.office, report.event_id, shape, report.encounter_id, report.own_at, None)
    fact.report, fact.lodging = report, lodging
    return fact


def _place(fact: Fact) -> tuple[int, str, int]:
    return fact[:3]
