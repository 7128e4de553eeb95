"""Reports that lie at headquarters, as the text says it (docs/verdicts.md), from all records at once.

Part of the audit, and so written apart from the live engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from muster_hq.audit_facts import Fact, Lodging
from muster_hq.audit_findings import Finding
from muster_hq.patterns import shape_of

ByReference = Mapping[str, Mapping[bytes, Lodging]]
"""Lodgings by reference, and by digest."""


def by_reference(lodgings: Iterable[Lodging]) -> ByReference:
    """Give the lodgings that count: of one reference and digest the first."""
    first: dict[str, dict[bytes, Lodging]] = {}
    for lodging in sorted(lodgings):
        reference, digest = lodging.report
        first.setdefault(reference, {}).setdefault(digest, lodging)
    return first


def lodged(facts: Sequence[Fact], lodgings: ByReference) -> Iterator[Fact]:
    """Give the facts that come of a case's reports and of the lodgings that match them."""
    for fact in facts:
        reference, digest = fact.report or ("", b"")
        lodging = lodgings.get(reference, {}).get(digest)
        if lodging is not None:
            yield fact._replace(
                place=(*max(fact.place[:3], lodging.place), *fact.place),
                shape=shape_of("ReportLodged", fact.shape.codes),
                report=None,
                records=(*fact.sources, (lodging.place, lodging.event_id)),
            )


def mismatches(facts: Sequence[Fact], lodgings: ByReference, clocks: Mapping[str, int]) -> Iterator[Finding]:
    """Give the reports of a case that name a reference under which other texts lie, by the clocks."""
    for fact in facts:
        reference, digest = fact.report or ("", b"")
        for lodging in lodgings.get(reference, {}).values():
            at = max(fact.received_at, lodging.place[0])
            if (
                lodging.report[1] != digest
                and at <= clocks[fact.office]
                and not any(_retracts(other, fact) and other.received_at <= at for other in facts)
            ):
                detail = f"offset {fact.place[2]}, lodging {lodging.place[2]}"
                both = tuple(sorted([*fact.sources, (lodging.place, lodging.event_id)]))
                yield Finding(at, "DIGEST_MISMATCH", fact.place[1], detail, fact.office, both)


def _retracts(other: Fact, report: Fact) -> bool:
    return other.shape.type == "IncidentRetracted" and (other.office, other.names) == (report.office, report.event_id)
