"""What a ledger does, in plain values: its transactions write it (ledger_transactions.py), and anybody may read it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from muster_contract.errors import MusterError
from muster_hq.case_files import AsideCase, CaseHistory
from muster_hq.entries import Counts, FindingRow, Heartbeat, QuarantinedRecord, StreamState
from muster_hq.ledger_transactions import IntakeTransaction, JudgingTransaction
from muster_hq.orders import Order
from muster_hq.roll import Roll
from muster_hq.verdicts import Obligation, Verdict


class LedgerError(MusterError):
    """The ledger cannot be opened, read or written: exit code 2, with what to do."""


class LedgerAway(LedgerError):
    """The ledger cannot be reached now. Whether the transaction under way was committed is not known.

    Whoever can wait tries again, from the positions that the ledger then has: a compare-and-set makes that safe.
    """


class Outrun(Exception):
    """Another worker has moved a stream's position: this batch is thrown away, whole, and read again."""

    def __init__(self, stream: str) -> None:
        super().__init__(f"{stream}: the position was moved by another worker")
        self.stream = stream


class Outgoing(NamedTuple):
    """A record that waits to be published; forgotten once the broker has acknowledged it."""

    number: int
    topic: str
    value: bytes


class LedgerReader(Protocol):
    """What anybody may ask of a ledger; nothing here writes."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Hold one state of the ledger for all that is read within, whatever others write meanwhile."""

    def streams(self) -> dict[str, tuple[StreamState, Counts]]:
        """Give where each known stream stands, and what became of its records."""

    def clocks(self) -> dict[str, int]:
        """Give the intake clock of each registered office, and of ALL_OFFICES."""

    def next_due(self) -> dict[str, int]:
        """Give, by clock, the earliest instant that waits for it to pass: of a case, or of an office's roll."""

    def next_call(self) -> dict[str, int]:
        """Give, by office, the instant past which its roll is to be called, what was heard meanwhile included."""

    def verdicts(self) -> Iterator[tuple[str, Verdict]]:
        """Give every verdict with its case_id, by (case_id, office_id, encounter_id, requirement, occurrence, at)."""

    def outstanding(self, since: int | None = None) -> Iterator[tuple[str, Obligation]]:
        """Give outstanding obligations with their case_id, oldest due first; due at or after ``since``."""

    def still_open(
        self, limit: int, by: int | None = None, offices: Collection[str] | None = None
    ) -> Iterator[tuple[str, Obligation]]:
        """Give the first obligations that are open or undetermined with their case_id, earliest due first.

        Due at or before ``by``, of these offices; what is due at one instant in an order of the ledger's own.
        """

    def case(self, case_id: str) -> CaseHistory | None:
        """Give all of one case; None for one that was never heard of.

        Verdicts by (at, office_id, requirement, encounter_id, occurrence, verdict); obligations by (due_at,
        requirement, office_id, encounter_id, occurrence).
        """

    def cases_first_seen(self, start: int, end: int) -> Iterator[tuple[int, str]]:
        """Give (received_at, case_id), sorted, of cases whose first EncounterReported came in [start, end)."""

    def declined_counts(self) -> Mapping[tuple[str, str], int]:
        """Count the transfers that were declined by (office, jurisdiction)."""

    def verdict_counts(self) -> Mapping[tuple[str, str, str], int]:
        """Count verdicts by (office, requirement, verdict)."""

    def obligation_counts(self) -> Mapping[tuple[str, str, str], int]:
        """Count unsettled obligations by (office, requirement, state)."""

    def oldest_outstanding(self) -> Mapping[str, int]:
        """Give, by office, the due time of its oldest outstanding obligation."""

    def due_between(self, start: int, end: int, limit: int) -> list[tuple[str, str, int]]:
        """Give (office, requirement, instant) of obligations that are due, or whose excuse ends, from start to end.

        Of no more than ``limit`` cases; one that waits for an earlier instant may be left out. And all of the office's
        facts may not have been judged yet.
        """

    def cases_aside(self) -> list[AsideCase]:
        """Give the cases that could not be judged, the oldest first."""

    def findings(self) -> list[FindingRow]:
        """Give every finding, in order of ``at``, kind, stream and detail."""

    def finding_counts(self) -> Mapping[str, int]:
        """Count findings by kind."""

    def quarantined(self) -> Iterator[QuarantinedRecord]:
        """Give every quarantined record, by stream and offset."""

    def quarantine_counts(self) -> Mapping[str, int]:
        """Count quarantined records by reason."""

    def quarantine_waiting(self) -> Mapping[str, int]:
        """Count the quarantined records of offices' streams that wait for a directive, by office."""

    def directives(self) -> Iterator[Order]:
        """Give every directive, as they stand in the log."""

    def rolls(self) -> Mapping[str, Roll]:
        """Give the roll of each office, as of its last call."""

    def heartbeats(self) -> Mapping[str, Heartbeat]:
        """Give the latest heartbeat of each office."""

    def delays(self) -> tuple[Mapping[float, int], float]:
        """Give the histogram of transmission delays: counts by upper bound in seconds, and their sum."""

    def close(self) -> None:
        """Close it."""


class Ledger(LedgerReader, Protocol):
    """A ledger that may be written: with SQLite, by one process at a time."""

    def register(self, offices: Sequence[str]) -> None:
        """Make the streams of these offices known, so that one that is never read holds the clocks back."""

    def together(self) -> AbstractContextManager[None]:
        """Let the transactions inside be committed as one, when it is left; one that fails is still undone alone."""

    def intake(self) -> AbstractContextManager[IntakeTransaction]:
        """Begin a transaction of intake."""

    def judging(self) -> AbstractContextManager[JudgingTransaction]:
        """Begin a transaction of judging."""

    def try_again(self) -> int:
        """Make the cases that were set aside due at once, their tries forgotten; give how many there are."""

    def outgoing(self, after: int, limit: int) -> list[Outgoing]:
        """Give the next records to publish, whose number is greater than ``after``."""

    def hang_up(self) -> bool:
        """Break off what is under way on a slow ledger, from another thread, for good; tell whether it was.

        LedgerAway is raised there, and from then on. A ledger that is a file of this machine need not.
        """

    def forget(self, numbers: Sequence[int]) -> None:
        """Forget published records, in a transaction of its own."""
