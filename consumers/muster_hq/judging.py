"""Judging: take the cases that are due by the clocks, judge each, and append what is new; one transaction a step.

The clocks are read before the facts: a fact that another worker commits in between is then one too many,
never one too few.
"""

from __future__ import annotations

from collections.abc import Iterable

from muster_contract.topics import VERDICTS
from muster_hq.judge import judge
from muster_hq.ledger.port import CaseChange, CaseFile, Ledger
from muster_hq.policy import Policies
from muster_hq.published import verdict_record
from muster_hq.verdicts import Judgement


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
                changes = [change_of(c, judge(self._policies, c.facts, outages, clocks)) for c in cases]
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


def change_of(case: CaseFile, judgement: Judgement) -> CaseChange:
    """Compare a case with its judgement: what is new, what has changed, and when it is due again. Pure."""
    now = {obligation[:9]: obligation for obligation in judgement.obligations}
    due = _earliest([*((o.clock, o.next_at) for o in judgement.obligations), *judgement.waits])
    was_due = _earliest((row[8], row[7]) for row in case.obligations)
    return CaseChange(
        case.case_no,
        [verdict for verdict in judgement.verdicts if verdict[:6] not in case.given],
        [obligation for row, obligation in now.items() if row not in case.obligations],
        [row for row in case.obligations if row not in now],
        [(clock, at) for clock, at in due.items() if was_due.get(clock) != at],
        [(clock, at) for clock, at in was_due.items() if due.get(clock) != at],
    )


def _earliest(instants: Iterable[tuple[str, int | None]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for clock, at in instants:
        if at is not None:
            found[clock] = min(at, found.get(clock, at))
    return found
