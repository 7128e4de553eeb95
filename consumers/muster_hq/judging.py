"""Judging: take the cases that are due by the clocks, judge each, and append what is new; one transaction a step.

The clocks are read before the facts: a fact that another worker commits in between is then one too many,
never one too few.
"""

from __future__ import annotations

from collections.abc import Iterable

from muster_hq.judge import judge
from muster_hq.ledger_port import CaseChange, CaseFile, Ledger, ObligationRow
from muster_hq.policy import Policies
from muster_hq.published import judged_out
from muster_hq.verdicts import Clocks, Judgement, Obligation


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
                judged = [(case, judge(self._policies, case.facts, outages, clocks, case.given)) for case in cases]
                changes = [change_of(case, judgement, clocks) for case, judgement in judged]
                transaction.record([change for change in changes if change is not None])
                transaction.publish(
                    record
                    for (case, judgement), change in zip(judged, changes, strict=True)
                    if change is not None
                    for record in judged_out(case.case_id, judgement.verdicts, change.opened)
                )
        return len(cases)

    def run_dry(self, limit: int) -> int:
        """Judge until no case is due; give how many were."""
        total = 0
        while judged := self.step(limit):
            total += judged
        return total


def change_of(case: CaseFile, judgement: Judgement, clocks: Clocks) -> CaseChange | None:
    """Compare a case with its judgement: what is new, what has changed, and when it is due again. Pure.

    None when all is as it was. As long as obligations wait, the list holds the first instant of theirs by clock;
    it may hold others, of waiting reports and of facts beyond the clock, which only their own passing takes off.
    What was said of an office that has left the register, and so has no clock, stays as it is.
    """
    verdicts, unsettled, waits = judgement
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
        arrivals = {fact.received_at - 1 for fact in case.facts}
        stale = [(clock, at) for clock, at in stale if at not in arrivals]
    return CaseChange(case.case_no, verdicts, opened, closed, fresh + waits, stale)


def _earliest(obligations: Iterable[ObligationRow | Obligation]) -> dict[str, int]:
    """Give, by clock, the first instant past which time alone changes one of these."""
    found: dict[str, int] = {}
    for _, _, _, _, _, _, _, next_at, clock, *_ in obligations:
        if next_at is not None and (clock not in found or next_at < found[clock]):
            found[clock] = next_at
    return found
