"""The life of obligations: how occurrences open, are decided, missed, voided, retracted and chained.

Facts are walked in fact order. Each unresolved occurrence waits for the place of the fact that decides it,
found by looking over all facts at once, so that S, W and V that came early need no case of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from muster_hq.facts import Fact
from muster_hq.policy import ENDS, SATISFIES, WAIVES, Policy, Requirement
from muster_hq.verdicts import Obligation, Outages, Verdict, evidence_of

_S, _W, _V, _X = range(4)
"""What a fact can do to an obligation: satisfy, waive, void or end it; at equal instants in this order."""
_IN_TIME = ("ON_TIME", "WAIVED", "VOIDED", "ENDED")
_AFTERWARDS = ("LATE", "CLEARED", "VOIDED", "ENDED")
_REOPENING = frozenset({"WAIVED", "CLEARED", "VOIDED", "ENDED"})
_NEVER = 1 << 62

Key = tuple[str, str, str | None]
"""Requirement id, office, and the encounter; None for scope ``case``."""
Absorbed = tuple[Requirement, Policy, int]


@dataclass(slots=True, eq=False)
class _Occurrence:
    requirement: Requirement
    policy: Policy
    key: Key
    number: int
    opening: Fact
    opened_at: int
    opened_by: Fact | None
    anchor: int
    due: int = field(init=False)
    turn: int = 0
    ended_in: str | None = None
    satisfied_by: int | None = None
    judged_again_at: int = 0
    chained: bool = False
    withdrawn: frozenset[int] = frozenset()
    absorbed: tuple[Absorbed, ...] = ()
    given: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        self.due = self.anchor + self.requirement.within


class Occurrences:
    """All occurrences of one walk over a case's facts.

    At each place, offer the event to the requirements that it opens, and then settle the place.
    """

    def __init__(self, facts: Sequence[Fact], outages: Outages, clock: int) -> None:
        self.verdicts: list[Verdict] = []
        self.obligations: list[Obligation] = []
        self._facts = facts
        self._outages = outages
        self._clock = clock
        self._by_key: dict[Key, list[_Occurrence]] = {}
        self._waiting: dict[int, list[_Occurrence]] = {}
        self._spent: dict[tuple[Key, int], int] = {}
        self._decisions: list[tuple[_Occurrence, int, int]] = []
        self._opened = 0
        # Of several voids or retractions of one event the first counts: reversed, so that it is written last.
        naming = [(place, fact) for place, fact in enumerate(facts) if fact.names is not None][::-1]
        self._voids = {(f.office, f.names): f for _, f in naming if f.shape.type == "EncounterVoided"}
        self._retractions = {(f.office, f.names): p for p, f in naming if f.shape.type == "IncidentRetracted"}

    def offer(self, requirement: Requirement, policy: Policy, place: int) -> None:
        """Let the event at this place open an occurrence, be absorbed, or do nothing."""
        key = _key(requirement, self._facts[place])
        earlier = self._by_key.setdefault(key, [])
        unresolved = [occurrence for occurrence in earlier if occurrence.ended_in is None]
        for occurrence in unresolved:
            occurrence.absorbed += ((requirement, policy, place),)
        if unresolved:
            return
        if not earlier or requirement.scope == "case" or earlier[-1].ended_in in _REOPENING:
            opened_at = self._facts[place].received_at
            self._open(self._opened_on(requirement, policy, key, place, opened_at), place, place)

    def settle_at(self, place: int) -> None:
        """Decide what waits for this place, judge again what its fact withdraws, and open what follows from that.

        Each in the order in which the occurrences opened, so that the earlier one has the first choice of facts.
        """
        turns = self._waiting.pop(place, []) + self._withdrawn_at(place)
        while turns:
            for occurrence in sorted(turns, key=_turn):
                if occurrence.satisfied_by is None:
                    self._plan(occurrence, place)
                else:
                    self._retract(occurrence, place, place)
            decisions, self._decisions = self._decisions, []
            for occurrence, role, decider in sorted(decisions, key=lambda decision: decision[0].turn):
                if role == _S:
                    self._chain(occurrence, decider, place)
                else:
                    self._reopen(occurrence, self._facts[decider].received_at, place)
            turns = self._waiting.pop(place, [])

    def close(self, clock_name: str) -> None:
        """Say what time alone has decided by the clock, and list what is not settled."""
        for occurrences in self._by_key.values():
            for occurrence in occurrences:
                if occurrence.ended_in is None:
                    self._miss(occurrence, self._clock)
                    self.obligations.append(self._unsettled(occurrence, clock_name))

    def _withdrawn_at(self, place: int) -> list[_Occurrence]:
        if self._facts[place].shape.type != "IncidentRetracted":
            return []
        return [
            occurrence
            for occurrences in self._by_key.values()
            for occurrence in occurrences
            if occurrence.satisfied_by is not None
            and self._retraction_of(self._facts[occurrence.satisfied_by]) == place
        ]

    def _retraction_of(self, report: Fact) -> int | None:
        return self._retractions.get((report.office, report.event_id)) if self._retractions else None

    def _opened_on(self, requirement: Requirement, policy: Policy, key: Key, place: int, opened_at: int) -> _Occurrence:
        event = self._facts[place]
        anchor = event.own_at if requirement.anchor == "occurred_at" else event.received_at
        number = len(self._by_key[key]) + 1
        return _Occurrence(requirement, policy, key, number, event, opened_at, None, anchor)

    def _open(self, occurrence: _Occurrence, opener: int, now: int) -> None:
        occurrence.turn = self._opened
        self._opened += 1
        self._by_key[occurrence.key].append(occurrence)
        self._spend(occurrence.key, opener, occurrence.number)
        self._waiting.setdefault(now, []).append(occurrence)

    def _spend(self, key: Key, place: int, number: int) -> None:
        """Note that the fact at this place satisfies no occurrence of the key from this number on."""
        self._spent[key, place] = min(number, self._spent.get((key, place), number))

    def _plan(self, occurrence: _Occurrence, now: int) -> None:
        """Find the fact that decides; decide at once if its place has been reached, else wait for it."""
        place, role = self._find_decider(occurrence)
        if role == _S:
            self._reserve(occurrence, place, now)
        if place <= now:
            self._decide(occurrence, place, role, now)
        elif place != _NEVER:
            self._waiting.setdefault(place, []).append(occurrence)

    def _find_decider(self, occurrence: _Occurrence) -> tuple[int, int]:
        """Give place and role of the fact received first that decides; S, W, V, X at equal instants."""
        best_at, best_role, best_place = _NEVER, _NEVER, _NEVER
        roles_of = occurrence.requirement.roles_of
        for place, fact in enumerate(self._facts):
            if fact.received_at > best_at:
                break
            if fact.names is None and not roles_of(fact.shape):
                continue
            role = self._role_of(place, fact, occurrence)
            if role < best_role:
                best_at, best_role, best_place = fact.received_at, role, place
        return best_place, best_role

    def _role_of(self, place: int, fact: Fact, occurrence: _Occurrence) -> int:
        """Tell what the fact can do to the occurrence, the first of its roles; _NEVER for nothing."""
        role = self._role_by_policy(place, fact, occurrence)
        if role > _V and fact.names == occurrence.opening.event_id and fact.shape.type == "EncounterVoided":
            return _V if fact.office == occurrence.opening.office else role
        return role

    def _role_by_policy(self, place: int, fact: Fact, occurrence: _Occurrence) -> int:
        requirement, (_, office, encounter) = occurrence.requirement, occurrence.key
        roles = requirement.roles_of(fact.shape)
        if not roles or (requirement.by == "office" and fact.office != office):
            return _NEVER
        if encounter is not None and fact.encounter_id != encounter:
            return _NEVER
        timely = encounter is not None or fact.own_at >= occurrence.anchor
        if roles & SATISFIES and timely and self._counts(place, fact, occurrence):
            return _S
        if roles & WAIVES and timely:
            return _W
        return _X if roles & ENDS and fact[:3] > occurrence.opening[:3] else _NEVER

    def _counts(self, place: int, fact: Fact, occurrence: _Occurrence) -> bool:
        if place in occurrence.withdrawn or self._spent.get((occurrence.key, place), _NEVER) <= occurrence.number:
            return False
        retraction = self._retraction_of(fact)
        return retraction is None or self._facts[retraction].received_at > fact.received_at

    def _reserve(self, occurrence: _Occurrence, place: int, now: int) -> None:
        """Keep later occurrences from the reports that this one will choose, retractions included, as it goes.

        One that it chooses later than the report's own place is free until then, and spent when it is chosen.
        """
        withdrawn, role = occurrence.withdrawn, _S
        while role == _S:
            now = max(now, place)
            if now == place:
                self._spend(occurrence.key, place, occurrence.number + 1)
            retraction = self._retraction_of(self._facts[place])
            if retraction is None:
                break
            now = max(now, retraction)
            occurrence.withdrawn |= {place}
            place, role = self._find_decider(occurrence)
        occurrence.withdrawn = withdrawn

    def _decide(self, occurrence: _Occurrence, place: int, role: int, now: int) -> None:
        fact = self._facts[place]
        self._miss(occurrence, fact.received_at)
        if fact.received_at <= occurrence.due:
            occurrence.ended_in = _IN_TIME[role]
        elif role == _S and fact.received_at <= self._excused_until(occurrence):
            occurrence.ended_in = "EXCUSED"
        else:
            occurrence.ended_in = _AFTERWARDS[role]
        self._give(occurrence, occurrence.ended_in, fact.received_at, fact)
        if role == _S:
            occurrence.satisfied_by = place
            self._spend(occurrence.key, place, occurrence.number + 1)
            if not occurrence.chained:  # what is decided again opens nothing again
                occurrence.chained = True
                self._decisions.append((occurrence, role, place))
            retraction = self._retraction_of(fact)
            if retraction is not None and retraction <= now:
                self._retract(occurrence, retraction, now)
        elif role == _V:
            self._decisions.append((occurrence, role, place))

    def _chain(self, occurrence: _Occurrence, place: int, now: int) -> None:
        """Open what this satisfaction opens."""
        report = self._facts[place]
        links = [(follower, report.received_at) for follower in occurrence.policy.followers(occurrence.requirement.id)]
        if occurrence.requirement.recurs:
            links.insert(0, (occurrence.requirement, report.own_at))
        for requirement, anchor in links:
            key = _key(requirement, occurrence.opening, office=occurrence.key[1])
            number = len(self._by_key.setdefault(key, [])) + 1
            first = occurrence.opening, occurrence.opened_at
            self._open(_Occurrence(requirement, occurrence.policy, key, number, *first, report, anchor), place, now)

    def _reopen(self, voided: _Occurrence, voided_at: int, now: int) -> None:
        """Let the earliest absorbed event that is not itself void open the next; the later ones wait with it."""
        taken = {occurrence.opened_by or occurrence.opening for occurrence in self._by_key[voided.key]}
        events = [(absorbed, self._facts[absorbed[2]]) for absorbed in voided.absorbed]
        waiting = [absorbed for absorbed, event in events if event not in taken and not self._is_void(event, now)]
        if waiting:
            requirement, policy, place = waiting[0]
            occurrence = self._opened_on(requirement, policy, voided.key, place, voided_at)
            occurrence.absorbed = tuple(waiting[1:])
            self._open(occurrence, place, now)

    def _is_void(self, event: Fact, now: int) -> bool:
        void = self._voids.get((event.office, event.event_id))
        return void is not None and void.received_at <= self._facts[now].received_at

    def _retract(self, occurrence: _Occurrence, retracted_by: int, now: int) -> None:
        place, retraction = occurrence.satisfied_by, self._facts[retracted_by]
        assert place is not None  # noqa: S101 - only what a report has satisfied is retracted
        self._give(occurrence, "RETRACTED", retraction.received_at, retraction, self._facts[place])
        occurrence.judged_again_at = max(occurrence.judged_again_at, retraction.received_at)
        occurrence.withdrawn |= {place}
        occurrence.ended_in = occurrence.satisfied_by = None
        self._plan(occurrence, now)

    def _miss(self, occurrence: _Occurrence, until: int) -> None:
        """Say what time alone decided before this instant (exclusive of due itself, which is in time)."""
        if until <= occurrence.due:
            return
        excused_until = self._excused_until(occurrence)
        if excused_until == occurrence.due:
            self._give(occurrence, "MISSED", occurrence.due)
            return
        self._give(occurrence, "UNDETERMINED", occurrence.due)
        if until > excused_until:
            self._give(occurrence, "MISSED", excused_until)

    def _excused_until(self, occurrence: _Occurrence) -> int:
        """Give the end of the latest excuse that own faults gave; the due time itself where there is none."""
        policy, due = occurrence.policy, occurrence.due
        if policy.outage_after is None:
            return due
        ends = [
            outage.end + policy.outage_grace
            for outage in self._outages.get(occurrence.key[1], ())
            if outage.end - outage.start > policy.outage_after and outage.start < due < outage.end + policy.outage_grace
        ]
        return max(ends, default=due)

    def _give(self, occurrence: _Occurrence, verdict: str, at: int, decider: Fact | None = None, *more: Fact) -> None:
        """Append a verdict, once; ``at`` is never before the opening, nor before a retraction."""
        if decider is not None:
            at = max(at, occurrence.opened_at, occurrence.judged_again_at)
        if (verdict, at) in occurrence.given:
            return
        occurrence.given += ((verdict, at),)
        behind = (occurrence.opening, occurrence.opened_by, decider, *more)
        self.verdicts.append(
            Verdict(
                occurrence.key[1],
                occurrence.opening.encounter_id,
                occurrence.requirement.id,
                occurrence.number,
                verdict,
                at,
                occurrence.due,
                decider.received_at if decider else None,
                occurrence.policy.name,
                tuple(sorted({evidence_of(fact) for fact in behind if fact is not None})),
            )
        )

    def _unsettled(self, occurrence: _Occurrence, clock_name: str) -> Obligation:
        if self._clock <= occurrence.due:
            state, next_at = "OPEN", occurrence.due
        elif self._clock <= (excused_until := self._excused_until(occurrence)):
            state, next_at = "UNDETERMINED", excused_until
        else:
            state, next_at = "OUTSTANDING", None
        return Obligation(
            occurrence.key[1],
            occurrence.opening.encounter_id,
            occurrence.requirement.id,
            occurrence.number,
            occurrence.policy.name,
            occurrence.due,
            state,
            next_at,
            clock_name,
            occurrence.opening,
        )


def _turn(occurrence: _Occurrence) -> int:
    return occurrence.turn


def _key(requirement: Requirement, opening: Fact, office: str | None = None) -> Key:
    encounter = opening.encounter_id if requirement.scope == "encounter" else None
    return requirement.id, office or opening.office, encounter
