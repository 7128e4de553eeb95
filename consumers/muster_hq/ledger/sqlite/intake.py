"""The intake transaction on SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import apsw

from muster_contract.topics import parse_stream
from muster_hq.entries import FiledReport, FindingRow, Heartbeat, Move, NewFact, QuarantinedRecord, Settled
from muster_hq.heard import HeardRows
from muster_hq.ledger.ids import StoredId, pack
from muster_hq.ledger.sqlite.database import insert
from muster_hq.ledger.sqlite.directives import end_quarantine, orders_on, read_waiting
from muster_hq.ledger.sqlite.lodgings import file, lodge
from muster_hq.ledger.sqlite.rolls import append_findings, insert_heard
from muster_hq.ledger.sqlite.words import Words
from muster_hq.ledger_port import Outrun
from muster_hq.lodgings import Lodging
from muster_hq.orders import Order
from muster_hq.patterns import Shape


class SqliteIntake:
    """See IntakeTransaction."""

    def __init__(self, cursor: apsw.Cursor, words: Words) -> None:
        self._cursor = cursor
        self._words = words

    def known(self, ids: Sequence[tuple[str, bytes]]) -> Mapping[tuple[str, bytes], bytes]:
        """Give the digests of those (stream, event_id) pairs that have been applied before."""
        found = self._cursor.executemany(
            "select stream_no, event_id, digest from applied where stream_no = ? and event_id = ?",
            [(self._words.of("stream")[stream], event_id) for stream, event_id in ids],
        )
        return {(self._words.text[stream_no], event_id): digest for stream_no, event_id, digest in found}

    def move(self, moves: Iterable[Move]) -> None:
        """Move positions and clocks by compare-and-set, and add the counts; Outrun when one has moved."""
        for stream, start, state, counts in moves:
            self._make_known(stream)
            self._cursor.execute(
                "update streams set next_offset = ?, clock = ?, topic_id = ?, newest_id = ?, applied = applied + ?,"
                " duplicate = duplicate + ?, pulse = pulse + ?, quarantined = quarantined + ?"
                " where stream_no = ? and next_offset = ?",
                (*state, *counts, self._words.of("stream")[stream], start),
            )
            if not self._cursor.connection.changes():
                raise Outrun(stream)

    def append(self, facts: Sequence[NewFact], clocks: Sequence[str], concern: Mapping[Shape, bool]) -> None:
        """Append facts, and make their cases due for judgement on the office's clock and on these."""
        cases = self._case_numbers(list(dict.fromkeys([new[0] for new in facts])))
        streams, offices, shapes = self._words.of("stream"), self._words.of("office"), self._words.shape_numbers
        encounters = pack([new[1][6] for new in facts])
        rows = [
            (cases[case_id], received_at, streams[stream], offset, event_id, shapes[shape], encounter, own_at, names)
            for (case_id, (received_at, stream, offset, _, event_id, shape, _, own_at, names), _), encounter in zip(
                facts, encounters, strict=True
            )
        ]
        insert(self._cursor, "insert or fail into facts", rows)
        applied = [(row[2], row[4], new[2]) for row, new in zip(rows, facts, strict=True)]
        insert(self._cursor, "insert or fail into applied", applied)
        due = [
            (offices[fact[3]], row[1] - 1, row[0])
            for row, (_, fact, _) in zip(rows, facts, strict=True)
            if concern[fact[5]]
        ]
        for clock in clocks:
            due += [(self._words.clocks()[clock], past, case_no) for _, past, case_no in due]
        due.sort()  # an index is filled fastest in its own order
        insert(self._cursor, "insert or ignore into due", due)

    def meet(self, *, alone: bool) -> None:
        """Wait for nobody: there is no other writer."""

    def file(self, reports: Sequence[FiledReport], clocks: Sequence[str]) -> None:
        """Keep what reports name; their cases are due again at later lodgings of it."""
        if reports:
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
        applied = [(streams[stream], event_id, digest) for stream, event_id, digest in ids]
        insert(self._cursor, "insert or fail into applied", applied)

    def note_heard(self, heard: Iterable[HeardRows]) -> None:
        """Write down what was heard of offices, for the roll call."""
        insert_heard(self._cursor, self._words, heard)

    def hear(self, heartbeats: Iterable[Heartbeat]) -> None:
        """Keep the latest heartbeat of each office."""
        self._cursor.executemany(
            "insert or replace into heartbeats values (?, ?, ?, ?, ?, ?)",
            [(self._words.of("office")[h.office_id], h.received_at, h.epoch.bytes, *h[3:]) for h in heartbeats],
        )

    def quarantine(self, records: Iterable[QuarantinedRecord]) -> None:
        """Keep records that could not be applied."""
        for r in records:
            epoch = r.epoch.bytes if r.epoch else None
            self._cursor.execute(
                "insert into quarantine values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null, null)",
                (self._words.of("stream")[r.stream], *r[1:8], epoch, r.sequence),
            )
            self._cursor.execute(
                "insert into quarantine_tally values (?, 1) on conflict do update set n = n + 1", (r.reason,)
            )

    def give_orders(self, orders: Sequence[Order], clocks: Sequence[str]) -> None:
        """Keep directives, and make the cases that they concern due."""
        concerned = dict.fromkeys([order.case_id for order in orders if order.case_id])
        numbers = self._case_numbers(list(concerned)) if concerned else {}
        keep = "insert into directives values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        for order in orders:
            case_no = numbers.get(order.case_id)
            self._cursor.execute(keep, (*order, case_no))
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
            case_no, encounter = self._case_numbers([case_id])[case_id], pack([fact.encounter_id])[0]
            self._cursor.execute(
                "insert into facts values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (case_no, *fact[:1], stream_no, fact.offset, fact.event_id, shapes[fact.shape], encounter, *fact[-2:]),
            )
            self._cursor.execute('update directives set case_no = ? where "offset" = ?', (case_no, order.offset))
            self._make_due((fact.office,), fact.received_at, case_no, clocks)

    def _make_due(self, offices: Iterable[str], received_at: int, case_no: int, clocks: Sequence[str]) -> None:
        for clock in (*offices, *clocks):
            due = (self._words.clocks()[clock], received_at - 1, case_no)
            self._cursor.execute("insert or ignore into due values (?, ?, ?)", due)

    def find(self, findings: Iterable[FindingRow]) -> list[FindingRow]:
        """Append findings, and give those that are new."""
        return append_findings(self._cursor, self._words, findings)

    def note_gaps(self, gaps: Iterable[tuple[str, int, int]]) -> None:
        """Keep (office, start, end) of stretches without records."""
        self._cursor.executemany(
            "insert or ignore into gaps values (?, ?, ?)",
            [(self._words.of("office")[office], start, end) for office, start, end in gaps],
        )

    def count_delays(self, counts: Mapping[float, int], total: float) -> None:
        """Add to the histogram of transmission delays; its sum stands under the bound -1."""
        self._cursor.executemany(
            "insert into delays values (?, ?) on conflict do update set n = n + excluded.n",
            [*counts.items(), (-1.0, total)],
        )

    def count_declined(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Add to the transfers that were declined."""
        offices = self._words.of("office")
        self._cursor.executemany(
            "insert into declined values (?, ?, ?) on conflict do update set n = n + excluded.n",
            [(offices[office], jurisdiction, n) for (office, jurisdiction), n in counts.items()],
        )

    def publish(self, records: Iterable[tuple[str, bytes]]) -> None:
        """Queue (topic, value) records for publishing."""
        insert(self._cursor, "insert or fail into outgoing (topic, value)", list(records))

    def _make_known(self, stream: str) -> None:
        """Give an unregistered office's stream its row: its records are accounted for as well."""
        parsed = parse_stream(stream)
        office_no = self._words.of("office")[parsed.office] if parsed and parsed.office else None
        self._cursor.execute(
            "insert or ignore into streams (stream_no, office_no, registered) values (?, ?, 0)",
            (self._words.of("stream")[stream], office_no),
        )

    def _case_numbers(self, case_ids: Sequence[str]) -> dict[str, int]:
        """Give the numbers of cases. New ones go up from those before, so that tables by case grow at their end.

        Among themselves they go by their ids, for an index is filled fastest in its own order.
        """
        asked = dict(zip(case_ids, pack(case_ids), strict=True))
        known: dict[StoredId, int] = {}
        for kind in (bytes, str):  # an array holds one or the other
            stored = tuple([case_id for case_id in asked.values() if type(case_id) is kind])
            select = "select case_id, case_no from cases where case_id in carray(?)"
            known.update(self._cursor.execute(select, (apsw.carray(stored),)) if stored else ())
        new = sorted([case_id for case_id in asked.values() if case_id not in known], key=_index_order)
        if new:
            first = self._cursor.execute("select coalesce(max(case_no), 0) + 1 from cases").get
            numbered = list(zip(new, range(first, first + len(new)), strict=True))
            insert(self._cursor, "insert or fail into cases (case_id, case_no)", numbered)
            known.update(numbered)
        return {text: known[case_id] for text, case_id in asked.items()}


def _index_order(case_id: StoredId) -> tuple[bool, StoredId]:
    return isinstance(case_id, bytes), case_id
