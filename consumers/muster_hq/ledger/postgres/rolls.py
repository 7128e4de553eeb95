"""The roll call's tables on PostgreSQL: what was heard of offices, their rolls, and findings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import Cursor

from muster_hq.case_files import RollChange, RollFile
from muster_hq.entries import FindingRow
from muster_hq.heard import HeardRows
from muster_hq.ledger.evidence import pack_evidence
from muster_hq.ledger.postgres.binary import copy, int2s, int8s, sized
from muster_hq.ledger.postgres.words import Fetch, Words
from muster_hq.roll import Roll, dump, load
from muster_hq.verdicts import Clocks

_CALLS = """
    select office_no, least(first, past) from (
      select o.office_no, {first} as first, (select past from rolls r where r.office_no = o.office_no) as past
      from (select distinct office_no from streams where registered and office_no is not null) o) calls
    where least(first, past) is not null"""
_HEARD_FIRST = "(select min(at) - 1 from heard h where h.office_no = o.office_no)"
_LOCK = "select office_no, roll, past from rolls where office_no = any(%s) order by office_no for update skip locked"
_TAKE_HEARD = """
    delete from heard using unnest(%s, %s) as taken(office, clock) where office_no = office and at <= clock
    returning office_no, stream_no, kind, epoch, at, "offset", rows"""
_FIND = """
    insert into findings values (%s, %s, %s, %s, %s, %s) on conflict do nothing"""


def insert_heard(cursor: Cursor[Any], words: Words, heard: Iterable[HeardRows]) -> None:
    """Write down what was heard of offices."""
    offices, streams = words.of("office"), words.of("stream")
    rows = []
    for office_id, stream, kind, epoch, at, offset, packed in heard:
        numbers = [at.to_bytes(8, "big", signed=True), offset.to_bytes(8, "big")]
        numbers += [number.to_bytes(2, "big") for number in (offices[office_id], streams[stream], kind)]
        rows.append(b"\0\7" + b"".join(map(sized, [*numbers, epoch, packed])))
    copy(cursor, 'heard (at, "offset", office_no, stream_no, kind, epoch, rows)', rows)


def append_findings(
    cursor: Cursor[Any], words: Words, worker_no: int, findings: Iterable[FindingRow]
) -> list[FindingRow]:
    """Append findings and count them; give those that were not there already."""
    streams = words.of("stream")
    new = []
    for f in sorted(findings, key=lambda f: (f.kind, streams[f.stream], f.at, f.detail)):
        row = (f.kind, streams[f.stream], f.at, f.detail, f.office_id, pack_evidence(f.evidence, streams))
        if cursor.execute(_FIND, row).rowcount:
            new.append(f)
    upsert = """insert into finding_tally as t values (%s, %s, %s)
        on conflict (worker_no, kind) do update set n = t.n + excluded.n"""
    if new:
        tally = Counter([f.kind for f in new])
        cursor.executemany(upsert, [(worker_no, kind, n) for kind, n in sorted(tally.items())])
    return new


def read_calls(fetch: Fetch, words: Words, *, heard: bool) -> dict[str, int]:
    """Give, by registered office, the instant past which its roll is due: with or without what was ``heard``."""
    # One step into an index an office: asked at every turn. LEAST passes over what is null.
    offices = words.text("office")
    first = _HEARD_FIRST if heard else "null::bigint"
    return {offices[office_no]: past for office_no, past in fetch(_CALLS.format(first=first))}


def take_due_rolls(cursor: Cursor[Any], fetch: Fetch, words: Words, clocks: Clocks) -> list[RollFile]:
    """Take up the offices whose roll is due by these clocks, and that no other worker calls just now."""
    offices, texts = words.of("office"), words.text("office")
    calls = read_calls(fetch, words, heard=True)
    due = sorted(offices[office] for office, past in calls.items() if past < clocks.get(office, past))
    if not due:
        return []
    locked = cursor.execute(_LOCK, (int2s(due),)).fetchall()
    upto = [clocks[texts[office_no]] for office_no, *_ in locked]
    heard: defaultdict[int, list[HeardRows]] = defaultdict(list)
    streams = words.text("stream")
    taken = cursor.execute(_TAKE_HEARD, (int2s([office_no for office_no, *_ in locked]), int8s(upto)))
    for office_no, stream_no, *rest in taken.fetchall():
        heard[office_no].append(HeardRows(texts[office_no], streams[stream_no], *rest))
    # One that another worker called since, by a later clock, is due no longer.
    return [
        RollFile(texts[office_no], load(roll), heard[office_no])
        for (office_no, roll, past), clock in zip(locked, upto, strict=True)
        if heard[office_no] or (past is not None and past < clock)
    ]


def write_rolls(cursor: Cursor[Any], words: Words, changes: Iterable[RollChange]) -> None:
    """Keep the rolls of offices, as called, and put back what was not settled."""
    offices = words.of("office")
    upsert = """insert into rolls values (%s, %s, %s)
        on conflict (office_no) do update set roll = excluded.roll, past = excluded.past"""
    changes = list(changes)
    cursor.executemany(upsert, [(offices[office_id], dump(roll), past) for office_id, roll, past, _ in changes])
    insert_heard(cursor, words, (heard for change in changes for heard in change.rest))


def read_rolls(fetch: Fetch, words: Words) -> Mapping[str, Roll]:
    """Give the roll of each office."""
    offices = words.text("office")
    return {offices[no]: load(roll) for no, roll in fetch("select office_no, roll from rolls where roll is not null")}
