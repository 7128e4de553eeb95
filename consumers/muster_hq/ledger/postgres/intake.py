"""The intake transaction on PostgreSQL: one statement a table and batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from struct import Struct
from typing import Any
from uuid import UUID

from psycopg import Cursor

from muster_contract.topics import parse_stream
from muster_hq.entries import FiledReport, FindingRow, Heartbeat, Move, NewFact, QuarantinedRecord, Settled
from muster_hq.heard import HeardRows
from muster_hq.ledger.postgres.binary import SIZED, byteas, copy, int2s, int8s, uuids
from muster_hq.ledger.postgres.directives import end_quarantine, keep_order, orders_on, read_waiting, take_turns
from muster_hq.ledger.postgres.lodgings import file, lodge, meet
from muster_hq.ledger.postgres.outgoing import queue
from muster_hq.ledger.postgres.rolls import append_findings, insert_heard
from muster_hq.ledger.postgres.stored_ids import apart, name_of, stored
from muster_hq.ledger.postgres.words import Words
from muster_hq.ledger_port import Outrun
from muster_hq.lodgings import Lodging
from muster_hq.orders import Order
from muster_hq.patterns import Shape

_KNOWN_FACTS = """
    select stream_no, event_id, digest from unnest(%s, %s) as asked(stream, event)
    join facts f on id_start(event_id) = id_start(event) and event_id = event and stream_no = stream
    where not exists (select from quarantine q where q.stream_no = f.stream_no and q."offset" = f."offset")"""
_KNOWN_NOTES = """
    select stream_no, event_id, digest from unnest(%s, %s) as asked(stream, event)
    join noted on event_id = event and stream_no = stream"""
_FACTS = 'facts (received_at, "offset", own_at, digest, event_id, case_no, shape_no, stream_no, encounter_id, names)'
_READMITTED = f"insert into {_FACTS} values (%s, %s, %s, 0, %s, %s, %s, %s, %s, %s)"  # noqa: S608 - a text of ours
_MAKE_KNOWN = """
    insert into streams (stream_no, office_no, registered)
    select stream, nullif(office, 0), false from unnest(%s, %s) as new(stream, office)
    where not exists (select from streams where stream_no = stream) order by stream on conflict do nothing"""
_MOVE = """
    update streams set next_offset = m.next_offset, clock = m.clock, topic_id = m.topic_id, newest_id = m.newest_id,
      applied = streams.applied + m.applied, duplicate = streams.duplicate + m.duplicate,
      pulse = streams.pulse + m.pulse, quarantined = streams.quarantined + m.quarantined
    from (select * from unnest(%s, %s, %s, %s, %s::text[], %s, %s, %s, %s, %s)
      as m(stream, start, next_offset, clock, topic_id, newest_id, applied, duplicate, pulse, quarantined)
      order by stream) m
    where stream_no = stream and streams.next_offset = start returning stream_no"""
_NEW_CASES = """
    insert into cases (case_id, case_text)
    select * from (select id, null::text from unnest(%s) as id order by id) u
    union all select * from (select null::uuid, text from unnest(%s::text[]) as text order by text) t
    on conflict do nothing returning case_id, case_text, case_no"""
_FIND_CASES = """
    select case_id, case_text, case_no from cases where case_id = any(%s)
    union all select case_id, case_text, case_no from cases where case_text = any(%s::text[])"""
_HEAR = """
    insert into heartbeats values (%s, %s, %s, %s, %s, %s) on conflict (office_no) do update set
      received_at = excluded.received_at, epoch = excluded.epoch, pending = excluded.pending,
      last_encounter_sequence = excluded.last_encounter_sequence,
      last_incident_sequence = excluded.last_incident_sequence"""
_DIGEST = Struct(">q")
_FACT = Struct(">hiqiqiqi8si16siiiiih")
_NOTED = Struct(">hihi16si8s")
_DUE = Struct(">hiqiiih")
_ARRIVALS = "arrivals (past, case_no, clock_no)"


class PostgresIntake:
    """See IntakeTransaction."""

    def __init__(self, cursor: Cursor[Any], words: Words, worker_no: int) -> None:
        self._cursor = cursor
        self._words = words
        self._worker_no = worker_no

    def known(self, ids: Sequence[tuple[str, bytes]]) -> Mapping[tuple[str, bytes], bytes]:
        """Give the digests of those (stream, event_id) pairs that have been applied before."""
        streams, texts = self._words.of("stream"), self._words.text("stream")
        asked = int2s([streams[stream] for stream, _ in ids]), uuids([event_id for _, event_id in ids])
        found: dict[tuple[str, bytes], bytes] = {}
        for select in (_KNOWN_FACTS, _KNOWN_NOTES):
            for stream_no, event_id, digest in self._cursor.execute(select, asked):
                found[texts[stream_no], event_id] = _DIGEST.pack(digest)
        return found

    def move(self, moves: Iterable[Move]) -> None:
        """Move positions and clocks by compare-and-set, and add the counts; Outrun when one has moved."""
        moves = list(moves)
        if not moves:
            return
        streams = self._make_known([move.stream for move in moves])
        states, counts = [move.state for move in moves], list(zip(*[move.counts for move in moves], strict=True))
        self._cursor.execute(
            _MOVE,
            (
                int2s(streams),
                int8s([move.start for move in moves]),
                int8s([state.next_offset for state in states]),
                int8s([state.clock for state in states]),
                [state.topic_id for state in states],
                byteas([state.newest_id for state in states]),
                *map(int8s, counts),
            ),
        )
        moved = {stream_no for (stream_no,) in self._cursor.fetchall()}
        for number, move in zip(streams, moves, strict=True):
            if number not in moved:
                raise Outrun(move.stream)

    def append(self, facts: Sequence[NewFact], clocks: Sequence[str], concern: Mapping[Shape, bool]) -> None:
        """Append facts, and make their cases due for judgement on the office's clock and on these."""
        numbers = self._case_numbers(list(dict.fromkeys([new[0] for new in facts])))
        streams, offices, shapes = self._words.of("stream"), self._words.of("office"), self._words.shape_numbers
        encounters = stored([new[1][6] for new in facts])
        pack, none = _FACT.pack, SIZED[0]
        id_size = SIZED[16]
        rows, due = [], []
        wide = [self._words.clocks()[clock] for clock in clocks]
        for (case_id, fact, digest), encounter in zip(facts, encounters, strict=True):
            received_at, stream, offset, office, event_id, shape, _, own_at, names = fact
            case_no, stream_no = numbers[case_id], streams[stream]
            ids = 16, event_id, 4, case_no, 4, shapes[shape], 2, stream_no
            fixed = pack(10, 8, received_at, 8, offset, 8, own_at, 8, digest, *ids)
            row = fixed + SIZED[len(encounter)] + encounter + (id_size + names if names else none)
            rows.append((case_no, row))
            if concern[shape]:
                due.append((offices[office], received_at - 1, case_no))
                due.extend([(clock_no, received_at - 1, case_no) for clock_no in wide])
        rows.sort()  # an index is filled fastest in its own order
        due.sort()
        copy(self._cursor, _FACTS, [row for _, row in rows])
        copy(self._cursor, _ARRIVALS, due_rows(due))

    def meet(self, *, alone: bool) -> None:
        """Wait for those who take lodgings in, or if ``alone`` for all who take reports in as well."""
        meet(self._cursor, alone=alone)

    def file(self, reports: Sequence[FiledReport], clocks: Sequence[str]) -> None:
        """Keep what reports name; their cases are due again at later lodgings of it."""
        cases = self._case_numbers(list(dict.fromkeys([report.case_id for report in reports])))
        for office, received_at, case_no in file(self._cursor, self._words, reports, cases):
            self._make_due(office, received_at, case_no, clocks)

    def lodge(self, lodgings: Sequence[Lodging], clocks: Sequence[str]) -> None:
        """Keep the first lodging of a reference and digest; cases whose reports name its reference are due."""
        for office, received_at, case_no in lodge(self._cursor, self._words, lodgings):
            self._make_due(office, received_at, case_no, clocks)

    def note_ids(self, ids: Sequence[tuple[str, bytes, bytes]]) -> None:
        """Remember the (stream, event_id, digest) of applied records that are no facts of a case."""
        streams = self._words.of("stream")
        rows = [_NOTED.pack(3, 2, streams[stream], 16, event_id, 8, digest) for stream, event_id, digest in ids]
        copy(self._cursor, "noted (stream_no, event_id, digest)", rows)

    def note_heard(self, heard: Iterable[HeardRows]) -> None:
        """Write down what was heard of offices, for the roll call."""
        insert_heard(self._cursor, self._words, heard)

    def hear(self, heartbeats: Iterable[Heartbeat]) -> None:
        """Keep the latest heartbeat of each office."""
        offices = self._words.of("office")
        rows = sorted((offices[h.office_id], h.received_at, h.epoch.bytes, *h[3:]) for h in heartbeats)
        if rows:
            self._cursor.executemany(_HEAR, rows)

    def quarantine(self, records: Iterable[QuarantinedRecord]) -> None:
        """Keep records that could not be applied."""
        records = list(records)
        if not records:
            return
        streams = self._words.of("stream")
        reasons = Counter([r.reason for r in records])
        columns = 'stream_no, "offset", received_at, reason, detail, value, size, sha256, epoch, sequence'
        with self._cursor.copy(f"copy quarantine ({columns}) from stdin (format binary)") as out:
            out.set_types(["int2", "int8", "int8", "text", "text", "bytea", "int8", "bytea", "bytea", "int8"])
            for r in records:
                epoch = r.epoch.bytes if r.epoch else None
                out.write_row((streams[r.stream], *r[1:8], epoch, r.sequence))
        count(self._cursor, "quarantine_tally", "reason", self._worker_no, reasons)

    def give_orders(self, orders: Sequence[Order], clocks: Sequence[str]) -> None:
        """Keep directives, and make the cases that they concern due."""
        take_turns(self._cursor)
        concerned = dict.fromkeys([order.case_id for order in orders if order.case_id])
        numbers = self._case_numbers(list(concerned)) if concerned else {}
        for order in orders:
            case_no = numbers.get(order.case_id)
            keep_order(self._cursor, order, case_no)
            if case_no is not None:
                self._make_due(order.offices, order.received_at, case_no, clocks)

    def orders_on(self, places: Iterable[tuple[str, int]]) -> list[Order]:
        """Give the directives that name one of these records and are not ignored."""
        return orders_on(self._cursor, places)

    def waiting(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], QuarantinedRecord]:
        """Give those of these records that are quarantined and wait for a directive."""
        return read_waiting(self._cursor, self._words, places)

    def settle(self, settled: Iterable[Settled], clocks: Sequence[str]) -> None:
        """End the quarantine of records, and append the facts that come of them."""
        streams, shapes = self._words.of("stream"), self._words.shape_numbers
        for record, order, new, _ in settled:
            stream_no = streams[record.stream]
            end_quarantine(self._cursor, stream_no, record.offset, order)
            if new is None:
                continue
            case_id, fact = new
            case_no, encounter = self._case_numbers([case_id])[case_id], stored([fact.encounter_id])[0]
            values = fact.received_at, fact.offset, fact.own_at, UUID(bytes=fact.event_id), case_no, shapes[fact.shape]
            self._cursor.execute(_READMITTED, (*values, stream_no, encounter, fact.names or b""))
            self._cursor.execute('update directives set case_no = %s where "offset" = %s', (case_no, order.offset))
            self._make_due((fact.office,), fact.received_at, case_no, clocks)

    def _make_due(self, offices: Iterable[str], received_at: int, case_no: int, clocks: Sequence[str]) -> None:
        numbers = self._words.clocks()
        rows = due_rows([(numbers[clock], received_at - 1, case_no) for clock in (*offices, *clocks)])
        copy(self._cursor, _ARRIVALS, rows)

    def find(self, findings: Iterable[FindingRow]) -> list[FindingRow]:
        """Append findings, and give those that are new."""
        return append_findings(self._cursor, self._words, self._worker_no, findings)

    def note_gaps(self, gaps: Iterable[tuple[str, int, int]]) -> None:
        """Keep (office, start, end) of stretches without records."""
        offices = self._words.of("office")
        rows = sorted({(offices[office], start, end) for office, start, end in gaps})
        if rows:
            numbers, starts, ends = zip(*rows, strict=True)
            insert = "insert into gaps select * from unnest(%s, %s, %s) on conflict do nothing"
            self._cursor.execute(insert, (int2s(numbers), int8s(starts), int8s(ends)))

    def count_delays(self, counts: Mapping[float, int], total: float) -> None:
        """Add to the histogram of transmission delays; its sum stands under the bound -1."""
        count(self._cursor, "delays", "bound", self._worker_no, {**counts, -1.0: total})

    def count_declined(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Add to the transfers that were declined."""
        offices = self._words.of("office")
        upsert = """insert into declined as t values (%s, %s, %s, %s)
            on conflict (worker_no, office_no, jurisdiction) do update set n = t.n + excluded.n"""
        if counts:
            rows = [(self._worker_no, offices[office], place, n) for (office, place), n in counts.items()]
            self._cursor.executemany(upsert, rows)

    def publish(self, records: Iterable[tuple[str, bytes]]) -> None:
        """Queue (topic, value) records for publishing."""
        queue(self._cursor, self._worker_no, records)

    def _make_known(self, streams: Sequence[str]) -> list[int]:
        """Give the streams' numbers, and an unregistered office's stream its row: it is accounted for as well."""
        offices = self._words.of("office")
        self._words.learn("stream", streams)
        numbers = [self._words.of("stream")[stream] for stream in streams]
        parsed = map(parse_stream, streams)
        owners = [offices[stream.office] if stream and stream.office else 0 for stream in parsed]
        self._cursor.execute(_MAKE_KNOWN, (int2s(numbers), int2s(owners)))
        return numbers

    def _case_numbers(self, case_ids: Sequence[str]) -> dict[str, int]:
        """Give the numbers of cases; what is new goes in by the order of ids, which all workers keep."""
        known = self._numbers(_FIND_CASES, case_ids)
        for statement in (_NEW_CASES, _FIND_CASES):  # the second for those where another worker was faster
            if len(known) < len(case_ids):
                known |= self._numbers(statement, [case_id for case_id in case_ids if case_id not in known])
        return known

    def _numbers(self, statement: str, case_ids: Sequence[str]) -> dict[str, int]:
        packed, texts = apart(case_ids)
        found = self._cursor.execute(statement, (uuids(packed), texts)).fetchall()
        return {name_of(case_id, text): case_no for case_id, text, case_no in found}


def due_rows(due: Iterable[tuple[int, int, int]]) -> list[bytes]:
    """Give (clock, instant, case) rows in the form of COPY."""
    pack = _DUE.pack
    return [pack(3, 8, past, 4, case_no, 2, clock_no) for clock_no, past, case_no in due]


def count(
    cursor: Cursor[Any], table: str, key: str, worker_no: int, counts: Mapping[str, float] | Mapping[float, float]
) -> None:
    """Add to a tally of this worker's."""
    if counts:
        upsert = f"insert into {table} as t values (%s, %s, %s) on conflict (worker_no, {key}) do update set n = t.n + excluded.n"  # noqa: S608, E501 - names of ours
        cursor.executemany(upsert.encode(), [(worker_no, name, n) for name, n in counts.items()])
