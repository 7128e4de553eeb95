"""What judging and the roll call take from a ledger and give back, as plain values that any ledger holds."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from muster_hq.facts import Fact
from muster_hq.folds import Away, Fold
from muster_hq.heard import HeardRows
from muster_hq.roll import Roll
from muster_hq.verdicts import Obligation, Verdict, VerdictKey

ObligationRow = tuple[str, str, str, int, str, int, str, int | None, str]
"""The first nine values of an Obligation: all but its opening fact."""


class CaseFile(NamedTuple):
    """All that the ledger holds of a case that is due: its facts in fact order, and what was said of it.

    Of a folded one without the facts that were put away, and ``given`` is the fold's.
    """

    case_no: int
    case_id: str
    facts: list[Fact]
    given: AbstractSet[VerdictKey]
    obligations: set[ObligationRow]
    fold: Fold | None = None


class CaseHistory(NamedTuple):
    """All that the ledger says of a case: its facts in fact order, every verdict, and what is not settled."""

    case_id: str
    facts: list[Fact]
    verdicts: list[Verdict]
    obligations: list[Obligation]


class CaseChange(NamedTuple):
    """What judging changes of a case. ``due`` and ``stale`` are (clock, instant) pairs to add and to remove.

    A ledger may keep a case due past the instant of each of its obligations, also where ``due`` does not name it.

    ``fold`` takes the place of the one before; with it, the facts that are put ``away`` now.
    """

    case_no: int
    verdicts: list[Verdict]
    opened: list[Obligation]
    closed: list[ObligationRow]
    due: list[tuple[str, int]]
    stale: list[tuple[str, int]]
    fold: Fold | None = None
    away: Sequence[Away] = ()


class AsideCase(NamedTuple):
    """A case that could not be judged: a code that says why, the clock then, and how often in a row."""

    case_id: str
    reason: str
    at: int
    tries: int


class RollFile(NamedTuple):
    """All that the ledger holds of an office whose roll is to be called; ``heard`` in no order."""

    office_id: str
    roll: Roll
    heard: list[HeardRows]


class RollChange(NamedTuple):
    """An office's roll after a call, the instant past which it is due again, and what of ``heard`` is put back."""

    office_id: str
    roll: Roll
    past: int | None
    rest: list[HeardRows]
