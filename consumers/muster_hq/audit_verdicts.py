"""The verdicts of one case: which occurrences open, in fact order, and which reports are orphans.

Part of the audit, and so written apart from the live engine. An agenda in fact order holds the events that
may open an occurrence; each that opens is judged for its whole life at once, and puts on the agenda what
follows from that: the next link of a chain, or what it absorbed once it is void.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from heapq import heappop, heappush
from itertools import count

from muster_hq.audit_facts import Fact, FactPlace
from muster_hq.audit_judge import Judge
from muster_hq.audit_occurrences import Chain, Decision, Event, Line, Occurrence, S, V, Verdict
from muster_hq.patterns import any_matches
from muster_hq.policies import Policies

ORPHAN_REPORT = "orphan-report"
REOPENED_AFTER = {"WAIVED", "CLEARED", "VOIDED", "ENDED"}
"""How the last occurrence must have ended for another to open, unless the scope is the case."""

EVENTS_FIRST, CONSEQUENCES_THEN = range(2)
"""A fact in two roles is first looked at as the event that opens, then as what decides."""


def verdicts_of(judge: Judge, policies: Policies) -> Iterator[Verdict]:
    """Give every verdict of a case."""
    for occurrence in Openings(judge, policies).occurrences():
        yield from occurrence.verdicts
    yield from _orphans(judge, policies)


class Openings:
    """Opens the occurrences of a case one after the other, each at its place in fact order."""

    def __init__(self, judge: Judge, policies: Policies) -> None:
        self._judge = judge
        self._policies = policies
        self._lines: dict[tuple[str, ...], Line] = defaultdict(Line)
        self._ticket = count()
        self._agenda: list[tuple[FactPlace, int, int, Callable[[], None]]] = []
        for event in _events(judge, policies):
            self._later(event.fact.place, EVENTS_FIRST, partial(self._look_at, event))

    def occurrences(self) -> Iterator[Occurrence]:
        """Work through the agenda, and give what has opened."""
        while self._agenda:
            heappop(self._agenda)[-1]()
        for line in self._lines.values():
            yield from line.occurrences

    def _later(self, place: FactPlace, turn: int, step: Callable[[], None]) -> None:
        heappush(self._agenda, (place, turn, next(self._ticket), step))

    def _look_at(self, event: Event) -> None:
        """Absorb an event while an occurrence is unresolved, or else let it open the next, or nothing."""
        occurrence = _opened_by(event, event.fact.received_at, event.fact.place)
        line = self._lines[occurrence.key]
        known, unresolved = line.occurrences, line.unresolved(event.fact.place)
        for other in unresolved:
            other.absorbed.append(event)
        if not unresolved and (
            not known or event.requirement.scope == "case" or known[-1].ending_at(event.fact.place) in REOPENED_AFTER
        ):
            self._open(occurrence)

    def _open(self, occurrence: Occurrence) -> None:
        self._judge.judge(occurrence, self._lines[occurrence.key])
        if not occurrence.decisions:
            return
        first, last = occurrence.decisions[0], occurrence.decisions[-1]
        if first.role == S:
            self._later(first.place, CONSEQUENCES_THEN, partial(self._go_on, occurrence, first))
        if last.role == V:
            self._later(last.place, CONSEQUENCES_THEN, partial(self._hand_on, occurrence, last))

    def _go_on(self, before: Occurrence, decision: Decision) -> None:
        """Open what the S that decided first opens: the next of a recurring one, and what follows."""
        report, place = decision.fact, decision.place
        if before.requirement.recurs:
            opens = max(report.received_at, before.chain.time)
            policy, requirement = self._policies.recurring(before.chain.policy, before.requirement, opens)
            chain = before.chain._replace(policy=policy)
            self._open(Occurrence(chain, requirement, report.own_time, report, place))
        for requirement in before.chain.policy.requirements:
            if requirement.follows == before.requirement.id:
                self._open(Occurrence(before.chain, requirement, report.received_at, report, place))

    def _hand_on(self, before: Occurrence, decision: Decision) -> None:
        """Let the earliest event that a voided one absorbed, and that is not itself voided, open the next."""
        taken = self._lines[before.key].openers
        waiting = [
            event
            for event in before.absorbed
            if event.fact.place not in taken and not self._judge.voided_by(event.fact, decision.at)
        ]
        if waiting:
            following = _opened_by(waiting[0], decision.fact.received_at, decision.place)
            following.absorbed += waiting[1:]
            self._open(following)


def _events(judge: Judge, policies: Policies) -> Iterator[Event]:
    for fact in judge.facts:
        policy = policies.in_force(fact.received_at)
        if policy is not None:
            for requirement in policy.requirements:
                if any_matches(requirement.opens_on, fact.shape):
                    yield Event(fact, policy, requirement)


def _opened_by(event: Event, time: int, place: FactPlace) -> Occurrence:
    fact, policy, requirement = event
    anchor = fact.own_time if requirement.anchor == "occurred_at" else fact.received_at
    return Occurrence(Chain(fact, time, policy), requirement, anchor, fact, place)


def _orphans(judge: Judge, policies: Policies) -> Iterator[Verdict]:
    """Give the reports whose encounter was not received in time: numbered by due time, then in fact order."""
    numbers: Counter[tuple[str, str]] = Counter()
    found = []
    for report in judge.facts:
        policy = policies.in_force(report.received_at)
        if report.shape.type != "IncidentReported" or policy is None:
            continue
        due = report.received_at + policy.orphan_after
        retraction = judge.retraction_of(report)
        retracted = retraction is not None and retraction.received_at <= due
        if judge.as_of > due and not retracted and not _encounter_known(judge, report, due):
            found.append((due, report.place, report, policy.name))
    for due, _, report, policy_name in sorted(found):
        office, encounter = report.office, report.encounter
        numbers[office, encounter] += 1
        number = numbers[office, encounter]
        yield Verdict(
            office, encounter, ORPHAN_REPORT, number, "ORPHANED", due, due, None, policy_name, report.sources,
            decider=None, channel=None,
        )  # fmt: skip


def _encounter_known(judge: Judge, report: Fact, due: int) -> bool:
    """Tell whether its encounter was received by then: from its office, or from one that the case came from."""
    froms = {move.target.office for move in judge.moves if move.target.to == report.office and move.received_at <= due}
    firsts = [judge.encounters.get((office, report.encounter)) for office in {report.office, *froms}]
    return any(first is not None and first.received_at <= due for first in firsts)
