"""Judge a case: a pure function of its settled facts, the policy, the outages and the clocks.

The rules are in docs/verdicts.md. A case is judged office by office, each by its own intake clock; the
chains that facts of any office may decide are judged once more, over all facts, by the clock over all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from muster_hq.facts import Fact
from muster_hq.occurrences import Occurrences
from muster_hq.policy import Policies, Policy
from muster_hq.verdicts import ALL_OFFICES, Clocks, Judgement, Outages, Verdict, VerdictKey, evidence_of


def judge(
    policies: Policies,
    facts: Sequence[Fact],
    outages: Outages,
    clocks: Clocks,
    given: Collection[VerdictKey] = frozenset(),
) -> Judgement:
    """Give a case's verdicts so far, its unsettled obligations, and when it is due again.

    ``facts`` are the case's, in fact order. Those received after the clock that counts are not looked at,
    so a verdict that is given stays: later facts and later clocks only append. Those ``given`` before are left out.
    An office without a clock, since it left the register, is not judged any further.
    """
    judgement = Judgement([], [], [])
    offices = {fact.office for fact in facts}
    for office in offices & clocks.keys():
        clock, own = clocks[office], facts
        if len(offices) > 1 or facts[-1].received_at > clock:
            own = [fact for fact in facts if fact.office == office and fact.received_at <= clock]
        walk = _Walk(own, outages, office, clock, given)
        _judge(policies, walk, judgement, crossing=False)
        _find_orphans(policies, walk, judgement)
    if policies.crossing:
        clock = clocks[ALL_OFFICES]
        settled = [fact for fact in facts if fact.received_at <= clock]
        _judge(policies, _Walk(settled, outages, ALL_OFFICES, clock, given), judgement, crossing=True)
    return judgement


class _Walk(NamedTuple):
    """Facts of a case that are walked once, by one clock; for one office, or for all."""

    facts: Sequence[Fact]
    outages: Outages
    clock_name: str
    clock: int
    given: Collection[VerdictKey]


def _judge(policies: Policies, walk: _Walk, judgement: Judgement, *, crossing: bool) -> None:
    """Judge by the requirements that are ``crossing`` offices, or by the others; most cases open nothing."""
    opens = policies.open
    if any(opens[fact.shape] for fact in walk.facts):
        facts, outages, clock_name, clock, given = walk
        occurrences = Occurrences(facts, outages, clock, given)
        occurrences.walk(policies, crossing=crossing)
        judgement.obligations.extend(occurrences.close(clock_name))
        judgement.verdicts.extend(occurrences.verdicts)


def _find_orphans(policies: Policies, walk: _Walk, judgement: Judgement) -> None:
    """Find the reports whose encounter never came: numbered per encounter, by due time and then fact order."""
    reports = [fact for fact in walk.facts if fact.shape.type == "IncidentReported"]
    if not reports:
        return
    office, clock = walk.clock_name, walk.clock
    orphans: list[tuple[int, Fact, Policy]] = []
    for report, due, policy in _due_without_encounter(policies, walk.facts, reports):
        if clock > due:
            orphans.append((due, report, policy))
        else:
            judgement.waits.append((office, due))
    numbers: dict[str, int] = {}
    for due, report, policy in sorted(orphans, key=lambda orphan: orphan[:2]):
        number = numbers[report.encounter_id] = numbers.get(report.encounter_id, 0) + 1
        key = office, report.encounter_id, "orphan-report", number, "ORPHANED", due
        if key not in walk.given:
            judgement.verdicts.append(Verdict(*key, due, None, policy.name, (evidence_of(report),)))


def _due_without_encounter(
    policies: Policies, facts: Sequence[Fact], reports: Sequence[Fact]
) -> Iterator[tuple[Fact, int, Policy]]:
    """Give each report whose encounter has not come, and that was not withdrawn, with its orphan time."""
    first_encounter: dict[str, int] = {}
    retracted: dict[bytes | None, int] = {}
    for fact in facts:
        if fact.shape.type == "EncounterReported":
            first_encounter.setdefault(fact.encounter_id, fact.received_at)
        elif fact.shape.type == "IncidentRetracted":
            retracted.setdefault(fact.names, fact.received_at)
    for report in reports:
        policy = policies.in_force(report.received_at)
        if policy is not None:
            due = report.received_at + policy.orphan_after
            if first_encounter.get(report.encounter_id, due + 1) > due < retracted.get(report.event_id, due + 1):
                yield report, due, policy
