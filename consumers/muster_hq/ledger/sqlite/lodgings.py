"""What reports name, and what of that lies at headquarters, on SQLite: kept only where a policy asks."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import apsw

from muster_hq.entries import FiledReport
from muster_hq.ledger.ids import pack, pack_one, unpack
from muster_hq.ledger.sqlite.database import insert, rows
from muster_hq.ledger.sqlite.words import Words
from muster_hq.lodgings import Claim, Lodging

Due = tuple[str, int, int]
"""An office, the instant at which something was received, and a case that is due then."""

_LATER = "select received_at from lodgings where reference = ? and received_at > ?"
_NAMING = "select distinct case_no, stream_no from reports where reference = ?"
_CLAIMS = """
    select r.case_no, r.stream_no, r."offset", r.sha256 = l.sha256, l.received_at, l."offset", l.event_id,
      l.reference, l.sha256
    from carray(?) t cross join reports r on r.case_no = t.value join lodgings l using (reference)"""


def file(cursor: apsw.Cursor, words: Words, reports: Sequence[FiledReport], cases: Mapping[str, int]) -> Iterator[Due]:
    """Keep what reports name, and give the lodgings that came after them, as of when their cases are due again."""
    streams = words.of("stream")
    names = pack([report.reference for report in reports])
    keys = [(cases[case_id], streams[fact.stream], fact.offset) for case_id, fact, *_ in reports]
    named = [(*key, name, report.sha256) for key, name, report in zip(keys, names, reports, strict=True)]
    insert(cursor, "insert or fail into reports", named)
    for (case_id, fact, *_), name in zip(reports, names, strict=True):
        for (received_at,) in rows(cursor, _LATER, (name, fact.received_at)):
            yield fact.office, received_at, cases[case_id]


def lodge(cursor: apsw.Cursor, words: Words, lodgings: Iterable[Lodging]) -> Iterator[Due]:
    """Keep the first lodging of each reference and digest, and give the cases whose reports name its reference."""
    for received_at, offset, event_id, reference, digest in lodgings:
        name = pack_one(reference)
        cursor.execute(
            "insert or ignore into lodgings values (?, ?, ?, ?, ?)", (name, digest, received_at, offset, event_id)
        )
        if cursor.connection.changes():
            for case_no, stream_no in rows(cursor, _NAMING, (name,)):
                yield words.streams[stream_no][1], received_at, case_no


def claims_of(cursor: apsw.Cursor, words: Words, case_numbers: Sequence[int]) -> Mapping[int, list[Claim]]:
    """Give what the reports of these cases name that is lodged."""
    found: defaultdict[int, list[Claim]] = defaultdict(list)
    asked = (apsw.carray(array("q", case_numbers)),)
    for case_no, stream_no, offset, same, received_at, at, event_id, reference, digest in cursor.execute(
        _CLAIMS, asked
    ):
        lodging = Lodging(received_at, at, event_id, unpack(reference), digest)
        found[case_no].append(Claim(words.text[stream_no], offset, bool(same), lodging))
    return found
