"""The roll call's tables on SQLite: what was heard of offices, their rolls, and findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import apsw

from muster_hq.case_files import RollChange, RollFile
from muster_hq.entries import FindingRow
from muster_hq.heard import HeardRows
from muster_hq.ledger.evidence import pack_evidence
from muster_hq.ledger.sqlite.database import insert
from muster_hq.ledger.sqlite.words import Words
from muster_hq.roll import Roll, dump, load
from muster_hq.verdicts import Clocks


def insert_heard(cursor: apsw.Cursor, words: Words, heard: Iterable[HeardRows]) -> None:
    """Write down what was heard of offices."""
    offices, streams = words.of("office"), words.of("stream")
    rows = [(offices[h.office_id], h.at, streams[h.stream], h.offset, h.kind, h.epoch, h.rows) for h in heard]
    insert(cursor, "insert or fail into heard", rows)


def append_findings(cursor: apsw.Cursor, words: Words, findings: Iterable[FindingRow]) -> list[FindingRow]:
    """Append findings and count them; give those that were not there already."""
    new = []
    streams = words.of("stream")
    for f in findings:
        row = (f.kind, streams[f.stream], f.at, f.detail, f.office_id, pack_evidence(f.evidence, streams))
        cursor.execute("insert or ignore into findings values (?, ?, ?, ?, ?, ?)", row)
        if cursor.connection.changes():
            new.append(f)
    count = "insert into finding_tally values (?, ?) on conflict do update set n = n + excluded.n"
    cursor.executemany(count, list(Counter([f.kind for f in new]).items()))
    return new


def read_calls(cursor: apsw.Cursor, words: Words, *, heard: bool) -> dict[str, int]:
    """Give, by registered office, the instant past which its roll is due: with or without what was ``heard``."""
    # One step into an index an office: asked at every turn.
    first = "(select min(at) - 1 from heard h where h.office_no = o.office_no)" if heard else "null"
    select = f"""
        select office_no, min(coalesce(first, past), coalesce(past, first)) as due from (
          select o.office_no, {first} as first, (select past from rolls r where r.office_no = o.office_no) as past
          from (select distinct office_no from streams where registered and office_no is not null) o)
        where due is not null"""  # noqa: S608 - two texts of ours
    return {words.text[office_no]: past for office_no, past in cursor.execute(select)}


def take_due_rolls(cursor: apsw.Cursor, words: Words, clocks: Clocks) -> list[RollFile]:
    """Take up the offices whose roll is due by these clocks."""
    calls = read_calls(cursor, words, heard=True)
    due = [office for office, past in calls.items() if past < clocks.get(office, past)]
    return [_take(cursor, words, office, clocks[office]) for office in due]


def _take(cursor: apsw.Cursor, words: Words, office: str, clock: int) -> RollFile:
    office_no = words.of("office")[office]
    select = """delete from heard where office_no = ? and at <= ?
        returning stream_no, kind, epoch, at, "offset", rows"""
    heard = [HeardRows(office, words.text[no], *rest) for no, *rest in cursor.execute(select, (office_no, clock))]
    return RollFile(office, load(cursor.execute("select roll from rolls where office_no = ?", (office_no,)).get), heard)


def write_rolls(cursor: apsw.Cursor, words: Words, changes: Iterable[RollChange]) -> None:
    """Keep the rolls of offices, as called, and put back what was not settled."""
    offices = words.of("office")
    for office_id, roll, past, rest in changes:
        cursor.execute("insert or replace into rolls values (?, ?, ?)", (offices[office_id], dump(roll), past))
        insert_heard(cursor, words, rest)


def read_rolls(cursor: apsw.Cursor, words: Words) -> Mapping[str, Roll]:
    """Give the roll of each office."""
    return {words.text[no]: load(roll) for no, roll in cursor.execute("select office_no, roll from rolls")}
