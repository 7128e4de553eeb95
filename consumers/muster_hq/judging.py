"""Judging: take the cases that are due by the clocks, judge each, and append what is new; one transaction a step.

The clocks are read before the facts: a fact that another worker commits in between is then one too many,
never one too few.

A case whose judgement raises is our fault, and must not keep the others waiting: it is set aside, shown, and
tried again; when there are many of them, the program is wrong and stops.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import structlog

from muster_contract.errors import MusterError
from muster_hq.case_files import CaseChange, CaseFile, ObligationRow
from muster_hq.entries import FindingRow, digest_mismatch, wrong_channel
from muster_hq.folding import When, asks_for, fold_case, is_surprised
from muster_hq.folds import Away, Fold
from muster_hq.judge import judge
from muster_hq.ledger_port import Ledger
from muster_hq.ledger_transactions import JudgingTransaction
from muster_hq.lodgings import Claim, Lodging
from muster_hq.orders import Order
from muster_hq.outages import NO_OUTAGES, Outages
from muster_hq.policies import Policies
from muster_hq.published import judged_out
from muster_hq.settled import activated_by, clocks_until, tell
from muster_hq.verdicts import ALL_OFFICES, Clocks, Judgement, Obligation

AGAIN_AFTER = 60_000
"""Milliseconds of a clock after which a case that could not be judged is tried again."""
MOST_TRIES = 3
"""Tries in a row, after which only a new fact, or a worker that starts, has the case tried again."""
MOST_ASIDE = 100
"""Cases of one step that may be set aside: with more, it is not the cases that are odd."""

EVERY_SO_OFTEN = When()
"""When a long case is folded."""

_log = structlog.get_logger(__name__)


class Judged(NamedTuple):
    """What a judgement comes to: what it changes, if anything, what is found, and the records to publish."""

    change: CaseChange | None
    findings: list[FindingRow]
    records: list[tuple[str, bytes]]


class Besides(NamedTuple):
    """What there is of cases beside their facts, by the cases' numbers."""

    orders: Mapping[int, list[Order]]
    claims: Mapping[int, list[Claim]]

    def of(self, case: CaseFile) -> tuple[Sequence[Order], Sequence[Claim]]:
        """Give what there is of this case; a case that has any is judged from all its facts, and not folded."""
        return self.orders.get(case.case_no, ()), self.claims.get(case.case_no, ())


class Judging:
    """Judges cases whose time is settled. ``until`` holds the clocks back, as in a replay up to an instant.

    ``folding`` says when a long case is folded.
    """

    def __init__(
        self, ledger: Ledger, policies: Policies, until: int | None = None, folding: When = EVERY_SO_OFTEN
    ) -> None:
        self._ledger = ledger
        self._policies = policies
        self._until = until
        self._folding = folding

    def step(self, limit: int) -> int:
        """Judge up to ``limit`` cases; give how many were due."""
        with self._ledger.judging() as transaction:
            cases = transaction.due_cases(clocks_until(transaction, self._until), limit)
            if cases:
                clocks = clocks_until(transaction, self._until)  # those by which these cases are complete
                outages = self._outages(transaction)
                numbers = [case.case_no for case in cases]
                orders = transaction.orders(numbers)
                claims = transaction.claims(numbers) if self._policies.lodging else {}
                policies = activated_by(transaction, self._policies, clocks)
                besides = Besides(orders, claims)
                cases = _whole_where_needed(transaction, policies, cases, besides, clocks)
                judged, failed = _judge_each(policies, cases, besides, outages, clocks, self._folding)
                transaction.record([one.change for one in judged if one.change is not None])
                transaction.publish(record for one in judged for record in one.records)
                tell(transaction, [finding for one in judged for finding in one.findings])
                if aside := transaction.aside():
                    transaction.take_back(aside & ({c.case_no for c in cases} - {c.case_no for c, _ in failed}))
                if failed:
                    _set_aside(transaction, failed, clocks)
        return len(cases)

    def _outages(self, transaction: JudgingTransaction) -> Outages:
        """Give the outages that a policy may ask for: silences of streams, and records that could not be read."""
        if self._policies.shortest_outage is None:
            return NO_OUTAGES
        silent, unread = transaction.outages(), transaction.unread()
        return Outages({**silent, **{office: [*silent.get(office, ()), *found] for office, found in unread.items()}})

    def run_dry(self, limit: int) -> int:
        """Judge until no case is due; give how many were."""
        total = 0
        while judged := self.step(limit):
            total += judged
        return total


def _whole_where_needed(
    transaction: JudgingTransaction,
    policies: Policies,
    cases: list[CaseFile],
    besides: Besides,
    clocks: Clocks,
) -> list[CaseFile]:
    """Give the cases, those with all their facts of which something new reaches back to what was put away."""
    folded = [(case, case.fold) for case in cases if case.fold is not None]
    if not folded:
        return cases
    reached = {
        case.case_no
        for case, fold in folded
        if besides.of(case) != ((), ()) or is_surprised(policies, fold, case.facts, clocks)
    }
    asked = [(case, asks_for(policies, fold, case.facts)) for case, fold in folded if case.case_no not in reached]
    reached |= transaction.put_away((case.case_no, encounter) for case, encounters in asked for encounter in encounters)
    whole = {case.case_no: case for case in transaction.unfold(sorted(reached))} if reached else {}
    return [whole.get(case.case_no, case) for case in cases]


