"""Intake: take batches of records into the ledger, each record exactly once, each batch in one transaction.

The batch is sorted first (``sorting.py``, purely); then the ledger is asked which of its events it knows;
then everything is written together with the move of each stream's position. Whoever finds a position moved
has been outrun: the batch is thrown away whole, and nothing has happened.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import structlog

from muster_contract.topics import QUARANTINE, parse_stream, receipts
from muster_hq.entries import Counts, FiledReport, FindingRow, Move, NewFact, StreamState
from muster_hq.ledger_port import Ledger
from muster_hq.ledger_transactions import IntakeTransaction
from muster_hq.orders import Order
from muster_hq.policies import Policies
from muster_hq.progress import Halt, gaps_before
from muster_hq.published import quarantined_record, receipt_record
from muster_hq.quarantine import readmitted, settle
from muster_hq.records import Record
from muster_hq.settled import tell
from muster_hq.sorting import Batch, Rules
from muster_hq.verdicts import ALL_OFFICES

_log = structlog.get_logger(__name__)

DELAY_BOUNDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0)
"""Bucket bounds of transmission delays, in seconds; every deadline of the policy is added."""


class Taken(NamedTuple):
    """What a batch came to: its counts, and the streams that halted before a record of it."""

    counts: Counts
    halts: list[Halt]


class Intake:
    """Takes records in. Keeps each stream's state between batches, and the ledger checks it at each."""

    def __init__(self, ledger: Ledger, policies: Policies, offices: Sequence[str]) -> None:
        self._ledger = ledger
        self._policies = policies
        self._offices = frozenset(offices)
        self._bounds = delay_bounds(policies)
        self._wide = [ALL_OFFICES] if policies.crossing else []
        self._states: dict[str, StreamState] = {}
        ledger.register(offices)
        self.reload()

    def reload(self) -> None:
        """Read every stream's state from the ledger: at the start, on assignment, and after being outrun."""
        self._states = {name: state for name, (state, _) in self._ledger.streams().items()}

    def state(self, stream: str) -> StreamState:
        """Give where the ledger stands on a stream; the beginning for one that it does not know."""
        return self._states.get(stream, StreamState())

    def take(
        self, records: Sequence[Record], now: int | None, topic_ids: Mapping[str, str | None] | None = None
    ) -> Taken:
        """Take a batch in. ``now`` (UTC milliseconds) guards against a broker clock ahead; None trusts it.

        Outrun when another worker has moved a position: reload, seek there, and go on.
        """
        keep = self._policies.lodging
        batch = Batch(Rules(self._offices, self._policies.shortest_outage, self._bounds, now, keep), self._states)
        batch.sort(records)
        moved = {name: p.state(self._topic_id(name, topic_ids)) for name, p in batch.progress.items()}
        with self._ledger.intake() as transaction:
            batch.settle(transaction.known(batch.suspect_ids()) if batch.suspects else {})
            self._write(transaction, batch, moved)
        self._states |= moved
        for halt in batch.halts:
            _log.error("stream_halted", stream=halt.stream, offset=halt.offset, cause=halt.cause, hint=halt.hint)
        return Taken(_total(batch), batch.halts)

    def pass_time(self, streams: Iterable[str], instant: int) -> None:
        """Let time pass on those streams that have nothing at or after an instant, as a pulse there would."""
        silent = [name for name in streams if self.state(name).clock < instant]
        moved = {name: self.state(name)._replace(clock=instant) for name in silent}
        shortest = self._policies.shortest_outage
        with self._ledger.intake() as transaction:
            transaction.move(Move(name, state.next_offset, state, Counts()) for name, state in moved.items())
            if shortest is not None:
                for name in silent:
                    transaction.note_gaps(gaps_before(self.state(name).clock, instant, name, shortest))
        self._states |= moved

    def find(self, findings: Sequence[FindingRow]) -> None:
        """Append findings that concern no record, such as a log that is broken."""
        with self._ledger.intake() as transaction:
            tell(transaction, findings)

    def _write(self, transaction: IntakeTransaction, batch: Batch, moved: Mapping[str, StreamState]) -> None:
        if self._policies.lodging:  # first of all: nobody may wait for this while another waits for what it wrote
            transaction.meet(alone=bool(batch.lodgings))
        transaction.move(Move(n, p.start, moved[n], p.counted()) for n, p in batch.progress.items())
        if batch.facts:
            transaction.append(batch.facts, self._wide, self._policies.concern)
            transaction.count_delays(*batch.delays())
            transaction.count_declined(declined_transfers(batch.facts))
        if batch.filed or batch.lodgings:
            transaction.file(batch.filed, self._wide)
            transaction.lodge(batch.lodgings, self._wide)
        transaction.note_ids(batch.notes)
        transaction.note_heard(batch.heard())
        transaction.hear(batch.heartbeats.values())
        transaction.note_gaps(batch.gaps)
        transaction.quarantine(batch.quarantined)
        transaction.publish((QUARANTINE, quarantined_record(r)) for r in batch.quarantined)
        transaction.publish((receipts(r.office_id), receipt_record(r)) for r in batch.hearing.receipts())
        if batch.orders or batch.quarantined:
            transaction.give_orders(batch.orders, self._wide)
            self._settle_quarantine(transaction, batch)
        broken = [_log_broken(halt, batch) for halt in batch.halts if halt.broken]
        tell(transaction, batch.findings + broken)

    def _settle_quarantine(self, transaction: IntakeTransaction, batch: Batch) -> None:
        """Readmit or reject what directives name, whichever of record and directive was read first."""
        new = {(record.stream, record.offset): record for record in batch.quarantined}
        orders: defaultdict[tuple[str, int], set[Order]] = defaultdict(set)
        for order in [o for o in batch.orders if o.names_a_record] + transaction.orders_on(new):
            orders[order.aim[:2]].add(order)
        records = new | transaction.waiting(orders.keys() - new)
        settled = [
            settle(record, orders[place], registered=_office_of(record.stream) in self._offices)
            for place, record in records.items()
            if place in orders
        ]
        carried_out = [one for one in settled if one is not None]
        transaction.settle(carried_out, self._wide)
        transaction.publish((receipts(r.office_id), receipt_record(r)) for r in map(readmitted, carried_out) if r)
        if self._policies.lodging:
            transaction.file(
                [FiledReport(*one.fact, *one.filed) for one in carried_out if one.fact and one.filed], self._wide
            )

    def _topic_id(self, stream: str, topic_ids: Mapping[str, str | None] | None) -> str | None:
        return (topic_ids or {}).get(stream) or self.state(stream).topic_id


