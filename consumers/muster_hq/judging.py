"""Judging: take the cases that are due by the clocks, judge each, and append what is new; one transaction a step.

The clocks are read before the facts: a fact that another worker commits in between is then one too many,
never one too few.
"""

from __future__ import annotations

from collections.abc import Iterable

from muster_contract.topics import VERDICTS
from muster_hq.judge import judge
from muster_hq.ledger_port import CaseChange, CaseFile, Ledger, ObligationRow
from muster_hq.policy import Policies
from muster_hq.published import verdict_record
from muster_hq.verdicts import Clocks, Judgement


class Judging:
    """Judges cases whose time is settled. ``until`` holds the clocks back, as in a replay up to an instant."""

    def __init__(self, ledger: Ledger, policies: Policies, until: int | None = None) -> None:
        self._ledger = ledger
        self._policies = policies
        self._until = until

    def step(self, limit: int) -> int:
        """Judge up to ``limit`` cases; give how many were due."""
        with self._ledger.judging() as transaction:
            clocks = transaction.clocks()
            if self._until is not None:
                clocks = {name: min(clock, self._until) for name, clock in clocks.items()}
            cases = transaction.due_cases(clocks, limit)
            if cases:
                outages = transaction.outages() if self._policies.shortest_outage is not None else {}
                changes = [change_of(c, judge(self._policies, c.facts, outages, clocks), clocks) for c in cases]
                transaction.record(changes)
                transaction.publish(
                    (VERDICTS, verdict_record(case.case_id, verdict))
                    for case, change in zip(cases, changes, strict=True)
                    for verdict in change.verdicts
                )
        return len(cases)

    def run_dry(self, limit: int) -> int:
        """Judge until no case is due; give how many were."""
        total = 0
        while judged := self.step(limit):
            total += judged
        return total


def change_of(case: CaseFile, judgement: Judgement, clocks: Clocks) -> CaseChange:
    """Compare a case with its judgement: what is new, what has changed, and when it is due again. Pure.

    As long as obligations wait, the list holds the first instant of theirs by clock; it may hold others, of
    waiting reports and of facts beyond the clock, which only their own passing takes off. What was said of an
    office that has left the register, and so has no clock, stays as it is.
    """
    before = {row for row in case.obligations if row[8] in clocks}
    verdicts = [verdict for verdict in judgement.verdicts if verdict[:6] not in case.given]
    opened = [obligation for obligation in judgement.obligations if obligation[:9] not in before]
    if not opened and len(judgement.obligations) == len(before) and not judgement.waits:
        return CaseChange(case.case_no, verdicts, [], [], [], [])  # as it was
    now = {obligation[:9] for obligation in judgement.obligations}
    closed = [row for row in before if row not in now]
    due, was_due = _earliest(now), _earliest(before)
    fresh = [(clock, at) for clock, at in due.items() if was_due.get(clock) != at]
    stale = [(clock, at) for clock, at in was_due.items() if due.get(clock) != at]
    if stale:
        arrivals = {fact.received_at - 1 for fact in case.facts}
        stale = [(clock, at) for clock, at in stale if at not in arrivals]
    return CaseChange(case.case_no, verdicts, opened, closed, fresh + judgement.waits, stale)


def _earliest(obligations: Iterable[ObligationRow]) -> dict[str, int]:
    """Give, by clock, the first instant past which time alone changes one of these."""
    found: dict[str, int] = {}
    for *_, next_at, clock in obligations:
        if next_at is not None and (clock not in found or next_at < found[clock]):
            found[clock] = next_at
    return found