def _judge_each(  # noqa: PLR0913, PLR0917 - cases, and all that they are judged by
    policies: Policies,
    cases: Collection[CaseFile],
    besides: Besides,
    outages: Outages,
    clocks: Clocks,
    folding: When,
) -> tuple[list[Judged], list[tuple[CaseFile, Exception]]]:
    """Judge each case; give what that came to, and the cases that could not be judged."""
    judged: list[Judged] = []
    failed: list[tuple[CaseFile, Exception]] = []
    for case in cases:
        try:
            orders, claims = besides.of(case)
            judgement = judge(policies, case.facts, outages, clocks, case.given, orders, claims, case.fold)
            change = change_of(case, judgement, clocks, [*orders, *(claim.lodging for claim in claims)])
            folded = None
            if len(case.facts) >= folding.after and not orders and not claims and folding.is_due(case.facts, clocks):
                folded = fold_case(policies, case.facts, outages, clocks, case.fold, folding.age)
            if case.fold is not None or folded is not None:
                change = _with_fold(case, judgement, change, folded)
            opened = change.opened if change else ()
            findings = [wrong_channel(one) for one in judgement.astray]
            findings += [digest_mismatch(one) for one in judgement.mismatched]
            out = judged_out(case.case_id, judgement.verdicts, opened, judgement.handed)
            judged.append(Judged(change, findings, list(out)))
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is this case's alone
            failed.append((case, fault))
    return judged, failed


def _with_fold(
    case: CaseFile, judgement: Judgement, change: CaseChange | None, folded: tuple[Fold, list[Away]] | None
) -> CaseChange | None:
    """Add a new fold to a change, or what is said now to the fold before."""
    if folded is None and case.fold is not None and judgement.verdicts:
        given = case.fold.given.union(verdict[:6] for verdict in judgement.verdicts)
        folded = case.fold._replace(given=given), []
    if folded is None:
        return change
    change = change or CaseChange(case.case_no, [], [], [], [], [])
    return change._replace(fold=folded[0], away=folded[1])


def _set_aside(transaction: JudgingTransaction, failed: list[tuple[CaseFile, Exception]], clocks: Clocks) -> None:
    """Keep cases that could not be judged where they are seen, and have them tried again a few times."""
    if len(failed) > MOST_ASIDE:
        hint = "this version of headquarters is wrong: run the one before; nothing was committed"
        raise MusterError.of("judging", f"{len(failed)} cases of one step cannot be judged", hint) from failed[0][1]
    if folded := [case.case_no for case, _ in failed if case.fold is not None]:
        transaction.unfold(folded)
    again = []
    for case, fault in failed:
        office = case.facts[0].office if case.facts else ALL_OFFICES
        clock = office if office in clocks else ALL_OFFICES
        tries = transaction.set_aside(case.case_no, type(fault).__name__, clocks[clock])
        _log.error("case_set_aside", case=case.case_id, code=type(fault).__name__, tries=tries, exc_info=fault)
        if tries < MOST_TRIES:
            again.append(CaseChange(case.case_no, [], [], [], [(clock, clocks[clock] + AGAIN_AFTER)], []))
    transaction.record(again)


def change_of(
    case: CaseFile, judgement: Judgement, clocks: Clocks, besides: Sequence[Order | Lodging] = ()
) -> CaseChange | None:
    """Compare a case with its judgement: what is new, what has changed, and when it is due again. Pure.

    None when all is as it was. As long as obligations wait, the list holds the first instant of theirs by clock;
    it may hold others, of waiting reports and of facts (and what stands ``besides``) beyond the clock, which only
    their own passing takes off.
    What was said of an office that has left the register, and so has no clock, stays as it is.
    """
    verdicts, unsettled, waits, *_ = judgement
    if not case.obligations:  # as for most cases, which are judged for the first time: spare the comparisons
        due = [*_earliest(unsettled).items(), *waits]
        return CaseChange(case.case_no, verdicts, unsettled, [], due, []) if verdicts or unsettled or waits else None
    before, now = case.obligations, {obligation[:9]: obligation for obligation in unsettled}
    if before == now.keys():
        return CaseChange(case.case_no, verdicts, [], [], waits, []) if verdicts or waits else None
    before = {row for row in before if row[8] in clocks}
    opened = [obligation for row, obligation in now.items() if row not in before]
    closed = [row for row in before if row not in now]
    was, will = _earliest(before), _earliest(now)
    fresh = [(clock, at) for clock, at in will.items() if was.get(clock) != at]
    stale = [(clock, at) for clock, at in was.items() if will.get(clock) != at]
    if stale:
        arrivals = {one.received_at - 1 for one in [*case.facts, *besides]}
        stale = [(clock, at) for clock, at in stale if at not in arrivals]
    return CaseChange(case.case_no, verdicts, opened, closed, fresh + waits, stale)


def _earliest(obligations: Iterable[ObligationRow | Obligation]) -> dict[str, int]:
    """Give, by clock, the first instant past which time alone changes one of these."""
    found: dict[str, int] = {}
    for _, _, _, _, _, _, _, next_at, clock, *_ in obligations:
        if next_at is not None and (clock not in found or next_at < found[clock]):
            found[clock] = next_at
    return found