def delay_bounds(policies: Policies) -> list[float]:
    """Give the bucket bounds of transmission delays in seconds: ours, and every deadline of the policies."""
    deadlines = {r.within / 1000 for policy in policies.versions for r in policy.requirements}
    return sorted(deadlines | set(DELAY_BOUNDS))


def declined_transfers(facts: Sequence[NewFact]) -> Mapping[tuple[str, str], int]:
    """Count the transfers that were declined by (office, jurisdiction); most batches hold none, and cost one look."""
    shapes = {new[1][5] for new in facts}
    places = {shape: dict(shape.codes)["jurisdiction"] for shape in shapes if shape.type == "TransferDeclined"}
    if not places:
        return {}
    return Counter((fact.office, places[fact.shape]) for _, fact, _ in facts if fact.shape in places)


def _office_of(stream: str) -> str:
    parsed = parse_stream(stream)
    return (parsed and parsed.office) or ""


def _log_broken(halt: Halt, batch: Batch) -> FindingRow:
    progress = batch.progress[halt.stream]
    return FindingRow("LOG_BROKEN", progress.stream.office or "", halt.stream, progress.clock, halt.cause, ())


def _total(batch: Batch) -> Counts:
    total = Counts()
    for progress in batch.progress.values():
        total = total.plus(progress.counted())
    return total
