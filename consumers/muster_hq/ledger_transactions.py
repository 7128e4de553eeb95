"""The two kinds of transaction that write a ledger, in plain values: of intake and of judging.

An *intake* transaction appends facts and moves positions; a *judging* transaction appends verdicts. Both are
one database transaction each, and what they write either is there whole or is not there at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from muster_hq.case_files import CaseChange, CaseFile, RollChange, RollFile
from muster_hq.entries import FiledReport, FindingRow, Heartbeat, Move, NewFact, QuarantinedRecord, Settled
from muster_hq.heard import HeardRows
from muster_hq.lodgings import Claim, Lodging
from muster_hq.orders import Order
from muster_hq.patterns import Shape
from muster_hq.verdicts import Clocks, Stretches


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

    def outages(self) -> Stretches:
        """Give the stretches without records of each office."""

    def unread(self) -> Stretches:
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
