"""Headquarters' own orders, as its log has them: directives (docs/verdicts.md). Values only."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from muster_contract.directives import Target, target_of
from muster_hq.policies import Activation

MOVE_CASE = "MOVE_CASE"
NAMING_RECORDS = frozenset({"READMIT", "REJECT"})
"""Directives that name a quarantined record; the others that are carried out concern a case."""


class Order(NamedTuple):
    """A Directive of ``hq.directives``; these sort as they stand there. Instants are UTC milliseconds.

    ``ignored`` tells why it does nothing, whatever it names; None when it is to be carried out.
    """

    received_at: int
    offset: int
    event_id: bytes
    action: str
    target: str
    authority: str
    reason_code: str
    until: int | None
    ignored: str | None

    @property
    def aim(self) -> Target:
        """What it concerns; of one that is not ignored."""
        return _aim_of(self.action, self.target)

    @property
    def offices(self) -> tuple[str, ...]:
        """The offices whose obligations it may change; of one that is not ignored."""
        return tuple({self.aim.office, self.aim.to or self.aim.office})

    @property
    def names_a_record(self) -> bool:
        """Tell whether it is about a quarantined record."""
        return self.ignored is None and self.action in NAMING_RECORDS

    @property
    def case_id(self) -> str:
        """The case that it concerns, or nothing."""
        return "" if self.ignored or self.action in NAMING_RECORDS else self.aim.case


def activations_by(clock: int, orders: Iterable[Order]) -> tuple[Activation, ...]:
    """Give the activations of versions among orders, as far as they were received by a clock."""
    found = ((order.received_at, order.aim) for order in orders if order.received_at <= clock)
    return tuple(Activation(at, aim.activated, aim.sha256) for at, aim in found)


@lru_cache(maxsize=4096)
def _aim_of(action: str, target: str) -> Target:
    aim = target_of(action, target)
    if aim is None:
        raise ValueError(f"{action} has a target of no form of its own")
    return aim
