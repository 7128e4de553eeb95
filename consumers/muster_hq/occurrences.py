"""The life of obligations: how occurrences open, are decided, missed, voided, retracted and chained.

Facts are walked in fact order. Each unresolved occurrence waits for the place of the fact that decides it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence

from muster_hq.deciders import Deciders, Key, Occurrence, S, V
from muster_hq.facts import Fact
from muster_hq.folds import Fold, Live, Ref
from muster_hq.moving import MOVING
from muster_hq.orders import MOVE_CASE, Order
from muster_hq.outages import Outages
from muster_hq.policies import Policies
from muster_hq.policy import Policy, Requirement
from muster_hq.sayings import Sayings
from muster_hq.verdicts import NEVER, Obligation, Verdict, VerdictKey

_IN_TIME = ("ON_TIME", "WAIVED", "VOIDED", "ENDED")
_AFTERWARDS = ("LATE", "CLEARED", "VOIDED", "ENDED")
_REOPENING = frozenset({"WAIVED", "CLEARED", "VOIDED", "ENDED"})


class Occurrences(Sayings):
    """All occurrences of one walk over a case's facts. Verdicts that have been ``given`` before are left out."""

    # As with an occurrence: a case without directives, or that is not folded, costs nothing for them.
    _moves: Sequence[Order] = ()
    _transfers: Sequence[Order] = ()
    _since: Mapping[Key, int] = {}
    _before: Mapping[Key, int] = {}

    def __init__(  # noqa: PLR0913, PLR0917 - by position: it is made once a case and office, at every judgement
        self,
        facts: Sequence[Fact],
        outages: Outages,
        clock: int,
        given: Collection[VerdictKey],
        orders: Sequence[Order] = (),
        whose: str | None = None,
    ) -> None:
        """``whose`` is the office whose events alone open something; None for all offices of the facts."""
        self._facts = facts
        self._outages = outages
        self._clock = clock
        self._given = given
        self._verdicts = []
        self._whose = whose
        if orders:
            settled = [order for order in orders if order.received_at <= clock]
            self._moves = [order for order in settled if order.action in MOVING]
            self._transfers = [order for order in settled if order.action == MOVE_CASE]
        self._deciders = Deciders(facts, orders)
        self._by_key: dict[Key, list[Occurrence]] = {}
        self._waiting: dict[int, list[Occurrence]] = {}
        self._decisions: list[tuple[Occurrence, int, int]] = []
        self._opened = 0

    def resume(self, fold: Fold | None, policies: Policies, office: str | None) -> None:
        """Go on where a folded case stood: of an office, or (None) of the requirements judged over all offices."""
        if fold is None:
            return
        first = bisect_right(self._facts, fold.until, key=_received_at)
        of_crossing = office is None
        mine = {
            key: count
            for key, count in fold.counts
            if (key[0] in policies.crossing) == of_crossing and (of_crossing or key[1] == office)
        }
        self._since = dict.fromkeys(mine, first)
        self._by_key.update({key: [] for key in mine})
        places = {fact[:3]: place for place, fact in enumerate(self._facts[:first])}
        for live in fold.live:
            if live.key in mine:
                self._by_key[live.key].append(self._revived(live, policies, places))
        self._before = {key: count - len(self._by_key[key]) for key, count in mine.items()}
        for occurrence in sorted((one for key in mine for one in self._by_key[key]), key=_turn):
            if self._deciders.any_for(occurrence):
                self._plan(occurrence, first - 1)

    @property
    def counts(self) -> Mapping[Key, int]:
        """How many occurrences of each key there have been, after the walk."""
        return {key: len(occurrences) + self._before.get(key, 0) for key, occurrences in self._by_key.items()}

    def living(self) -> list[tuple[Occurrence, Live]]:
        """Give those that are not settled after the walk, and how each is written down, as they opened."""
        every = (one for occurrences in self._by_key.values() for one in occurrences if one.ended_in is None)
        return [(one, self._written(one)) for one in sorted(every, key=_turn)]

    def walk(self, policies: Policies, *, crossing: bool) -> list[Verdict]:
        """Let each fact in turn open, decide and retract, and then time decide; give the verdicts.

        ``crossing`` chooses the requirements that are judged over all offices, or the others.
        """
        self._policies = policies
        opens, across, retracting = policies.open, policies.crossing, bool(self._deciders.retractions)
        for place, fact in enumerate(self._facts):
            policy = policies.in_force(fact.received_at) if opens[fact.shape] else None
            if policy is not None:
                for requirement in policy.opened_by[fact.shape]:
                    if (requirement.id in across) == crossing:
                        self._offer(requirement, policy, place)
            if retracting or place in self._waiting:
                self._settle(place)
        for occurrences in self._by_key.values():
            for occurrence in occurrences:
                if occurrence.ended_in is None and self._clock > occurrence.due:
                    self._miss(occurrence, self._clock)
        return self._verdicts

    def unsettled(self, clock_name: str) -> list[Obligation]:
        """Give what is not settled, after the walk."""
        return [
            self._obligation(occurrence, clock_name)
            for occurrences in self._by_key.values()
            for occurrence in occurrences
            if occurrence.ended_in is None
        ]

    def _offer(self, requirement: Requirement, policy: Policy, place: int) -> None:
        """Let the event at this place open an occurrence, be absorbed, or do nothing."""
        event = self._facts[place]
        if self._whose is not None and event.office != self._whose:
            return
        key = requirement.id, event.office, event.encounter_id if requirement.scope == "encounter" else None
        if self._since and place < self._since.get(key, 0):
            return
        earlier = self._by_key.get(key)
        if earlier:
            unresolved = [occurrence for occurrence in earlier if occurrence.ended_in is None]
            for occurrence in unresolved:
                occurrence.absorbed += ((requirement, policy, place),)
            if unresolved or (requirement.scope != "case" and earlier[-1].ended_in not in _REOPENING):
                return
        anchor = event.own_at if requirement.anchor == "occurred_at" else event.received_at
        self._open(Occurrence(requirement, policy, key, event, event.received_at, anchor), place, place)

    def _settle(self, place: int) -> None:
        """Decide what waits for this place, judge again what its fact withdraws, and open what follows from that.

        Each in the order in which the occurrences opened, so that the earlier one has the first choice of facts.
        What a decision opens, opens after all that the place decides and withdraws (docs/verdicts.md, reading 8).
        """
        turns = self._waiting.pop(place, []) + self._satisfied_by_withdrawn(place)
        while turns:
            for occurrence in sorted(turns, key=_turn):
                if occurrence.satisfied_by is None:
                    self._plan(occurrence, place)
                else:
                    self._retract(occurrence, self._facts[place], place)
            decisions, self._decisions = self._decisions, []
            for occurrence, role, decider in decisions:
                if role == S:
                    self._chain(occurrence, decider, place)
                else:
                    self._reopen(occurrence, self._facts[decider].received_at, place)
            turns = self._waiting.pop(place, [])

    def _satisfied_by_withdrawn(self, place: int) -> list[Occurrence]:
        if self._facts[place].shape.type != "IncidentRetracted":
            return []
        return [
            occurrence
            for occurrences in self._by_key.values()
            for occurrence in occurrences
            if occurrence.satisfied_by is not None
            and self._deciders.retraction_of(self._facts[occurrence.satisfied_by]) == place
        ]

    def _open(self, occurrence: Occurrence, opener: int, now: int) -> None:
        if self._since:
            occurrence.since = self._since.get(occurrence.key, 0)
            if now < occurrence.since:  # it opened before the case was folded
                return
        occurrences = self._by_key.setdefault(occurrence.key, [])
        occurrences.append(occurrence)
        occurrence.number = len(occurrences)
        if self._before:
            occurrence.number += self._before.get(occurrence.key, 0)
        occurrence.turn = self._opened = self._opened + 1
        if self._moves:
            occurrence.moves = tuple(order for order in self._moves if occurrence.is_concern_of(order))
        if self._transfers:
            occurrence.transfers = tuple(order for order in self._transfers if order.aim.office == occurrence.key[1])
        self._deciders.spend(occurrence.key, opener, occurrence.number)
        if self._deciders.any_for(occurrence):
            self._waiting.setdefault(now, []).append(occurrence)

    def _plan(self, occurrence: Occurrence, now: int) -> None:
        """Find the fact that decides; decide at once if its place has been reached, else wait for it."""
        place, role = self._deciders.first(occurrence)
        if role == S:
            self._deciders.reserve(occurrence, place, now)
        if place <= now:
            self._decide(occurrence, place, role, now)
        elif place != NEVER:
            self._waiting.setdefault(place, []).append(occurrence)

    def _decide(self, occurrence: Occurrence, place: int, role: int, now: int) -> None:
        fact = self._facts[place]
        self._miss(occurrence, fact.received_at)
        due = occurrence.due_at(fact.received_at) if occurrence.moves else occurrence.due
        if fact.received_at <= due:
            occurrence.ended_in = _IN_TIME[role]
        elif role == S and fact.received_at <= self._excused_until(occurrence, due):
            occurrence.ended_in = "EXCUSED"
        else:
            occurrence.ended_in = _AFTERWARDS[role]
        self._give(occurrence, occurrence.ended_in, fact.received_at, due, fact)
        if role == S:
            occurrence.satisfied_by = place
            self._deciders.spend(occurrence.key, place, occurrence.number + 1)
            if not occurrence.chained:  # what is decided again opens nothing again
                occurrence.chained = True
                self._decisions.append((occurrence, role, place))
            retraction = self._deciders.retraction_of(fact)
            if retraction <= now:
                self._retract(occurrence, self._facts[retraction], now)
        elif role == V:
            self._decisions.append((occurrence, role, place))

    def _chain(self, occurrence: Occurrence, place: int, now: int) -> None:
        """Open what this satisfaction opens."""
        report, requirement, policy = self._facts[place], occurrence.requirement, occurrence.policy
        first, opened_at = occurrence.opening, occurrence.opened_at
        links = [(policy, follower, report.received_at) for follower in policy.followers[requirement.id]]
        if requirement.recurs:
            version, line = self._policies.recurring(policy, requirement, max(report.received_at, opened_at))
            links.insert(0, (version, line, report.own_at))
        for version, link, anchor in links:
            key = link.id, occurrence.key[1], first.encounter_id if link.scope == "encounter" else None
            following = Occurrence(link, version, key, first, opened_at, anchor)
            following.opened_by = report
            self._open(following, place, now)

    def _reopen(self, voided: Occurrence, voided_at: int, now: int) -> None:
        """Let the earliest absorbed event that is not itself void open the next; the later ones wait with it."""
        taken = {occurrence.opened_by or occurrence.opening for occurrence in self._by_key[voided.key]}
        events = [(absorbed, self._facts[absorbed[2]]) for absorbed in voided.absorbed]
        waiting = [absorbed for absorbed, event in events if event not in taken and not self._is_void(event, now)]
        if waiting:
            requirement, policy, place = waiting[0]
            event = self._facts[place]
            anchor = event.own_at if requirement.anchor == "occurred_at" else event.received_at
            occurrence = Occurrence(requirement, policy, voided.key, event, voided_at, anchor)
            occurrence.absorbed = tuple(waiting[1:])
            self._open(occurrence, place, now)

    def _is_void(self, event: Fact, now: int) -> bool:
        void = self._deciders.void_of(event)
        return void != NEVER and self._facts[void].received_at <= self._facts[now].received_at

    def _retract(self, occurrence: Occurrence, retraction: Fact, now: int) -> None:
        place = occurrence.satisfied_by
        assert place is not None  # noqa: S101 - only what a report has satisfied is retracted
        at = retraction.received_at
        self._give(occurrence, "RETRACTED", at, occurrence.due_at(at), retraction, self._facts[place])
        occurrence.judged_again_at = max(occurrence.judged_again_at, retraction.received_at)
        occurrence.withdrawn |= {place}
        occurrence.ended_in = occurrence.satisfied_by = None
        self._plan(occurrence, now)

    def _written(self, one: Occurrence) -> Live:
        opened_by = one.opened_by[:3] if one.opened_by is not None else None
        absorbed = tuple([(policy.name, self._facts[place][:3]) for _, policy, place in one.absorbed])
        where = one.opening[:3], one.opened_at, one.anchor
        return Live(one.key, one.number, one.policy.name, *where, opened_by, absorbed)

    def _revived(self, live: Live, policies: Policies, places: Mapping[Ref, int]) -> Occurrence:
        """Give an occurrence back that was unsettled when its case was folded."""
        requirement_id = live.key[0]
        policy, requirement = policies.line(live.policy, requirement_id)
        opening = self._facts[places[live.opening]]
        occurrence = Occurrence(requirement, policy, live.key, opening, live.opened_at, live.anchor)
        occurrence.number, occurrence.since = live.number, self._since[live.key]
        occurrence.turn = self._opened = self._opened + 1
        if live.opened_by is not None:
            occurrence.opened_by = self._facts[places[live.opened_by]]
        for version, event in live.absorbed:
            of, line = policies.line(version, requirement_id)
            occurrence.absorbed += ((line, of, places[event]),)
        return occurrence


def _turn(occurrence: Occurrence) -> int:
    return occurrence.turn


def _received_at(fact: Fact) -> int:
    return fact.received_at
