"""Which facts of a long case matter no more, and until when that holds (ADR 0019). Pure.

A case is folded up to an instant: of the facts received by then, those stay that an unsettled obligation may still
ask for. What is put away can matter again only when something new reaches back to it, which ``is_surprised`` and
``asks_for`` tell: the case is then judged from all its facts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from muster_hq.facts import Fact
from muster_hq.folding_kinds import KNOWN, Kinds
from muster_hq.folds import Away, Fold
from muster_hq.judge import judge
from muster_hq.outages import Outages
from muster_hq.policies import Policies
from muster_hq.standing import standing_at
from muster_hq.verdicts import ALL_OFFICES, Clocks


class When(NamedTuple):
    """When a case is folded: it has ``after`` facts, and another ``every`` since; only what is older than ``age`` is.

    An office may be late by that long (milliseconds) without having a case judged from all its facts.
    """

    after: int = 32
    every: int = 16
    age: int = 86_400_000

    def is_due(self, facts: Sequence[Fact], clocks: Clocks) -> bool:
        """Tell whether folding is worth a try: most of the facts are old."""
        count = len(facts)
        if count < self.after or count % self.every:
            return False
        return facts[count // 2].received_at <= clocks[ALL_OFFICES] - self.age


def is_surprised(policies: Policies, fold: Fold, facts: Sequence[Fact], clocks: Clocks) -> bool:
    """Tell whether something new reaches back beyond the fold of a case, of which these are the facts that are left."""
    if fold.policies != policies.digest or clocks[ALL_OFFICES] < fold.until:
        return True
    if _split(facts, fold.until) != fold.kept:  # an office came back, or was read late
        return True
    kinds, resumed = kinds_of(policies), fold.encounters
    return any(
        _reaches_back(fact, fold.until, kinds)
        or (fact.encounter_id in resumed and kinds.opened_by[fact.shape] & kinds.of_encounter_scope)
        for fact in facts[fold.kept :]
    )


def asks_for(policies: Policies, fold: Fold, facts: Sequence[Fact]) -> set[str]:
    """Give the encounters that new facts are of: if a local fact of one was put away, it is asked for."""
    kinds = kinds_of(policies)
    return {fact.encounter_id for fact in facts[fold.kept :] if kinds.is_local[fact.shape]} - fold.encounters


def fold_case(  # noqa: PLR0913, PLR0917 - a case, and all that it is judged by
    policies: Policies, facts: Sequence[Fact], outages: Outages, clocks: Clocks, before: Fold | None, age: int
) -> tuple[Fold, list[Away]] | None:
    """Fold a case, which may be folded ``before``, further; give the fold, and the facts to put away. None: not now.

    It has no directives, and was judged by these clocks; ``before`` still holds.
    """
    offices = {fact.office for fact in facts}
    if policies.registers_change:  # a version's name alone would not say which register an occurrence goes by
        return None
    if not offices <= clocks.keys() or any(fact.shape.type not in KNOWN for fact in facts):
        return None
    until = clocks[ALL_OFFICES] - age
    split = _split(facts, until)
    old, recent, kinds = facts[:split], facts[split:], kinds_of(policies)
    if (before and until <= before.until) or any(_reaches_back(fact, until, kinds) for fact in recent):
        return None
    standing = standing_at(until, policies, kinds, old, outages, before)
    standing.keep_encounters({fact.encounter_id for fact in recent if kinds.is_local[fact.shape]})
    if not standing.go_on():
        return None
    kept, away = standing.split()
    fold = Fold(policies.digest, until, len(kept), standing.counts, standing.live)
    left = [*kept, *recent]
    if not away or is_surprised(policies, fold, left, clocks):
        return None
    again = judge(policies, left, outages, clocks, fold=fold).verdicts
    return fold._replace(given=frozenset([verdict[:6] for verdict in again])), away


kinds_of = lru_cache(maxsize=16)(Kinds)


def _split(facts: Sequence[Fact], until: int) -> int:
    """Tell how many of these were received by an instant."""
    return bisect_right(facts, until, key=_received_at)


def _received_at(fact: Fact) -> int:
    return fact.received_at


def _reaches_back(fact: Fact, until: int, kinds: Kinds) -> bool:
    """Tell whether a fact that was received after an instant may by itself concern what came before."""
    if fact.names is not None or fact.shape.type not in KNOWN:
        return True
    return fact.own_at <= until and bool(kinds.of[fact.shape] & kinds.of_case_scope)
