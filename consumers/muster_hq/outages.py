"""Outages of each office, and until when they excuse what was due. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container
from itertools import accumulate

from muster_hq.verdicts import Stretches

_Begun = list[tuple[int, int]]


class Outages:
    """The outages of each office: put in order once, however many due times are looked up in them."""

    def __init__(self, stretches: Stretches) -> None:
        self._stretches = stretches
        self._begun: dict[tuple[str, int], _Begun] = {}

    def of(self, offices: Container[str]) -> Outages:
        """Give those of these offices alone."""
        return Outages({office: found for office, found in self._stretches.items() if office in offices})

    def last_end(self, office: str, due: int, longer_than: int) -> int | None:
        """Give the latest end of an office's outages, longer than that or unread, that began before an instant."""
        begun = self._begun.get((office, longer_than))
        if begun is None:
            begun = self._begun[office, longer_than] = self._in_order(office, longer_than)
        count = bisect_left(begun, (due,))
        return begun[count - 1][1] if count else None

    def _in_order(self, office: str, longer_than: int) -> _Begun:
        """Give the starts of outages in order, each with the latest end of those that had begun by then."""
        found = sorted(
            (start, end)
            for start, end, unread in self._stretches.get(office, ())
            if unread or end - start > longer_than
        )
        ends = accumulate((end for _, end in found), max)
        return [(start, end) for (start, _), end in zip(found, ends, strict=True)]


NO_OUTAGES = Outages({})
