"""One occurrence of a requirement, judged over all facts of its case at once (docs/verdicts.md).

Part of the audit, and so written apart from the live engine: there is no state between two facts, and no
clock that moves. The facts are those received up to ``as_of``, and an occurrence's whole life follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from muster_hq.audit_directives import as_fact, due_at, is_directive
from muster_hq.audit_facts import Directive, Fact, FactPlace, Source
from muster_hq.patterns import Shape, any_matches
from muster_hq.policy import Policy, Requirement

S, W, V, X = range(4)
"""What a fact can be to an occurrence; at equal received_at, the order in which they decide."""

IN_TIME = {S: "ON_TIME", W: "WAIVED", V: "VOIDED", X: "ENDED"}
AFTER_DUE = {S: "LATE", W: "CLEARED", V: "VOIDED", X: "ENDED"}
WHILE_EXCUSED = AFTER_DUE | {S: "EXCUSED"}


class Verdict(NamedTuple):
    """A verdict with its obligation; ``evidence`` are records, in fact order."""

    office: str
    encounter: str
    requirement: str
    occurrence: int
    kind: str
    at: int
    due: int
    received_at: int | None
    policy: str
    evidence: tuple[Source, ...]
    decider: Fact | None
    channel: str | None
    """The one that the requirement asks for."""


class Candidate(NamedTuple):
    """A fact that may decide an occurrence; candidates sort in the order in which they would."""

    received_at: int
    role: int
    place: FactPlace
    fact: Fact


class Decision(NamedTuple):
    """What decided or resolved an occurrence. It stands from ``place`` until it was withdrawn, if it was."""

    fact: Fact
    role: int
    kind: str
    at: int
    place: FactPlace
    withdrawn: FactPlace | None


class Chain(NamedTuple):
    """What all links of a chain share: the event that opened the first, and the version in force then.

    ``time`` is the opening time: that event's received_at, or after a void the void's.
    """

    opening: Fact
    time: int
    policy: Policy


class Event(NamedTuple):
    """A fact that matches ``opens_on`` of a requirement, in the version in force when it was received."""

    fact: Fact
    policy: Policy
    requirement: Requirement


@dataclass(eq=False)
class Occurrence:
    """One requirement made due by one event: ``opener`` opened it, at ``place`` in fact order."""

    chain: Chain
    requirement: Requirement
    anchor: int
    opener: Fact
    place: FactPlace
    absorbed: list[Event] = field(default_factory=list)
    number: int = 0
    directives: list[Directive] = field(default_factory=list)
    moves: list[Directive] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    def due_at(self, instant: int) -> int:
        """Give the due time, which is in time still, by the directives that were received by an instant."""
        due = self.requirement.due_of(self.anchor, self.chain.opening.office)
        return due_at(instant, due, self.anchor, self.directives) if self.directives else due

    def moved_by(self, instant: int) -> Directive | None:
        """Give the last move of its office's part of the case that was received by an instant, and by due."""
        by = min(instant, self.due_at(instant))
        return next((move for move in reversed(self.moves) if move.received_at <= by), None)

    def in_charge(self, instant: int) -> str:
        """Name the office that it was last moved to, or its own."""
        move = self.moved_by(instant)
        return move.target.to if move else self.chain.opening.office

    def concerned_by(self, directive: Directive) -> bool:
        """Tell whether a directive of this case names it, by its opening event or as an obligation."""
        target, opening = directive.target, self.chain.opening
        named = (target.requirement, target.occurrence) in {("", 0), (self.requirement.id, self.number)}
        return named and (target.office, target.encounter) == (opening.office, opening.encounter)

    @property
    def key(self) -> tuple[str, ...]:
        """What its number counts within: the requirement, and in this case the scope key."""
        opening = self.chain.opening
        if self.requirement.scope == "case":
            return self.requirement.id, opening.office
        return self.requirement.id, opening.office, opening.encounter

    def ending_at(self, place: FactPlace) -> str | None:
        """Tell how it had ended before the fact at this place; None while it was unresolved."""
        for decision in self.decisions:
            if decision.place < place and (decision.withdrawn is None or place <= decision.withdrawn):
                return decision.kind
        return None

    def verdict(self, kind: str, at: int, due: int, decider: Fact | None = None, *withdrawn: Fact) -> Verdict:
        """Word a verdict on it; evidence is what opened it, the decider and what that one withdraws."""
        opening = self.chain.opening
        received_at = decider.received_at if decider else None
        move = self.moved_by(due if received_at is None else received_at)
        facts = (opening, self.opener, decider, *withdrawn, move and as_fact(move))
        behind = {source for f in facts if f for source in f.sources}
        return Verdict(
            opening.office,
            opening.encounter,
            self.requirement.id,
            self.number,
            kind,
            at,
            due,
            received_at,
            self.chain.policy.name,
            tuple(sorted(behind)),
            decider,
            self.requirement.channel,
        )


class Line:
    """The occurrences of one requirement and scope key, by number, and which S they have used up."""

    def __init__(self) -> None:
        self.occurrences: list[Occurrence] = []
        self._used: dict[FactPlace, FactPlace] = {}

    def add(self, occurrence: Occurrence) -> None:
        """Append an occurrence and give its number; its opener counts neither for it nor for those after it."""
        self.occurrences.append(occurrence)
        occurrence.number = len(self.occurrences)
        self.use(occurrence.opener, occurrence.place)

    def use(self, fact: Fact, place: FactPlace) -> None:
        """Note that from this place on an S does not count for later occurrences."""
        self._used[fact.place] = min(place, self._used.get(fact.place, place))

    def used_up(self, fact: Fact, place: FactPlace) -> bool:
        """Tell whether an S that would decide the latest occurrence at this place no longer counts."""
        return fact.place in self._used and self._used[fact.place] <= place


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
