"""What reports name, and what of that lies at headquarters, on PostgreSQL: kept only where a policy asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import Cursor

from muster_hq.entries import FiledReport
from muster_hq.ledger.postgres.binary import byteas, int4s, int8s
from muster_hq.ledger.postgres.stored_ids import stored, text_of
from muster_hq.ledger.postgres.words import Words
from muster_hq.lodgings import Claim, Lodging

Due = tuple[str, int, int]
"""An office, the instant at which something was received, and a case that is due then."""

_TURN = "select pg_advisory_xact_lock{}(hashtext('muster lodgings'))"
_LATER = """
    select number, l.received_at from unnest(%s, %s) with ordinality as named(name, at, number)
    join lodgings l on reference = name and l.received_at > at"""
_LODGE = "insert into lodgings values (%s, %s, %s, %s, %s) on conflict do nothing"
_NAMING = "select distinct case_no, stream_no from reports where reference = %s order by case_no"
_CLAIMS = """
    select r.case_no, r.stream_no, r."offset", r.sha256 = l.sha256, l.received_at, l."offset", l.event_id,
      l.reference, l.sha256
    from reports r join lodgings l using (reference) where r.case_no = any(%s)"""


def meet(cursor: Cursor[Any], *, alone: bool) -> None:
    """Keep out, until this transaction ends, whoever takes lodgings in; if ``alone``, who takes reports in, too."""
    cursor.execute(_TURN.format("" if alone else "_shared").encode())


def file(cursor: Cursor[Any], words: Words, reports: Sequence[FiledReport], cases: Mapping[str, int]) -> Iterator[Due]:
    """Keep what reports name, and give the lodgings that came after them, as of when their cases are due again."""
    if not reports:
        return
    streams = words.of("stream")
    names = stored([report.reference for report in reports])
    columns = 'case_no, stream_no, "offset", reference, sha256'
    with cursor.copy(f"copy reports ({columns}) from stdin (format binary)") as out:
        out.set_types(["int4", "int2", "int8", "bytea", "bytea"])
        for (case_id, fact, _, digest), name in zip(reports, names, strict=True):
            out.write_row((cases[case_id], streams[fact.stream], fact.offset, name, digest))
    instants = int8s([report.fact.received_at for report in reports])
    for number, received_at in cursor.execute(_LATER, (byteas(names), instants)).fetchall():
        case_id, fact, *_ = reports[number - 1]
        yield fact.office, received_at, cases[case_id]


def lodge(cursor: Cursor[Any], words: Words, lodgings: Iterable[Lodging]) -> Iterator[Due]:
    """Keep the first lodging of each reference and digest, and give the cases whose reports name its reference."""
    for received_at, offset, event_id, reference, digest in lodgings:
        (name,) = stored([reference])
        if cursor.execute(_LODGE, (received_at, offset, UUID(bytes=event_id), name, digest)).rowcount:
            for case_no, stream_no in cursor.execute(_NAMING, (name,)).fetchall():
                yield words.streams[stream_no][1], received_at, case_no


def claims_of(cursor: Cursor[Any], words: Words, case_numbers: Sequence[int]) -> Mapping[int, list[Claim]]:
    """Give what the reports of these cases name that is lodged."""
    texts = words.text("stream")
    found: defaultdict[int, list[Claim]] = defaultdict(list)
    for case_no, stream_no, offset, same, received_at, at, event_id, reference, digest in cursor.execute(
        _CLAIMS, (int4s(case_numbers),)
    ).fetchall():
        lodging = Lodging(received_at, at, bytes(event_id), text_of(reference), digest)
        found[case_no].append(Claim(texts[stream_no], offset, same, lodging))
    return found
