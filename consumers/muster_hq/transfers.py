"""Cases that are moved: from when the clock over all offices counts, and which encounters count as heard of. Pure.

The rules are in docs/verdicts.md, Cases that move.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from muster_hq.facts import Fact
from muster_hq.orders import MOVE_CASE, Order
from muster_hq.verdicts import ALL_OFFICES, NEVER, Obligation


def first_naming(office: str, transfers: Iterable[Order]) -> int:
    """Give when the case was first moved from this office or to it; NEVER if it was not."""
    return min((order.received_at for order in transfers if office in order.offices), default=NEVER)


def waits_beyond(clock: int, things: Iterable[Fact | Order]) -> list[tuple[str, int]]:
    """Have the case judged again when the clock over all, which is this one, reaches the first of these beyond it."""
    ahead = min((thing.received_at for thing in things if thing.received_at > clock), default=None)
    return [] if ahead is None else [(ALL_OFFICES, ahead - 1)]


def heard_by(office: str, facts: Sequence[Fact], transfers: Iterable[Order]) -> list[Fact]:
    """Give an office's own facts, and the encounters of those from whom the case came, as of when it came."""
    since: dict[str, int] = {}
    for order in transfers:
        if order.aim.to == office:
            since.setdefault(order.aim.office, order.received_at)
    taken_over = [
        fact._replace(received_at=max(fact.received_at, since[fact.office]))
        for fact in facts
        if fact.office in since and fact.office != office and fact.shape.type == "EncounterReported"
    ]
    # By place alone: a report that is lodged may stand where the report itself does.
    return sorted([*(fact for fact in facts if fact.office == office), *taken_over], key=lambda fact: fact[:3])


def transfers_of(orders: Iterable[Order]) -> Mapping[tuple[str, str], list[Order]]:
    """Give the moves among directives by the case and the office that it was moved from, as they stand in the log."""
    found: defaultdict[tuple[str, str], list[Order]] = defaultdict(list)
    for order in orders:
        if order.action == MOVE_CASE and order.ignored is None:
            found[order.aim.case, order.aim.office].append(order)
    return found


def in_charge_of(missed: Obligation, transfers: Iterable[Order]) -> str:
    """Name the office that was to see to an outstanding obligation when it fell due; ``transfers`` are its office's."""
    to = [order.aim.to for order in transfers if order.received_at <= missed.due_at]
    return to[-1] if to else missed.office_id
