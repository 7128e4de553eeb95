"""Directives on PostgreSQL, and the quarantined records that they are about: most ledgers have few of either."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from psycopg import Cursor

from muster_hq.entries import QuarantinedRecord
from muster_hq.ledger.postgres.binary import int4s
from muster_hq.ledger.postgres.words import Words
from muster_hq.orders import Order
from muster_hq.verdicts import NEVER, Outage, Stretches

ORDER: Final = 'received_at, "offset", event_id, action, target, authority, reason_code, until, ignored'
RECORD: Final = """
    stream_no, "offset", received_at, reason, detail, value, size, sha256, epoch, sequence, ended_at, ended_by"""
_ACTIVATIONS = f"""
    select {ORDER} from directives
    where action in ('ACTIVATE_POLICY', 'ACTIVATE_REGISTER') and ignored is null order by "offset" """  # noqa: S608 - a text of ours
_KEEP = "insert into directives values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
_END = """
    update quarantine set ended_at = %s, ended_by = %s where stream_no = %s and "offset" = %s"""
_WAKE = """
    insert into arrivals (past, case_no, clock_no)
    select distinct %s::bigint, case_no, clock_no from obligations
    where next_at = %s and (
      opening_stream_no in (
        select s.stream_no from streams s join streams t using (office_no) where t.stream_no = %s)
      or case_no in (select case_no from directives where action = 'MOVE_CASE'))"""
_UNREAD = """
    select office_no, received_at, ended_at from quarantine join streams using (stream_no)
      where ended_at is not null and office_no is not null
    union all
    select office_no, min(received_at), null from quarantine join streams using (stream_no)
      where ended_at is null and office_no is not null group by office_no"""
_WAITING = """
    select office_no, count(*) from quarantine join streams using (stream_no)
    where ended_at is null and office_no is not null group by office_no"""

Fetch = Callable[[str], list[tuple[Any, ...]]]


def take_turns(cursor: Cursor[Any]) -> None:
    """Wait until no other transaction takes in directives or quarantined records, nor judges by the latter."""
    cursor.execute("select pg_advisory_xact_lock(hashtext('muster quarantine'))")


def keep_order(cursor: Cursor[Any], order: Order, case_no: int | None) -> None:
    """Keep a directive."""
    cursor.execute(_KEEP, (*order[:2], UUID(bytes=order.event_id), *order[3:], case_no))


def orders_on(cursor: Cursor[Any], places: Iterable[tuple[str, int]]) -> list[Order]:
    """Give the directives that name one of these records and are not ignored."""
    targets = [f"{stream}@{offset}" for stream, offset in places]
    select = f"select {ORDER} from directives where target = any(%s) and ignored is null"  # noqa: S608 - a text of ours
    return [order_of(row) for row in cursor.execute(select.encode(), (targets,)).fetchall()] if targets else []


def orders_of(cursor: Cursor[Any], case_numbers: Sequence[int]) -> Mapping[int, list[Order]]:
    """Give the directives of these cases, as they stand in the log."""
    found: defaultdict[int, list[Order]] = defaultdict(list)
    select = f'select case_no, {ORDER} from directives where case_no = any(%s) order by "offset"'  # noqa: S608 - the same
    for case_no, *row in cursor.execute(select.encode(), (int4s(case_numbers),)).fetchall():
        found[case_no].append(order_of(row))
    return found


def activations(cursor: Cursor[Any]) -> list[Order]:
    """Give the directives that put a version of the policy in force, as they stand in the log."""
    return [order_of(row) for row in cursor.execute(_ACTIVATIONS.encode()).fetchall()]


def order_of(row: Sequence[Any]) -> Order:
    """Read a row of ``directives``."""
    received_at, offset, event_id, *rest = row
    return Order._make((received_at, offset, bytes(event_id), *rest))


def read_waiting(
    cursor: Cursor[Any], words: Words, places: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], QuarantinedRecord]:
    """Give those of these records that are quarantined and wait for a directive."""
    select = f'select {RECORD} from quarantine where stream_no = %s and "offset" = %s and ended_at is null'  # noqa: S608 - the same
    found = {}
    for stream, offset in places:
        for row in cursor.execute(select.encode(), (words.of("stream")[stream], offset)).fetchall():
            found[stream, offset] = record_of(row, words)
    return found


def record_of(row: Sequence[Any], words: Words) -> QuarantinedRecord:
    """Read a row of ``quarantine``."""
    stream_no, *values, epoch, sequence, ended_at, ended_by = row
    number = UUID(bytes=epoch) if epoch else None
    return QuarantinedRecord._make((words.text("stream")[stream_no], *values, number, sequence, ended_at, ended_by))


def end_quarantine(cursor: Cursor[Any], stream_no: int, offset: int, order: Order) -> None:
    """End the quarantine of a record by a directive; what waited for one with it is due when that was received.

    So is whatever waits in a case that was moved: its obligations may be another office's charge.
    """
    cursor.execute(_END, (order.received_at, order.offset, stream_no, offset))
    cursor.execute(_WAKE, (order.received_at - 1, NEVER, stream_no))


def read_unread(cursor: Cursor[Any], words: Words) -> Stretches:
    """Give the outages that quarantined records are: each begins a millisecond before the record.

    Until this transaction ends no directive ends one: it could not wake what we make wait for it.
    """
    cursor.execute("select pg_advisory_xact_lock_shared(hashtext('muster quarantine'))")
    offices = words.text("office")
    found: defaultdict[str, list[Outage]] = defaultdict(list)
    for office_no, received_at, ended_at in cursor.execute(_UNREAD).fetchall():
        end = NEVER if ended_at is None else ended_at
        found[offices[office_no]].append(Outage(received_at - 1, end, unread=True))
    return found


def count_waiting(fetch: Fetch, words: Words) -> Mapping[str, int]:
    """Count the quarantined records that wait, by office."""
    offices = words.text("office")
    return {offices[office_no]: n for office_no, n in fetch(_WAITING)}
