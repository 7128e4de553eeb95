"""Orphans: reports whose encounter never came (docs/verdicts.md, Orphans). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from muster_hq.facts import Fact
from muster_hq.policies import Policies
from muster_hq.policy import Policy
from muster_hq.verdicts import NEVER, Verdict, evidence_of


def orphans_among(policies: Policies, facts: Sequence[Fact], clock: int) -> tuple[list[Verdict], list[int]]:
    """Find an office's reports whose encounter never came, and the times at which others would be such ones.

    They are numbered per encounter, by due time and then fact order.
    """
    reports = [fact for fact in facts if fact.shape.type == "IncidentReported"]
    if not reports:
        return [], []
    due = reports_without_encounter(policies, facts, reports)
    orphans: list[Verdict] = []
    numbers: dict[str, int] = {}
    for at, report, policy in due:
        if clock > at:
            number = numbers[report.encounter_id] = numbers.get(report.encounter_id, 0) + 1
            key = report.office, report.encounter_id, "orphan-report", number, "ORPHANED", at
            orphans.append(Verdict(*key, at, None, policy.name, (evidence_of(report),)))
    return orphans, [at for at, _, _ in due if clock <= at]


def reports_without_encounter(
    policies: Policies, facts: Sequence[Fact], reports: Sequence[Fact]
) -> list[tuple[int, Fact, Policy]]:
    """Give each report whose encounter has not come by then, nor a retraction, with the time when it is an orphan."""
    first_encounter: dict[str, int] = {}
    retracted: dict[bytes | None, int] = {}
    for fact in facts:
        if fact.shape.type == "EncounterReported":
            first_encounter.setdefault(fact.encounter_id, fact.received_at)
        elif fact.shape.type == "IncidentRetracted":
            retracted.setdefault(fact.names, fact.received_at)
    found = []
    for report in reports:
        encounter_at = first_encounter.get(report.encounter_id, NEVER)
        policy = policies.in_force(report.received_at) if encounter_at > report.received_at else None
        if policy is not None:
            due = report.received_at + policy.orphan_after
            if encounter_at > due < retracted.get(report.event_id, NEVER):
                found.append((due, report, policy))
    return sorted(found, key=_by_due)


def _by_due(orphan: tuple[int, Fact, Policy]) -> tuple[int, Fact]:
    return orphan[:2]
