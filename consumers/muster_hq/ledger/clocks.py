"""Intake clocks, as a ledger knows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from muster_hq.verdicts import ALL_OFFICES

STREAM_CLOCKS = "select office_no, clock from streams where registered"
"""A registered stream has its row from the start, so that one that was never read is not left out."""


def intake_clocks(stream_clocks: Iterable[tuple[Any, ...]], offices: Mapping[int, str]) -> dict[str, int]:
    """Give the intake clock of each registered office, and of ALL_OFFICES (UTC milliseconds).

    An office's is the smallest clock of its two streams and of headquarters' own, less one millisecond:
    equal append times are the rule, and a batch may be cut inside them (DESIGN section 2).
    """
    clocks: defaultdict[str, list[int]] = defaultdict(list)
    directives = 0
    for office_no, clock in stream_clocks:
        if office_no is None:
            directives = clock
        else:
            clocks[offices[office_no]].append(clock)
    by_office = {office: min(*own, directives) - 1 for office, own in clocks.items()}
    return {ALL_OFFICES: min(by_office.values(), default=-1)} | by_office
