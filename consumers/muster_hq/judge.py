"""Judge a case: a pure function of its settled facts, the policy, the outages and the clocks.

The rules are in docs/verdicts.md. A case is judged office by office, each by its own intake clock; the
chains that facts of any office may decide are judged once more, over all facts, by the clock over all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from muster_hq.deciders import acts_of
from muster_hq.facts import Fact
from muster_hq.folds import Fold
from muster_hq.lodged import mismatches, with_lodged
from muster_hq.lodgings import Claim
from muster_hq.occurrences import Occurrences
from muster_hq.orders import MOVE_CASE, Order
from muster_hq.orphans import orphans_among
from muster_hq.outages import Outages
from muster_hq.policies import Policies
from muster_hq.quarantine import first_of_each_event
from muster_hq.transfers import first_naming, heard_by, waits_beyond
from muster_hq.verdicts import ALL_OFFICES, Astray, Clocks, Handed, Judgement, Obligation, Verdict, VerdictKey


def judge(  # noqa: PLR0913, PLR0917 - a case, and all that it is judged by
    policies: Policies,
    facts: Sequence[Fact],
    outages: Outages,
    clocks: Clocks,
    given: Collection[VerdictKey] = frozenset(),
    orders: Sequence[Order] = (),
    claims: Sequence[Claim] = (),
    fold: Fold | None = None,
) -> Judgement:
    """Give a case's verdicts so far, its unsettled obligations, and when it is due again.

    ``facts`` are the case's, in fact order. Those received after the clock that counts are not looked at,
    so a verdict that is given stays: later facts and later clocks only append. Those ``given`` before are left out.
    An office without a clock, since it left the register, is not judged any further; one that the case is moved from or
    to is judged by the clock over all. ``orders`` are the directives that concern the case, or readmitted a fact of it;
    ``claims`` tell what lies at headquarters of its reports. Of a case that is folded, which has neither, ``facts`` are
    those that were kept, and those that came since.
    """
    if orders or claims:
        facts = _with_what_comes_of(facts, orders, claims)
    transfers = [order for order in orders if order.action == MOVE_CASE] if orders else ()
    if transfers:  # an office that is in charge may have been made up, or have left
        outages = outages.of(clocks)
    walks = _Walks(policies, outages, given, orders, fold)
    offices = {fact.office for fact in facts}
    for office in offices & clocks.keys():
        part = _part_of(office, facts, clocks, transfers, alone=len(offices) == 1)
        walks.walk(part, office)
        walks.find_orphans(part if part.whose is None else part._replace(facts=heard_by(office, part.facts, transfers)))
    if policies.crossing:
        clock = clocks[ALL_OFFICES]
        walks.walk(_Part([fact for fact in facts if fact.received_at <= clock], clock, ALL_OFFICES), None)
    if transfers:
        walks.waits.extend(waits_beyond(clocks[ALL_OFFICES], [*facts, *orders]))
    judgement = Judgement(walks.verdicts, walks.obligations, walks.waits)
    if not (walks.astray or walks.handed or claims):
        return judgement
    handed = [one for one in walks.handed if one.office_id in clocks]
    return judgement._replace(astray=walks.astray, handed=handed, mismatched=mismatches(facts, claims, clocks))


class _Part(NamedTuple):
    """What one walk is over: facts up to the clock that counts, and which that is; ``whose`` as Occurrences has it."""

    facts: Sequence[Fact]
    clock: int
    clock_name: str
    whose: str | None = None


class _Walks:
    """The walks over a case, one an office and perhaps one over all, and what they come to."""

    def __init__(
        self,
        policies: Policies,
        outages: Outages,
        given: Collection[VerdictKey],
        orders: Sequence[Order],
        fold: Fold | None,
    ) -> None:
        self._policies, self._outages, self._given = policies, outages, given
        self._orders, self._fold = orders, fold
        self.verdicts: list[Verdict] = []
        self.obligations: list[Obligation] = []
        self.waits: list[tuple[str, int]] = []
        self.astray: tuple[Astray, ...] = ()
        self.handed: tuple[Handed, ...] = ()

    def walk(self, part: _Part, office: str | None) -> None:
        """Walk over an office's part, or (None) over all for the chains that facts of any office may decide."""
        facts, clock, clock_name, whose = part
        occurrences = Occurrences(facts, self._outages, clock, self._given, self._orders, whose)
        occurrences.resume(self._fold, self._policies, office)
        self.verdicts += occurrences.walk(self._policies, crossing=office is None)
        self.obligations += occurrences.unsettled(clock_name)
        self.astray += occurrences.astray
        self.handed += occurrences.handed

    def find_orphans(self, part: _Part) -> None:
        """Find the reports of a part whose encounter never came."""
        found, waits = orphans_among(self._policies, part.facts, part.clock)
        self.verdicts += [orphan for orphan in found if orphan[:6] not in self._given]
        self.waits += [(part.clock_name, due) for due in waits]


def _part_of(office: str, facts: Sequence[Fact], clocks: Clocks, transfers: Sequence[Order], *, alone: bool) -> _Part:
    """Give what an office is judged by: its own facts and clock; all facts once the case is moved from it or to it."""
    clock = clocks[office]
    if transfers and (moved_at := first_naming(office, transfers)) <= clock:
        clock = max(clocks[ALL_OFFICES], moved_at - 1)
        return _Part([fact for fact in facts if fact.received_at <= clock], clock, ALL_OFFICES, office)
    if not alone or facts[-1].received_at > clock:
        facts = [fact for fact in facts if fact.office == office and fact.received_at <= clock]
    return _Part(facts, clock, office)


def _with_what_comes_of(facts: Sequence[Fact], orders: Sequence[Order], claims: Sequence[Claim]) -> Sequence[Fact]:
    """Give facts with those that come of directives, and of reports that lie at headquarters."""
    if orders:
        facts = sorted([*first_of_each_event(facts), *acts_of(orders)])
    return with_lodged(facts, claims) if claims else facts
