"""The audit's judging of one occurrence, over all facts of its case at once (docs/verdicts.md).

Part of the audit, and so written apart from the live engine: there is no state between two facts, and no
clock that moves. The facts are those received up to ``as_of``, and an occurrence's whole life follows.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from heapq import merge

from muster_hq.audit_directives import as_fact, is_directive
from muster_hq.audit_facts import Directive, Fact, FactPlace
from muster_hq.audit_occurrences import Candidate, Decision, Line, Occurrence, S, V, Verdict, W, X
from muster_hq.patterns import Shape, any_matches
from muster_hq.policy import Policy, Requirement

IN_TIME = {S: "ON_TIME", W: "WAIVED", V: "VOIDED", X: "ENDED"}
AFTER_DUE = {S: "LATE", W: "CLEARED", V: "VOIDED", X: "ENDED"}
WHILE_EXCUSED = AFTER_DUE | {S: "EXCUSED"}
InRoles = dict[tuple[int, str], list[Fact]]
"""The facts of a case that have a role for a requirement, in fact order: by role and encounter, or scope case's ""."""


class Judge:
    """The facts of a case up to ``as_of``; ``excused`` tells until when outages excuse what an office owed.

    ``directives`` are those that concern the case, up to ``as_of`` as well. ``encounters`` has the first report of each
    encounter, by office and encounter.
    """

    def __init__(
        self,
        facts: Iterable[Fact],
        as_of: int,
        excused: Callable[[str, int, Policy], int | None],
        directives: Iterable[Directive] = (),
    ) -> None:
        self.facts = sorted(facts)
        self._directives = sorted(directives)
        self.moves = [one for one in self._directives if one.action == "MOVE_CASE"]
        self.as_of = as_of
        self._excused = excused
        self.encounters: dict[tuple[str, str], Fact] = {}
        self._retractions: dict[tuple[str, bytes | None], Fact] = {}
        self._voids: dict[tuple[str, bytes | None], list[Fact]] = defaultdict(list)
        self._in_roles: dict[Requirement, InRoles] = {}
        for fact in self.facts:
            if fact.shape.type == "EncounterReported":
                self.encounters.setdefault((fact.office, fact.encounter), fact)
            elif fact.shape.type == "IncidentRetracted":
                self._retractions.setdefault((fact.office, fact.names), fact)
            elif fact.shape.type == "EncounterVoided":
                self._voids[fact.office, fact.names].append(fact)

    def retraction_of(self, fact: Fact) -> Fact | None:
        """Give the first retraction of a fact, from the office whose fact it is."""
        return self._retractions.get((fact.office, fact.event_id))

    def voided_by(self, fact: Fact, instant: int) -> bool:
        """Tell whether a void of this fact was received by then."""
        return any(void.received_at <= instant for void in self._voids_of(fact))

    def judge(self, occurrence: Occurrence, line: Line) -> None:
        """Add an occurrence that opens to its line, and work out all its decisions and verdicts."""
        line.add(occurrence)
        occurrence.directives = [one for one in self._directives if occurrence.concerned_by(one)]
        occurrence.moves = [one for one in self.moves if one.target.office == occurrence.chain.opening.office]
        candidates = self._candidates(occurrence, line)
        place, time, verdicts = occurrence.place, occurrence.chain.time, []
        while True:
            first = next((c for c in candidates if c.role != S or not line.used_up(c.fact, max(c.place, place))), None)
            verdicts += self._round(occurrence, first, time)
            if first is None:
                break
            kind, at, decided = verdicts[-1].kind, verdicts[-1].at, max(first.place, place)
            withdrawable = first.role == S and not is_directive(first.fact)
            retraction = self.retraction_of(first.fact) if withdrawable else None
            if first.role == S:
                line.use(first.fact, decided)
            if retraction is None:
                occurrence.decisions.append(Decision(first.fact, first.role, kind, at, decided, None))
                break
            place, time = max(decided, retraction.place), max(time, retraction.received_at)
            occurrence.decisions.append(Decision(first.fact, S, kind, at, decided, place))
            due = occurrence.due_at(retraction.received_at)
            verdicts.append(occurrence.verdict("RETRACTED", time, due, retraction, first.fact))
        occurrence.verdicts = list({(v.kind, v.at): v for v in reversed(verdicts)}.values())

    def _candidates(self, occurrence: Occurrence, line: Line) -> Iterator[Candidate]:
        """Give each fact in each role in which it could decide, used up or not, in the order in which they would.

        A long case has many occurrences: none looks at what cannot decide it, nor at what comes after what does.
        """
        requirement, opening = occurrence.requirement, occurrence.chain.opening
        of_case = requirement.scope == "case"
        facts = self._facts_in_roles(requirement)
        encounter = "" if of_case else opening.encounter
        satisfying, waiving, ending = (facts.get((role, encounter), []) for role in (S, W, X))
        # Nothing is received before its own time, which for scope case is not before the anchor.
        earliest = occurrence.anchor if of_case else 0
        runs = [
            _in_role(
                role,
                run,
                max(bisect_left(run, earliest, key=_received_at), line.first_left(role, run, occurrence, earliest)),
            )
            for role, run in ((S, satisfying), (W, waiving))
        ]
        runs += [
            _in_role(X, ending, bisect_right(ending, opening.place, key=_place)),
            _in_role(V, self._voids_of(opening), 0),
        ]
        for candidate in merge(sorted(_ordered(occurrence)), *runs):
            fact = candidate.fact
            if candidate.role == V or is_directive(fact) or self._counts(fact, candidate.role, occurrence):
                yield candidate

    def _counts(self, fact: Fact, role: int, occurrence: Occurrence) -> bool:
        requirement, office = occurrence.requirement, occurrence.chain.opening.office
        if requirement.by == "office" and fact.office not in {office, occurrence.in_charge(fact.received_at)}:
            return False
        if role != X and requirement.scope == "case" and fact.own_time < occurrence.anchor:
            return False
        return role != S or not self._never_counts(fact)

    def _facts_in_roles(self, requirement: Requirement) -> InRoles:
        found = self._in_roles.get(requirement)
        if found is None:
            found = self._in_roles[requirement] = defaultdict(list)
            for fact in self.facts:
                for role in _roles(requirement, fact.shape):
                    found[role, "" if requirement.scope == "case" else fact.encounter].append(fact)
        return found

    def _voids_of(self, event: Fact) -> Sequence[Fact]:
        return self._voids.get((event.office, event.event_id), ())

    def _never_counts(self, fact: Fact) -> bool:
        retraction = self.retraction_of(fact)
        return retraction is not None and retraction.received_at <= fact.received_at

    def _round(self, occurrence: Occurrence, first: Candidate | None, time: int) -> list[Verdict]:
        """Give the verdicts of one judging, which began at ``time``; the last is the first candidate's, if any."""
        due = occurrence.due_at(first.received_at if first else self.as_of)
        if first and first.received_at <= due:
            return [occurrence.verdict(IN_TIME[first.role], max(first.received_at, time), due, first.fact)]
        if self.as_of <= due:
            return []
        verdicts, missed = [], due
        excused_until = self._excused(occurrence.in_charge(due), due, occurrence.chain.policy)
        if excused_until is not None:
            verdicts.append(occurrence.verdict("UNDETERMINED", due, due))
            missed = excused_until
        if first and first.received_at <= missed:
            at = max(first.received_at, time)
            verdicts.append(occurrence.verdict(WHILE_EXCUSED[first.role], at, due, first.fact))
            return verdicts
        if self.as_of > missed:
            verdicts.append(occurrence.verdict("MISSED", missed, due))
        if first:
            verdicts.append(occurrence.verdict(AFTER_DUE[first.role], max(first.received_at, time), due, first.fact))
        return verdicts


def _ordered(occurrence: Occurrence) -> Iterator[Candidate]:
    """Give the directives that decide, each of which names the occurrence."""
    for directive in occurrence.directives:
        if directive.action == "ACCEPT_OUT_OF_BAND":
            yield Candidate(directive.received_at, S, directive.place, as_fact(directive))
        elif directive.action == "CLOSE_ENCOUNTER" and directive.place > occurrence.chain.opening.place:
            yield Candidate(directive.received_at, X, directive.place, as_fact(directive))


@lru_cache(maxsize=65_536)
def _roles(requirement: Requirement, shape: Shape) -> tuple[int, ...]:
    patterns = {S: requirement.satisfied_by, W: requirement.waived_by, X: requirement.ends_on}
    return tuple(role for role, wanted in patterns.items() if any_matches(wanted, shape))


def _in_role(role: int, facts: Sequence[Fact], first: int) -> Iterator[Candidate]:
    for index in range(first, len(facts)):
        yield Candidate(facts[index].received_at, role, facts[index].place, facts[index])


def _received_at(fact: Fact) -> int:
    return fact.received_at


def _place(fact: Fact) -> FactPlace:
    return fact.place
