"""Directives on SQLite, and the quarantined records that they are about: most ledgers have few of either."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import apsw

from muster_hq.entries import QuarantinedRecord
from muster_hq.ledger.sqlite.words import Words
from muster_hq.orders import Order
from muster_hq.verdicts import NEVER, Outage, Stretches

_ORDER = 'received_at, "offset", event_id, action, target, authority, reason_code, until, ignored'


def orders_on(cursor: apsw.Cursor, places: Iterable[tuple[str, int]]) -> list[Order]:
    """Give the directives that name one of these records and are not ignored."""
    select = f"select {_ORDER} from directives where target = ? and ignored is null"  # noqa: S608 - a text of ours
    targets = [(f"{stream}@{offset}",) for stream, offset in places]
    return [Order._make(row) for row in cursor.executemany(select, targets)]


def orders_of(cursor: apsw.Cursor, case_numbers: Sequence[int]) -> Mapping[int, list[Order]]:
    """Give the directives of these cases; in most ledgers there is none at all, and that is soon known."""
    found: defaultdict[int, list[Order]] = defaultdict(list)
    if cursor.execute("select 1 from directives where case_no is not null limit 1").get:
        select = f"""
            select case_no, {_ORDER} from directives
            where case_no is not null and case_no in carray(?) order by "offset" """  # noqa: S608 - the same
        for case_no, *row in cursor.execute(select, (apsw.carray(array("q", case_numbers)),)):
            found[case_no].append(Order._make(row))
    return found


def activations(cursor: apsw.Cursor) -> list[Order]:
    """Give the directives that put a version of the policy in force, as they stand in the log."""
    select = f"""
        select {_ORDER} from directives
        where action in ('ACTIVATE_POLICY', 'ACTIVATE_REGISTER') and ignored is null order by "offset" """  # noqa: S608 - the same
    return [Order._make(row) for row in cursor.execute(select)]


def all_orders(cursor: apsw.Cursor) -> Iterator[Order]:
    """Give every directive, as they stand in the log."""
    return map(Order._make, cursor.execute(f'select {_ORDER} from directives order by "offset"'))  # noqa: S608 - the same


def read_waiting(
    cursor: apsw.Cursor, words: Words, places: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], QuarantinedRecord]:
    """Give those of these records that are quarantined and wait for a directive."""
    select = 'select * from quarantine where stream_no = ? and "offset" = ? and ended_at is null'
    asked = [(words.of("stream")[stream], offset) for stream, offset in places]
    found = [record_of(row, words) for row in cursor.executemany(select, asked)]
    return {(record.stream, record.offset): record for record in found}


def record_of(row: Sequence[Any], words: Words) -> QuarantinedRecord:
    """Read a row of ``quarantine``."""
    stream_no, *values, epoch, sequence, ended_at, ended_by = row
    number = UUID(bytes=epoch) if epoch else None
    return QuarantinedRecord._make((words.text[stream_no], *values, number, sequence, ended_at, ended_by))


def end_quarantine(cursor: apsw.Cursor, stream_no: int, offset: int, order: Order) -> None:
    """End the quarantine of a record by a directive; what waited for one with it is due when that was received.

    So is whatever waits in a case that was moved: its obligations may be another office's charge.
    """
    end = 'update quarantine set ended_at = ?, ended_by = ? where stream_no = ? and "offset" = ?'
    cursor.execute(end, (order.received_at, order.offset, stream_no, offset))
    wake = """
        insert or ignore into due
        select clock_no, ?1, case_no from obligations join streams using (office_no)
          where stream_no = ?2 and next_at = ?3
        union select clock_no, ?1, case_no from obligations
          where next_at = ?3 and case_no in (
            select case_no from directives where case_no is not null and action = 'MOVE_CASE')"""
    cursor.execute(wake, (order.received_at - 1, stream_no, NEVER))


def read_unread(cursor: apsw.Cursor, words: Words) -> Stretches:
    """Give the outages that quarantined records are: each begins a millisecond before the record."""
    found: defaultdict[str, list[Outage]] = defaultdict(list)
    select = """
        select office_no, received_at, ended_at from quarantine join streams using (stream_no)
          where ended_at is not null and office_no is not null
        union all
        select office_no, min(received_at), null from quarantine join streams using (stream_no)
          where ended_at is null and office_no is not null group by office_no"""
    for office_no, received_at, ended_at in cursor.execute(select):
        end = NEVER if ended_at is None else ended_at
        found[words.text[office_no]].append(Outage(received_at - 1, end, unread=True))
    return found


def count_waiting(cursor: apsw.Cursor, words: Words) -> Mapping[str, int]:
    """Count the quarantined records that wait, by office."""
    # One step into the index a stream; what is walked are the records that wait, and they are few or a fault.
    select = """
        select office_no, sum((
          select count(*) from quarantine q where q.stream_no = streams.stream_no and ended_at is null)) as n
        from streams where office_no is not null group by office_no having n > 0"""
    return {words.text[office_no]: n for office_no, n in cursor.execute(select)}
