"""One occurrence of a requirement, as the audit sees it: what opened it, what was decided of it, and its line.

Values and what they say of themselves; audit_judge.py decides. Part of the audit, and so written apart from the live
engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from muster_hq.audit_directives import as_fact, due_at
from muster_hq.audit_facts import Directive, Fact, FactPlace, Source
from muster_hq.policy import Policy, Requirement

S, W, V, X = range(4)
"""What a fact can be to an occurrence; at equal received_at, the order in which they decide."""


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
        if not self.moves:
            return None
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

    def is_settled_before(self, place: FactPlace) -> bool:
        """Tell whether it had ended for good before the fact at this place: what decided it last is not withdrawn."""
        last = self.decisions[-1] if self.decisions else None
        return last is not None and last.withdrawn is None and last.place < place

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
        self.openers: set[FactPlace] = set()
        self._unsettled: list[Occurrence] = []
        self._used: dict[FactPlace, FactPlace] = {}
        self._left: dict[tuple[Requirement, int], tuple[int, int]] = {}

    def add(self, occurrence: Occurrence) -> None:
        """Append an occurrence and give its number; its opener counts neither for it nor for those after it."""
        self.occurrences.append(occurrence)
        self.openers.add(occurrence.opener.place)
        self._unsettled.append(occurrence)
        occurrence.number = len(self.occurrences)
        self.use(occurrence.opener, occurrence.place)

    def unresolved(self, place: FactPlace) -> list[Occurrence]:
        """Give those that had not ended before the fact at this place; asked in fact order."""
        self._unsettled = [one for one in self._unsettled if not one.is_settled_before(place)]
        return [one for one in self._unsettled if one.ending_at(place) is None]

    def use(self, fact: Fact, place: FactPlace) -> None:
        """Note that from this place on an S does not count for later occurrences."""
        self._used[fact.place] = min(place, self._used.get(fact.place, place))

    def first_left(self, role: int, facts: Sequence[Fact], occurrence: Occurrence, earliest: int) -> int:
        """Give which is the first of an occurrence's S, or W, all in order, that is not used up nor of an earlier time.

        Asked in fact order, so that what is used up stays so; a line may go on by another version's requirement.
        """
        anchor, first = self._left.get((occurrence.requirement, role), (earliest, 0))
        if earliest < anchor:
            return 0
        while first < len(facts) and (
            facts[first].own_time < earliest or (role == S and self.used_up(facts[first], occurrence.place))
        ):
            first += 1
        self._left[occurrence.requirement, role] = earliest, first
        return first

    def used_up(self, fact: Fact, place: FactPlace) -> bool:
        """Tell whether an S that would decide the latest occurrence at this place no longer counts."""
        return fact.place in self._used and self._used[fact.place] <= place
