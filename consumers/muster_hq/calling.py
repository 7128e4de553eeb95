"""Calling the roll: of each office whose clock has moved on, find what is to be found; one transaction a step."""

from __future__ import annotations

from muster_hq.case_files import RollChange
from muster_hq.ledger_port import Ledger
from muster_hq.policies import Policies
from muster_hq.rollcall import call
from muster_hq.settled import activated_by, clocks_until, tell


class Calling:
    """Calls the rolls whose time is settled. ``until`` holds the clocks back, as in a replay up to an instant."""

    def __init__(self, ledger: Ledger, policies: Policies, until: int | None = None) -> None:
        self._ledger = ledger
        self._policies = policies
        self._until = until

    def step(self) -> int:
        """Call every roll that is due; give how many were. The clocks are read before what was heard."""
        with self._ledger.judging() as transaction:
            clocks = clocks_until(transaction, self._until)
            due = transaction.due_rolls(clocks)
            if not due:
                return 0
            policies = activated_by(transaction, self._policies, clocks)
            outages = transaction.outages() if self._listens_for_outages else {}
            changes, findings = [], []
            for office, roll, heard in due:
                called = call(office, roll, heard, policies, outages=outages.get(office, []), clock=clocks[office])
                changes.append(RollChange(office, roll, called.past, called.rest))
                findings += called.findings
            transaction.record_rolls(changes)
            tell(transaction, findings)
        return len(due)

    @property
    def _listens_for_outages(self) -> bool:
        return self._policies.shortest_outage is not None and self._policies.shortest_silence is not None
