"""Intake clocks, as the PostgreSQL ledger knows them."""

from __future__ import annotations

from collections import defaultdict

from muster_hq.ledger.postgres.words import Fetch, Words
from muster_hq.verdicts import ALL_OFFICES


def read_clocks(fetch: Fetch, words: Words) -> dict[str, int]:
    """Give the intake clock of each registered office, and of ALL_OFFICES (UTC milliseconds).

    An office's is the smallest clock of its two streams and of headquarters' own, less one millisecond:
    equal append times are the rule, and a batch may be cut inside them (DESIGN section 2). A registered stream
    has its row from the start, so none is left out.
    """
    offices = words.text("office")
    clocks: defaultdict[str, list[int]] = defaultdict(list)
    directives = 0
    for office_no, clock in fetch("select office_no, clock from streams where registered"):
        if office_no is None:
            directives = clock
        else:
            clocks[offices[office_no]].append(clock)
    by_office = {office: min(*own, directives) - 1 for office, own in clocks.items()}
    return {ALL_OFFICES: min(by_office.values(), default=-1)} | by_office
