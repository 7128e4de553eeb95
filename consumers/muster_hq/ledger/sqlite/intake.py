"""The intake transaction on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import apsw

from muster_contract.topics import parse_stream
from muster_hq.entries import FindingRow, Heartbeat, Move, NewFact, Numbers, QuarantinedRecord
from muster_hq.ledger.sqlite.database import Words, pack_evidence
from muster_hq.ledger.sqlite.shapes import Shapes
from muster_hq.ledger_port import Outrun
from muster_hq.policy import Shape


class SqliteIntake:
    """See IntakeTransaction."""

    def __init__(self, cursor: apsw.Cursor, words: Words, shapes: Shapes) -> None:
        self._cursor = cursor
        self._words = words
        self._shapes = shapes

    def known(self, ids: Sequence[tuple[str, bytes]]) -> Mapping[tuple[str, bytes], bytes]:
        """Give the digests of those (stream, event_id) pairs that have been applied before."""
        found = self._cursor.executemany(
            "select stream_no, event_id, digest from applied where stream_no = ? and event_id = ?",
            [(self._words.of("stream")[stream], event_id) for stream, event_id in ids],
        )
        return {(self._words.word(stream_no), event_id): digest for stream_no, event_id, digest in found}

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

    def append(self, facts: Sequence[NewFact], clocks: Sequence[str], concern: Callable[[Shape], bool]) -> None:
        """Append facts, and make their cases due for judgement on the office's clock and on these."""
        case_numbers = self._case_numbers({new.case_id for new in facts})
        streams, offices, shape_no = self._words.of("stream"), self._words.of("office"), self._shapes.number
        self._cursor.executemany(
            "insert into facts values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    case_numbers[case_id],
                    received_at,
                    streams[stream],
                    offset,
                    event_id,
                    shape_no(shape),
                    enc,
                    own_at,
                    names,
                )
                for case_id, (received_at, stream, offset, _, event_id, shape, enc, own_at, names), _ in facts
            ],
        )
        self._cursor.executemany(
            "insert into applied values (?, ?, ?)",
            [(streams[fact.stream], fact.event_id, digest) for _, fact, digest in facts],
        )
        due = {
            (offices[f.office], f.received_at - 1, case_numbers[case_id]) for case_id, f, _ in facts if concern(f.shape)
        }
        for clock in clocks:
            due |= {(self._words.clocks()[clock], past, case_no) for _, past, case_no in due}
        self._cursor.executemany("insert or ignore into due values (?, ?, ?)", due)

    def note_ids(self, ids: Sequence[tuple[str, bytes, bytes]]) -> None:
        """Remember the (stream, event_id, digest) of applied records that are no facts of a case."""
        self._cursor.executemany(
            "insert into applied values (?, ?, ?)",
            [(self._words.of("stream")[stream], event_id, digest) for stream, event_id, digest in ids],
        )

    def count_numbers(self, numbers: Iterable[Numbers]) -> None:
        """Add to what is known of each epoch's sequence numbers."""
        self._cursor.executemany(
            "insert into numbers values (?, ?, ?, ?) on conflict do update set"
            " highest = max(highest, excluded.highest), received = received + excluded.received",
            [(self._words.of("stream")[n.stream], n.epoch.bytes, n.highest, n.received) for n in numbers],
        )

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
                "insert into quarantine values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (self._words.of("stream")[r.stream], *r[1:8], epoch, r.sequence),
            )
            self._cursor.execute(
                "insert into quarantine_tally values (?, 1) on conflict do update set n = n + 1", (r.reason,)
            )

    def find(self, findings: Iterable[FindingRow]) -> None:
        """Append findings; one that is there already is left as it is."""
        self._cursor.executemany(
            "insert or ignore into findings values (?, ?, ?, ?, ?, ?)",
            [
                (f.kind, self._words.of("stream")[f.stream], f.at, f.detail, f.office_id, self._pack(f))
                for f in findings
            ],
        )

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

    def publish(self, records: Iterable[tuple[str, bytes]]) -> None:
        """Queue (topic, value) records for publishing."""
        self._cursor.executemany("insert into outgoing (topic, value) values (?, ?)", records)

    def _make_known(self, stream: str) -> None:
        """Give an unregistered office's stream its row: its records are accounted for as well."""
        parsed = parse_stream(stream)
        office_no = self._words.of("office")[parsed.office] if parsed and parsed.office else None
        self._cursor.execute(
            "insert or ignore into streams (stream_no, office_no, registered) values (?, ?, 0)",
            (self._words.of("stream")[stream], office_no),
        )

    def _pack(self, finding: FindingRow) -> bytes:
        return pack_evidence(finding.evidence, self._words)

    def _case_numbers(self, case_ids: set[str]) -> dict[str, int]:
        asked = apsw.carray(tuple(case_ids))
        known = dict(self._cursor.execute("select case_id, case_no from cases where case_id in carray(?)", (asked,)))
        new = [case_id for case_id in case_ids if case_id not in known]
        if new:
            top = self._cursor.execute("select coalesce(max(case_no), 0) from cases").get
            numbered = dict(zip(new, range(top + 1, top + 1 + len(new)), strict=True))
            self._cursor.executemany("insert into cases (case_id, case_no) values (?, ?)", numbered.items())
            known |= numbered
        return known
