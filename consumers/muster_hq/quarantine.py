"""What becomes of a quarantined record when directives name it (docs/verdicts.md, Quarantined records). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from muster_contract.topics import parse_stream
from muster_hq.entries import QuarantinedRecord, Settled
from muster_hq.facts import Applied, Fact, Unfit, read_record
from muster_hq.orders import Order
from muster_hq.receipts import Receipt
from muster_hq.records import Record

NEVER_READ_AGAIN = frozenset({"LABEL_ABOVE_CEILING", "CONFLICT"})
"""Reasons of quarantine after which READMIT does nothing: the bytes are not kept, or the id is taken."""


def settle(record: QuarantinedRecord, orders: Iterable[Order], *, registered: bool) -> Settled | None:
    """Tell which of these orders, which name the record, ends its quarantine, and what comes of it; None for none."""
    for order in sorted(orders):
        if order.received_at < record.received_at:
            continue
        if order.action == "REJECT":
            return Settled(record, order, None)
        if record.reason in NEVER_READ_AGAIN:
            continue
        again = read_again(record, order.received_at, registered=registered)
        if not isinstance(again, Unfit):
            if isinstance(again, Applied):
                return Settled(record, order, (again.case_id, again.fact), again.filed)
            return Settled(record, order, None)
    return None


def readmitted(settled: Settled) -> Receipt | None:
    """Give what the office is told of an event that counts after all; None for what has no number, or never counts."""
    record, order, new, _ = settled
    if new is None or record.epoch is None:
        return None
    _, fact = new
    place = order.received_at, record.offset, fact.event_id
    return Receipt(fact.office, record.stream, "ACCEPTED", *place, record.epoch.bytes, record.sequence)


def read_again(record: QuarantinedRecord, received_at: int, *, registered: bool) -> object:
    """Read a quarantined record's bytes as if they were received then; give a Reading."""
    stream = parse_stream(record.stream)
    if stream is None or stream.office is None:
        return Unfit("WRONG_STREAM", "only records of an office's streams are read again")
    raw = Record(record.stream, record.offset, received_at, record.value)
    return read_record(raw, received_at, stream, registered=registered)


def first_of_each_event(facts: Sequence[Fact]) -> list[Fact]:
    """Leave out, of facts in fact order, those whose event was received before: it was readmitted, and sent again."""
    return list({(fact.stream, fact.event_id): fact for fact in reversed(facts)}.values())[::-1]
