"""What a ledger does, in plain values: two kinds of transaction write it, and anybody may read it.

An *intake* transaction appends facts and moves positions; a *judging* transaction appends verdicts. Both are
one database transaction each, and what they write either is there whole or is not there at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from muster_contract.errors import MusterError
from muster_hq.case_files import AsideCase, CaseChange, CaseFile, CaseHistory, RollChange, RollFile
from muster_hq.entries import (
    Counts,
    FiledReport,
    FindingRow,
    Heartbeat,
    Move,
    NewFact,
    QuarantinedRecord,
    Settled,
    StreamState,
)
from muster_hq.heard import HeardRows
from muster_hq.lodgings import Claim, Lodging
from muster_hq.orders import Order
from muster_hq.patterns import Shape
from muster_hq.roll import Roll
from muster_hq.verdicts import Clocks, Obligation, Outages, Verdict


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


class IntakeTransaction(Protocol):
    """One transaction of intake; leaving the context commits it, an exception undoes it."""

    def known(self, ids: Sequence[tuple[str, bytes]]) -> Mapping[tuple[str, bytes], bytes]:
        """Give the digests of those (stream, event_id) pairs that have been applied before."""

    def move(self, moves: Iterable[Move]) -> None:
        """Move positions and clocks, and add the counts; Outrun when one is not where the batch started."""

    def append(self, facts: Sequence[NewFact], clocks: Sequence[str], concern: Mapping[Shape, bool]) -> None:
        """Append facts; those whose shape is of ``concern`` make their case due on the office's clock and on these."""

    def meet(self, *, alone: bool) -> None:
        """Wait until no other transaction takes in lodgings (nor, if ``alone``, what reports name), and keep them out.

        From here on this one sees what the others have committed: a report and its lodging may be taken in by two
        at once, of which the second must find the first.
        """

    def file(self, reports: Sequence[FiledReport], clocks: Sequence[str]) -> None:
        """Keep what reports name; the case of one is due, as with ``append``, at later lodgings of its reference."""

    def lodge(self, lodgings: Sequence[Lodging], clocks: Sequence[str]) -> None:
        """Keep lodgings, in the log's order: the first of a reference and digest.

        The cases whose reports name its reference are made due, as with ``append``.
        """

    def note_ids(self, ids: Sequence[tuple[str, bytes, bytes]]) -> None:
        """Remember the (stream, event_id, digest) of applied records that are no facts of a case."""

    def note_heard(self, heard: Iterable[HeardRows]) -> None:
        """Write down what was heard of offices, for the roll call."""

    def hear(self, heartbeats: Iterable[Heartbeat]) -> None:
        """Keep the latest heartbeat of each office."""

    def quarantine(self, records: Iterable[QuarantinedRecord]) -> None:
        """Keep records that could not be applied."""

    def give_orders(self, orders: Sequence[Order], clocks: Sequence[str]) -> None:
        """Keep directives; a case that one concerns is made due on the clock of each office it names and on these.

        From here on the transaction must see what others have committed of directives and of quarantined records,
        and no other may add to them: a record and the directive that names it may be taken in by two at once.
        """

    def orders_on(self, places: Iterable[tuple[str, int]]) -> list[Order]:
        """Give the directives that name one of these (stream, offset) records and are not ignored."""

    def waiting(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], QuarantinedRecord]:
        """Give those of these (stream, offset) records that are quarantined and wait for a directive."""

    def settle(self, settled: Iterable[Settled], clocks: Sequence[str]) -> None:
        """End the quarantine of records, and append the facts that come of them, their cases due as with ``append``.

        Of such a record's office, every case with an obligation that waits for a directive is made due at the order's
        ``received_at`` (less a millisecond, as with facts).
        """

    def find(self, findings: Iterable[FindingRow]) -> list[FindingRow]:
        """Append findings, and give those that are new; one that is there already is left as it is."""

    def note_gaps(self, gaps: Iterable[tuple[str, int, int]]) -> None:
        """Keep (office, start, end) of stretches without records, of which policies make outages."""

    def count_delays(self, counts: Mapping[float, int], total: float) -> None:
        """Add to the histogram of transmission delays: counts by upper bound in seconds, and their sum."""

    def count_declined(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Add to the transfers that were declined: counts by (office, jurisdiction)."""

    def publish(self, records: Iterable[tuple[str, bytes]]) -> None:
        """Queue (topic, value) records for publishing."""


class JudgingTransaction(Protocol):
    """One transaction of judging. The clocks must be read before the facts (DESIGN section 4)."""

    def clocks(self) -> dict[str, int]:
        """Give the intake clock of each registered office, and of ALL_OFFICES (UTC milliseconds).

        Once cases were taken up: those that were read after no other worker could judge them, and before their
        facts. Earlier ones may be behind those by which another worker has judged them meanwhile.
        """

    def due_cases(self, clocks: Clocks, limit: int) -> list[CaseFile]:
        """Take up to ``limit`` cases off the list of those that are due by these clocks, with all that is theirs."""

    def outages(self) -> Outages:
        """Give the stretches without records of each office."""

    def unread(self) -> Outages:
        """Give the outages that quarantined records are, of each office; of those without an end, the first alone."""

    def orders(self, case_numbers: Sequence[int]) -> Mapping[int, list[Order]]:
        """Give the directives that concern these cases, or readmitted a fact of theirs, as they stand in the log."""

    def claims(self, case_numbers: Sequence[int]) -> Mapping[int, list[Claim]]:
        """Give what the reports of these cases name that is lodged, each with its lodging."""

    def activations(self) -> list[Order]:
        """Give the directives that put a version of the policy in force, as they stand in the log."""

    def put_away(self, asked: Iterable[tuple[int, str]]) -> set[int]:
        """Give those cases of these (case number, encounter) pairs of which a local fact was put away."""

    def unfold(self, case_numbers: Sequence[int]) -> list[CaseFile]:
        """Take back all that was put away of these cases, which are taken up, and give them whole."""

    def record(self, changes: Sequence[CaseChange]) -> None:
        """Append new verdicts, and bring the derived tables up to date."""

    def set_aside(self, case_no: int, reason: str, at: int) -> int:
        """Note that a case could not be judged, and why; give how often in a row that was."""

    def aside(self) -> set[int]:
        """Give the numbers of the cases that were set aside."""

    def take_back(self, case_numbers: set[int]) -> None:
        """Note that these can be judged again."""

    def due_rolls(self, clocks: Clocks) -> list[RollFile]:
        """Take up the offices whose roll is due by these clocks, with what was heard up to them, taken off its list."""

    def record_rolls(self, changes: Sequence[RollChange]) -> None:
        """Keep the rolls of offices, as called."""

    def find(self, findings: Iterable[FindingRow]) -> list[FindingRow]:
        """Append findings, and give those that are new; one that is there already is left as it is."""

    def publish(self, records: Iterable[tuple[str, bytes]]) -> None:
        """Queue (topic, value) records for publishing."""


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

        Of no more than ``limit`` cases; and all of the office's facts may not have been judged yet.
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

    def hang_up(self) -> None:
        """Break off what is under way on a slow ledger, from another thread, for good.

        LedgerAway is raised there, and from then on. A ledger that is a file of this machine need not.
        """

    def forget(self, numbers: Sequence[int]) -> None:
        """Forget published records, in a transaction of its own."""
