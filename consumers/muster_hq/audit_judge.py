"""The audit's judging of one occurrence, over all facts of its case at once (docs/verdicts.md).

Part of the audit, and so written apart from the live engine: there is no state between two facts, and no
clock that moves. The facts are those received up to ``as_of``, and an occurrence's whole life follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from muster_hq.audit_directives import as_fact, is_directive
from muster_hq.audit_facts import Directive, Fact
from muster_hq.audit_occurrences import Candidate, Decision, Line, Occurrence, S, V, Verdict, W, X
from muster_hq.patterns import Shape, any_matches
from muster_hq.policy import Policy, Requirement

IN_TIME = {S: "ON_TIME", W: "WAIVED", V: "VOIDED", X: "ENDED"}
AFTER_DUE = {S: "LATE", W: "CLEARED", V: "VOIDED", X: "ENDED"}
WHILE_EXCUSED = AFTER_DUE | {S: "EXCUSED"}


class Judge:
    """The facts of a case up to ``as_of``; ``excused`` tells until when outages excuse what an office owed.

    ``directives`` are those that concern the case, up to ``as_of`` as well.
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
        self._retractions: dict[tuple[str, bytes | None], Fact] = {}
        for fact in self.facts:
            if fact.shape.type == "IncidentRetracted":
                self._retractions.setdefault((fact.office, fact.names), fact)

    def retraction_of(self, fact: Fact) -> Fact | None:
        """Give the first retraction of a fact, from the office whose fact it is."""
        return self._retractions.get((fact.office, fact.event_id))

    def voided_by(self, fact: Fact, instant: int) -> bool:
        """Tell whether a void of this fact was received by then."""
        return any(_voids(other, fact) and other.received_at <= instant for other in self.facts)

    def judge(self, occurrence: Occurrence, line: Line) -> None:
        """Add an occurrence that opens to its line, and work out all its decisions and verdicts."""
        line.add(occurrence)
        occurrence.directives = [one for one in self._directives if occurrence.concerned_by(one)]
        occurrence.moves = [one for one in self.moves if one.target.office == occurrence.chain.opening.office]
        candidates = sorted([*self._candidates(occurrence), *_ordered(occurrence)])
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
            candidates.remove(first)
        occurrence.verdicts = list({(v.kind, v.at): v for v in reversed(verdicts)}.values())

    def _candidates(self, occurrence: Occurrence) -> Iterator[Candidate]:
        """Give each fact in each role in which it could decide, used up or not."""
        requirement, opening = occurrence.requirement, occurrence.chain.opening
        for fact in self.facts:
            if _voids(fact, opening):
                yield Candidate(fact.received_at, V, fact.place, fact)
            if requirement.by == "office" and fact.office not in {
                opening.office,
                occurrence.in_charge(fact.received_at),
            }:
                continue
            if requirement.scope == "encounter" and fact.encounter != opening.encounter:
                continue
            for role in _roles(requirement, fact.shape):
                if role == X:
                    counts = fact.place > opening.place
                else:
                    counts = requirement.scope == "encounter" or fact.own_time >= occurrence.anchor
                if counts and not (role == S and self._never_counts(fact)):
                    yield Candidate(fact.received_at, role, fact.place, fact)

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


def _voids(fact: Fact, event: Fact) -> bool:
    return fact.shape.type == "EncounterVoided" and (fact.office, fact.names) == (event.office, event.event_id)
