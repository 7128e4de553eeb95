"""Due times that move: what HOLD, RESUME and EXTEND make of one (docs/verdicts.md, Due times that move). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from muster_hq.orders import Order
from muster_hq.verdicts import NEVER

MOVING = frozenset({"HOLD", "RESUME", "EXTEND"})


class Moved(NamedTuple):
    """A due time as directives left it: held since an instant, until another or for good, or not held (None)."""

    due: int
    since: int | None = None
    until: int = NEVER

    def at(self, instant: int) -> int:
        """Give the due time at an instant not before those directives: while it is held, it moves along."""
        if self.since is None or instant < self.since:
            return self.due
        return self.due + min(instant, self.until) - self.since

    @property
    def at_last(self) -> int:
        """The due time if nobody orders anything more; NEVER for one that is held for good."""
        return NEVER if self.since is not None and self.until == NEVER else self.at(self.until)


def moved(due: int, anchor: int, orders: Iterable[Order], instant: int) -> Moved:
    """Give what the directives that were received by an instant make of a due time; ``orders`` stand as in the log."""
    now = Moved(due)
    for order in orders:
        received_at = order.received_at
        if received_at > instant:
            break
        if now.since is not None and now.until <= received_at:
            now = Moved(now.at(received_at))
        if now.since is None and received_at > now.due:
            break
        until = NEVER if order.until is None else order.until
        if order.action == "HOLD" and now.since is None and until > (since := max(received_at, anchor)):
            now = Moved(now.due, since, until)
        elif order.action == "RESUME":
            now = Moved(now.at(received_at))
        elif order.action == "EXTEND" and received_at >= anchor:
            now = now._replace(due=max(now.due, until))
    return now
