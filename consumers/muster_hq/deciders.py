"""Which fact decides an occurrence of an obligation: the first that satisfies, waives, voids or ends it.

All facts of a walk are looked at, also those before the opening, so that S, W and V that came early need no
case of their own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence

from muster_contract.topics import DIRECTIVES
from muster_hq.facts import Fact
from muster_hq.moving import Moved, moved
from muster_hq.orders import Order
from muster_hq.patterns import shape_of
from muster_hq.policy import DIRECTED, DIRECTIVE, ENDS, SATISFIES, WAIVES, Policy, Requirement
from muster_hq.verdicts import NEVER

S, W, V, X = range(4)
"""What a fact can do to an obligation: satisfy, waive, void or end it; at equal instants in this order."""
Key = tuple[str, str, str | None]
"""Requirement id, office, and the encounter; None for scope ``case``."""
Absorbed = tuple[Requirement, Policy, int]
_InOrder = list[tuple[int, Fact, int]]
_Candidates = tuple[_InOrder, _InOrder]


class Occurrence:
    """One occurrence of an obligation, as far as the walk has come. Instants are UTC milliseconds."""

    # Defaults stand on the class: an occurrence to which nothing has happened yet costs nothing for them.
    number = turn = 0
    ended_in: str | None = None
    satisfied_by: int | None = None
    judged_again_at = 0
    chained = False
    withdrawn: frozenset[int] = frozenset()
    absorbed: tuple[Absorbed, ...] = ()
    given: tuple[tuple[str, int], ...] = ()
    opened_by: Fact | None = None
    """The report that opened this link of a chain."""
    since = 0
    """The place from which on facts decide it: of one in a folded case, none that came before can (folds.py)."""
    moves: tuple[Order, ...] = ()
    """The directives that may move its due time, as they stand in the log."""
    transfers: tuple[Order, ...] = ()
    """Those that move its office's part of the case to another, as they stand in the log."""

    def __init__(  # noqa: PLR0913, PLR0917 - by position: it is made once an obligation, at every judgement
        self, requirement: Requirement, policy: Policy, key: Key, opening: Fact, opened_at: int, anchor: int
    ) -> None:
        self.requirement = requirement
        self.policy = policy
        self.key = key
        self.opening = opening
        self.opened_at = opened_at
        self.anchor = anchor
        self.due = anchor + requirement.within if requirement.is_plain else requirement.due_of(anchor, key[1])

    def due_at(self, instant: int) -> int:
        """Give the due time by the directives that were received by an instant; never before ``due``."""
        return self.moved(instant).at(instant) if self.moves else self.due

    def moved(self, instant: int) -> Moved:
        """Give what directives received by an instant have made of the due time."""
        return moved(self.due, self.anchor, self.moves, instant)

    def transfers_by(self, instant: int) -> list[Order]:
        """Give the moves that count at an instant: a case that is moved after due moves no miss."""
        by = min(instant, self.due_at(instant))
        return [order for order in self.transfers if order.received_at <= by]

    def in_charge_at(self, instant: int) -> str:
        """Name the office that is to see to it: the last one that it was moved to, or its own."""
        transfers = self.transfers_by(instant) if self.transfers else None
        return transfers[-1].aim.to if transfers else self.key[1]

    def is_charge_of(self, fact: Fact) -> bool:
        """Tell whether another office's fact counts like its own office's: that one was in charge when it came."""
        return bool(self.transfers) and self.in_charge_at(fact.received_at) == fact.office

    def is_concern_of(self, order: Order) -> bool:
        """Tell whether a directive of this case concerns it: by its opening event, and by its name if that is given."""
        aim, (_, office, _) = order.aim, self.key
        if (aim.office, aim.encounter) != (office, self.opening.encounter_id):
            return False
        return not aim.requirement or (aim.requirement, aim.occurrence) == (self.requirement.id, self.number)


def acts_of(orders: Iterable[Order]) -> list[Fact]:
    """Give the directives that decide, as facts among the others: each is its office's, and of its encounter."""
    shapes = {
        action: shape_of(DIRECTIVE, (("action", action),)) for action in ("ACCEPT_OUT_OF_BAND", "CLOSE_ENCOUNTER")
    }
    return [
        Fact(
            o.received_at,
            DIRECTIVES,
            o.offset,
            o.aim.office,
            o.event_id,
            shapes[o.action],
            o.aim.encounter,
            o.received_at,
            None,
        )
        for o in orders
        if o.action in shapes
    ]


