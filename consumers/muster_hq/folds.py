"""A fold: what stands for the facts of a long case that were put away, so that judging goes on without them.

Values only; which facts may be put away, and until when a fold holds, is decided in folding.py (ADR 0019).
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from muster_hq.deciders import Key
from muster_hq.facts import Fact
from muster_hq.verdicts import VerdictKey

Ref = tuple[int, str, int]
"""A fact of the case, by its place in fact order: ``received_at``, stream, offset."""


class Live(NamedTuple):
    """An occurrence that was not settled when its case was folded: where its walk goes on. Instants are milliseconds.

    ``absorbed`` are the events that it has absorbed, each with the policy version in force at it.
    """

    key: Key
    number: int
    policy: str
    opening: Ref
    opened_at: int
    anchor: int
    opened_by: Ref | None
    absorbed: tuple[tuple[str, Ref], ...]


class Fold(NamedTuple):
    """What a walk needs of the facts received at or before ``until`` (UTC milliseconds) that were put away.

    ``kept`` is how many facts up to there were not. For keys in ``counts`` (how many occurrences there were) none
    of the facts up to there opens or decides anything any more; ``live`` are those keys' unsettled occurrences, in
    the order in which they opened. ``given`` are the verdicts that judging what was kept gives again.
    """

    policies: str
    until: int
    kept: int
    counts: tuple[tuple[Key, int], ...]
    live: tuple[Live, ...]
    given: frozenset[VerdictKey] = frozenset()

    @property
    def encounters(self) -> set[str]:
        """The encounters of which something goes on without facts that were put away."""
        return {encounter for (_, _, encounter), _ in self.counts if encounter is not None}

    @property
    def text(self) -> str:
        """It as a ledger keeps it."""
        return json.dumps([*self[:5], sorted(self.given)], separators=(",", ":"))


class Away(NamedTuple):
    """A fact that is put away. ``is_local``: it counts for its encounter, so that a later event of that asks for it."""

    fact: Fact
    is_local: bool


def fold_from(text: str) -> Fold:
    """Read a fold that a ledger kept."""
    policies, until, kept, counts, live, given = _frozen(json.loads(text))
    return Fold(policies, until, kept, counts, tuple(map(Live._make, live)), frozenset(given))


def _frozen(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Turn lists into the tuples that they were."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
