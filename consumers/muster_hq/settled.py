"""What the loops that decide on settled time share: the clocks, the policies in force by them, and telling findings."""

from __future__ import annotations

from collections.abc import Sequence

from muster_contract.topics import VERDICTS
from muster_hq.entries import FindingRow
from muster_hq.ledger_transactions import IntakeTransaction, JudgingTransaction
from muster_hq.orders import activations_by
from muster_hq.policies import Policies
from muster_hq.published import finding_record
from muster_hq.verdicts import Clocks


def clocks_until(transaction: JudgingTransaction, until: int | None) -> Clocks:
    """Give the intake clocks, held back at an instant (UTC milliseconds), as in a replay up to it; None does not."""
    clocks = transaction.clocks()
    return clocks if until is None else {name: min(clock, until) for name, clock in clocks.items()}


def activated_by(transaction: JudgingTransaction, policies: Policies, clocks: Clocks) -> Policies:
    """Give the policies as directives have put them in force by these clocks."""
    return policies.activated(activations_by(max(clocks.values()), transaction.activations()))


def tell(transaction: IntakeTransaction | JudgingTransaction, findings: Sequence[FindingRow]) -> None:
    """Append findings, and have those that are new published."""
    if findings:
        new = transaction.find(findings)
        transaction.publish((VERDICTS, finding_record(finding)) for finding in new)
