"""Judge a case: a pure function of its settled facts, the policy, the outages and the clocks.

The rules are in docs/verdicts.md. A case is judged office by office, each by its own intake clock; the
chains that facts of any office may decide are judged once more, over all facts, by the clock over all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from muster_hq.deciders import acts_of
from muster_hq.facts import Fact
from muster_hq.folds import Fold
from muster_hq.lodged import mismatches, with_lodged
from muster_hq.lodgings import Claim
from muster_hq.occurrences import Occurrences
from muster_hq.orders import MOVE_CASE, Order
from muster_hq.policies import Policies
from muster_hq.policy import Policy
from muster_hq.quarantine import first_of_each_event
from muster_hq.transfers import first_naming, heard_by, waits_beyond
from muster_hq.verdicts import (
    ALL_OFFICES,
    NEVER,
    Astray,
    Clocks,
    Handed,
    Judgement,
    Outages,
    Verdict,
    VerdictKey,
    evidence_of,
)


def judge(  # noqa: PLR0913, PLR0917 - a case, and all that it is judged by
    policies: Policies,
    facts: Sequence[Fact],
    outages: Outages,
    clocks: Clocks,
    given: Collection[VerdictKey] = frozenset(),
    orders: Sequence[Order] = (),
    claims: Sequence[Claim] = (),
    fold: Fold | None = None,
) -> Judgement:
    """Give a case's verdicts so far, its unsettled obligations, and when it is due again.

    ``facts`` are the case's, in fact order. Those received after the clock that counts are not looked at,
    so a verdict that is given stays: later facts and later clocks only append. Those ``given`` before are left out.
    An office without a clock, since it left the register, is not judged any further; one that the case is moved from or
    to is judged by the clock over all. ``orders`` are the directives that concern the case, or readmitted a fact of it;
    ``claims`` tell what lies at headquarters of its reports. Of a case that is folded, which has neither, ``facts`` are
    those that were kept, and those that came since.
    """
    if orders or claims:
        facts = _with_what_comes_of(facts, orders, claims)
    judgement = Judgement([], [], [], mismatched=mismatches(facts, claims, clocks) if claims else ())
    transfers = [order for order in orders if order.action == MOVE_CASE] if orders else ()
    if transfers:  # an office that is in charge may have been made up, or have left
        outages = {office: found for office, found in outages.items() if office in clocks}
        judgement.waits.extend(waits_beyond(clocks[ALL_OFFICES], [*facts, *orders]))
    astray: tuple[Astray, ...] = ()
    handed: tuple[Handed, ...] = ()
    offices = {fact.office for fact in facts}
    for office in offices & clocks.keys():
        clock, name, whose, own = clocks[office], office, None, facts
        if transfers and (moved_at := first_naming(office, transfers)) <= clock:
            clock, name, whose = max(clocks[ALL_OFFICES], moved_at - 1), ALL_OFFICES, office
            own = [fact for fact in facts if fact.received_at <= clock]
        elif len(offices) > 1 or facts[-1].received_at > clock:
            own = [fact for fact in facts if fact.office == office and fact.received_at <= clock]
        occurrences = Occurrences(own, outages, clock, given, orders, whose)
        occurrences.resume(fold, policies, office)
        judgement.verdicts.extend(occurrences.walk(policies, crossing=False))
        judgement.obligations.extend(occurrences.unsettled(name))
        astray += occurrences.astray
        handed += occurrences.handed
        if whose is not None:
            own = heard_by(office, own, transfers)
        reports = [fact for fact in own if fact.shape.type == "IncidentReported"]
        if reports:
            found, waits = _orphans(policies, own, reports, clock)
            judgement.verdicts.extend([orphan for orphan in found if orphan[:6] not in given])
            judgement.waits.extend([(name, due) for due in waits])
    if policies.crossing:
        clock = clocks[ALL_OFFICES]
        occurrences = Occurrences([fact for fact in facts if fact.received_at <= clock], outages, clock, given, orders)
        occurrences.resume(fold, policies, None)
        judgement.verdicts.extend(occurrences.walk(policies, crossing=True))
        judgement.obligations.extend(occurrences.unsettled(ALL_OFFICES))
        astray += occurrences.astray
        handed += occurrences.handed
    if not astray and not handed:
        return judgement
    return judgement._replace(astray=astray, handed=[one for one in handed if one.office_id in clocks])


def _with_what_comes_of(facts: Sequence[Fact], orders: Sequence[Order], claims: Sequence[Claim]) -> Sequence[Fact]:
    """Give facts with those that come of directives, and of reports that lie at headquarters."""
    if orders:
        facts = sorted([*first_of_each_event(facts), *acts_of(orders)])
    return with_lodged(facts, claims) if claims else facts


def _orphans(
    policies: Policies, facts: Sequence[Fact], reports: Sequence[Fact], clock: int
) -> tuple[list[Verdict], list[int]]:
    """Find an office's reports whose encounter never came, and the times at which others would be such ones.

    They are numbered per encounter, by due time and then fact order.
    """
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