class Deciders:
    """The facts of one walk, in fact order, and what each of them can decide; ``orders`` are those of ``acts_of``."""

    def __init__(self, facts: Sequence[Fact], orders: Sequence[Order] = ()) -> None:
        self._facts = facts
        self._orders = {order.offset: order for order in orders} if orders else _NO_ORDERS
        self._spent: dict[tuple[Key, int], int] = {}
        self._passed: dict[tuple[Requirement, Key], tuple[int, int, int]] = {}
        self._candidates: dict[Requirement, dict[str | None, _Candidates]] = {}
        self.voids = self.retractions = _NOBODY
        naming = [place for place, fact in enumerate(facts) if fact.names is not None]
        if naming:
            self.voids = self._first_naming(naming, "EncounterVoided")
            self.retractions = self._first_naming(naming, "IncidentRetracted")

    def spend(self, key: Key, place: int, number: int) -> None:
        """Note that the fact at this place satisfies no occurrence of the key from this number on."""
        self._spent[key, place] = min(number, self._spent.get((key, place), number))

    def void_of(self, event: Fact) -> int:
        """Give the place of the void that names this event; NEVER when there is none."""
        return self.voids.get((event.office, event.event_id), NEVER) if self.voids else NEVER

    def retraction_of(self, report: Fact) -> int:
        """Give the place of the retraction that names this report; NEVER when there is none."""
        if not self.retractions or report.shape.type == DIRECTIVE:
            return NEVER
        return self.retractions.get((report.office, report.event_id), NEVER)

    def any_for(self, occurrence: Occurrence) -> bool:
        """Tell whether a fact can decide any occurrence of this one's key at all."""
        return bool(self.voids) or any(self._candidates_for(occurrence.requirement, occurrence.key[2]))

    def first(self, occurrence: Occurrence) -> tuple[int, int]:
        """Give place and role of the fact received first that decides; S, W, V, X at equal instants."""
        best_at, best_role, best_place = NEVER, NEVER, NEVER
        if self.voids and (best_place := self.void_of(occurrence.opening)) != NEVER:
            best_at, best_role = self._facts[best_place].received_at, V
        for candidates, begin in self._looked_through(occurrence):
            for index in range(begin, len(candidates)):
                place, fact, roles = candidates[index]
                if fact.received_at > best_at:
                    break
                role = self._role_of(place, fact, roles, occurrence)
                if role < best_role or (role != NEVER and fact.received_at < best_at):
                    best_at, best_role, best_place = fact.received_at, role, place
                    if role != W:  # nothing among these decides before it, however many came at the same instant
                        break
        return best_place, best_role

    def reserve(self, occurrence: Occurrence, place: int, now: int) -> None:
        """Keep later occurrences from the reports that this one will choose, retractions included, as it goes.

        One that it chooses later than the report's own place is free until then, and spent when it is chosen.
        """
        withdrawn, role = occurrence.withdrawn, S
        while role == S:
            now = max(now, place)
            if now == place:
                self.spend(occurrence.key, place, occurrence.number + 1)
            retraction = self.retraction_of(self._facts[place])
            if retraction == NEVER:
                break
            now = max(now, retraction)
            occurrence.withdrawn |= {place}
            place, role = self.first(occurrence)
        occurrence.withdrawn = withdrawn

    def _candidates_for(self, requirement: Requirement, encounter: str | None) -> _Candidates:
        """Give the facts that satisfy or waive, and those that end: each with its place and its roles.

        A long case may have many occurrences: its facts are looked through once a requirement, not once for each.
        """
        found = self._candidates.get(requirement)
        if found is None:
            found = self._candidates[requirement] = {}
            roles_of, of_case = requirement.roles, requirement.scope == "case"
            with_roles = [(n, fact, roles) for n, fact in enumerate(self._facts) if (roles := roles_of[fact.shape])]
            for place, fact, roles in with_roles:
                key = None if of_case else fact.encounter_id
                deciding, ending = found.get(key) or found.setdefault(key, ([], []))
                if roles & (SATISFIES | WAIVES):
                    deciding.append((place, fact, roles & ~ENDS))
                if roles & ENDS:
                    ending.append((place, fact, roles & (ENDS | DIRECTED)))
        return found.get(encounter, _NO_CANDIDATES)

    def _looked_through(self, occurrence: Occurrence) -> tuple[tuple[_InOrder, int], ...]:
        """Give the candidates for an occurrence, and with which of them to begin: none before can decide it."""
        deciding, ending = self._candidates_for(occurrence.requirement, occurrence.key[2])
        since = occurrence.since
        if not since and len(deciding) + len(ending) <= _FEW:
            return (deciding, 0), (ending, 0)
        begin = max(bisect_left(deciding, since, key=_place), self._passed_over(occurrence, deciding))
        if occurrence.key[2] is None and not self._orders:
            # Nothing is received before its own time, which is not before the anchor.
            begin = max(begin, bisect_left(deciding, occurrence.anchor, key=_received_at))
        ended = bisect_left(ending, since, key=_place)
        return (deciding, begin), (ending, bisect_right(ending, occurrence.opening[:3], ended, key=_fact_order))

    def _passed_over(self, occurrence: Occurrence, deciding: _InOrder) -> int:
        """Give how many candidates, from the first on, are spent or too early: for it and those after it."""
        key, number = occurrence.key, occurrence.number
        anchor = occurrence.anchor if key[2] is None else 0
        by_number, by_anchor, first = self._passed.get((occurrence.requirement, key), (0, 0, 0))
        if number < by_number or anchor < by_anchor:  # one whose report was retracted, or of an event that came late
            return 0
        while first < len(deciding):
            place, fact, roles = deciding[first]
            spent = roles == SATISFIES and self._spent.get((key, place), NEVER) <= number
            if roles & DIRECTED or not (spent or fact.own_at < anchor):
                break
            first += 1
        self._passed[occurrence.requirement, key] = number, anchor, first
        return first

    def _role_of(self, place: int, fact: Fact, roles: int, occurrence: Occurrence) -> int:
        """Tell what a fact with these roles can do to the occurrence, the first of them; NEVER for nothing."""
        if roles & DIRECTED:
            return self._role_of_act(place, fact, roles, occurrence)
        _, office, encounter = occurrence.key
        if fact.office != office and occurrence.requirement.by == "office" and not occurrence.is_charge_of(fact):
            return NEVER
        timely = encounter is not None or fact.own_at >= occurrence.anchor
        if roles & SATISFIES and timely and self._counts(place, fact, occurrence):
            return S
        if roles & WAIVES and timely:
            return W
        return X if roles & ENDS and fact[:3] > occurrence.opening[:3] else NEVER

    def _role_of_act(self, place: int, fact: Fact, roles: int, occurrence: Occurrence) -> int:
        if not occurrence.is_concern_of(self._orders[fact.offset]):
            return NEVER
        if roles & SATISFIES:
            return S if self._counts(place, fact, occurrence) else NEVER
        return X if fact[:3] > occurrence.opening[:3] else NEVER

    def _counts(self, place: int, fact: Fact, occurrence: Occurrence) -> bool:
        if self._spent.get((occurrence.key, place), NEVER) <= occurrence.number or place in occurrence.withdrawn:
            return False
        retraction = self.retraction_of(fact)
        return retraction == NEVER or self._facts[retraction].received_at > fact.received_at

    def _first_naming(self, naming: Sequence[int], event_type: str) -> Mapping[tuple[str, bytes | None], int]:
        """Give the places of this type by office and named event: of several that name one event the first counts."""
        named = [(place, self._facts[place]) for place in reversed(naming)]  # reversed: the first is written last
        return {(fact.office, fact.names): place for place, fact in named if fact.shape.type == event_type}


def _place(candidate: tuple[int, Fact, int]) -> int:
    return candidate[0]


def _received_at(candidate: tuple[int, Fact, int]) -> int:
    return candidate[1].received_at


def _fact_order(candidate: tuple[int, Fact, int]) -> tuple[int, str, int]:
    return candidate[1][:3]


_FEW = 8
"""Up to so many candidates are gone through as quickly as the first that matters is found."""
_NO_CANDIDATES: _Candidates = ([], [])
_NO_ORDERS: Mapping[int, Order] = {}
_NOBODY: Mapping[tuple[str, bytes | None], int] = {}
