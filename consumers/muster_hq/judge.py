"""Judge a case: a pure function of its settled facts, the policy, the outages and the clocks.

The rules are in docs/verdicts.md. A case is judged office by office, each by its own intake clock; the
chains that facts of any office may decide are judged once more, over all facts, by the clock over all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from muster_hq.facts import Fact
from muster_hq.occurrences import Occurrences
from muster_hq.policy import Policies, Policy
from muster_hq.verdicts import ALL_OFFICES, Clocks, Judgement, Outages, Verdict, evidence_of


def judge(policies: Policies, facts: Sequence[Fact], outages: Outages, clocks: Clocks) -> Judgement:
    """Give a case's verdicts so far, its unsettled obligations, and when it is due again.

    ``facts`` are the case's, in fact order. Those received after the clock that counts are not looked at,
    so a verdict that is given stays: later facts and later clocks only append. An office without a clock, since
    it left the register, is not judged any further.
    """
    judgement = Judgement([], [], [])
    for office in {fact.office for fact in facts} & clocks.keys():
        clock = clocks[office]
        own = [fact for fact in facts if fact.office == office and fact.received_at <= clock]
        _judge_run(_Run(policies, own, outages, office, clock), judgement, crossing=False)
        _find_orphans(policies, own, office, clock, judgement)
    if policies.crossing:
        clock = clocks[ALL_OFFICES]
        settled = [fact for fact in facts if fact.received_at <= clock]
        _judge_run(_Run(policies, settled, outages, ALL_OFFICES, clock), judgement, crossing=True)
    return judgement


class _Run(NamedTuple):
    """One walk over facts of a case, by one clock."""

    policies: Policies
    facts: Sequence[Fact]
    outages: Outages
    clock_name: str
    clock: int


def _judge_run(run: _Run, judgement: Judgement, *, crossing: bool) -> None:
    """Walk the facts in order, and let each open, decide and retract; a case that opens nothing costs little."""
    occurrences: Occurrences | None = None
    for place, fact in enumerate(run.facts):
        policy = run.policies.in_force(fact.received_at)
        if policy is not None:
            for requirement in policy.opened_by(fact.shape):
                if (requirement.id in run.policies.crossing) == crossing:
                    if occurrences is None:
                        occurrences = Occurrences(run.facts, run.outages, run.clock)
                    occurrences.offer(requirement, policy, place)
        if occurrences is not None:
            occurrences.settle_at(place)
    if occurrences is not None:
        occurrences.close(run.clock_name)
        judgement.verdicts.extend(occurrences.verdicts)
        judgement.obligations.extend(occurrences.obligations)


def _find_orphans(policies: Policies, facts: Sequence[Fact], office: str, clock: int, judgement: Judgement) -> None:
    """Find the reports whose encounter never came: numbered per encounter, by due time and then fact order."""
    reports = [fact for fact in facts if fact.shape.type == "IncidentReported"]
    if not reports:
        return
    first_encounter: dict[str, int] = {}
    retracted: dict[bytes | None, int] = {}
    for fact in facts:
        if fact.shape.type == "EncounterReported":
            first_encounter.setdefault(fact.encounter_id, fact.received_at)
        elif fact.shape.type == "IncidentRetracted":
            retracted.setdefault(fact.names, fact.received_at)
    orphans: list[tuple[int, Fact, Policy]] = []
    for report in reports:
        policy = policies.in_force(report.received_at)
        if policy is None:
            continue
        due = report.received_at + policy.orphan_after
        if first_encounter.get(report.encounter_id, due + 1) <= due or retracted.get(report.event_id, due + 1) <= due:
            continue
        if clock > due:
            orphans.append((due, report, policy))
        else:
            judgement.waits.append((office, due))
    numbers: dict[str, int] = {}
    for due, report, policy in sorted(orphans, key=lambda orphan: orphan[:2]):
        number = numbers[report.encounter_id] = numbers.get(report.encounter_id, 0) + 1
        judgement.verdicts.append(
            Verdict(
                office,
                report.encounter_id,
                "orphan-report",
                number,
                "ORPHANED",
                due,
                due,
                None,
                policy.name,
                (evidence_of(report),),
            )
        )
