"""What an operator may do to an outbox: send again, look an event up, prune, verify."""

from __future__ import annotations

from collections.abc import Iterator

import apsw

from muster_field.outbox import ROW, Outbox, last_sequence, of_each_kind
from muster_field.outbox_file import corrupt
from muster_field.outbox_store import one
from muster_field.rows import Row
from muster_field.wire import KINDS

ROWS_AT_ONCE = 1_000
PRUNED = b""
"""The digest of a row whose value is gone."""


def ask_again(outbox: Outbox, kind: str, first: int, last: int) -> int:
    """Ask for events that were sent or set aside to be sent again; give how many of these numbers can be."""
    with outbox.store.writing() as db:
        asked = one(db, _ASKABLE[kind], first, last)
        db.execute(_ASK[kind], (first, last))
        db.execute(_NO_LONGER_ASIDE[kind])
    return int(asked)


def find(outbox: Outbox, event_id: bytes) -> tuple[str, int] | None:
    """Find an event's stream and number by its id; this looks at every row."""
    with outbox.store.reading() as db:
        found = ((kind, one(db, _FIND[kind], event_id)) for kind in KINDS)
        return next(((kind, sequence) for kind, sequence in found if sequence is not None), None)


def offset_of(outbox: Outbox, kind: str, sequence: int) -> int | None:
    """Give the offset at which the broker first acknowledged a number."""
    with outbox.store.reading() as db:
        offset = one(db, _OFFSET, kind, sequence)
    return None if offset is None else int(offset)


def prune(outbox: Outbox, recorded_before: int) -> int:
    """Forget the values of old acknowledged events, and keep their ids, numbers and offsets; give how many."""
    return sum(pruned for kind in KINDS for pruned in _prune(outbox, kind, recorded_before))


def verify(outbox: Outbox) -> list[tuple[str, int]]:
    """Read everything; give the numbers that are not what was stored, or are gone. Raises when the file is corrupt."""
    with outbox.store.reading() as db:
        faults = db.execute("pragma quick_check").fetchall()
        if faults != [("ok",)]:
            raise corrupt(outbox.store.path, f"{len(faults)} faults in its pages")
        return [(kind, sequence) for kind in KINDS for sequence in _damaged(db, kind)]


def _prune(outbox: Outbox, kind: str, recorded_before: int) -> Iterator[int]:
    done = False
    while not done:
        with outbox.store.writing() as db:  # some rows a transaction: recording goes on in between
            after, sent_through = one(db, "select pruned_through, sent_through from progress where kind = ?", kind)
            last = min(after + ROWS_AT_ONCE, sent_through)
            first_young = one(db, _FIRST_YOUNG[kind], after, last, recorded_before)
            through = last if first_young is None else first_young - 1
            db.execute("update progress set pruned_through = ? where kind = ?", (through, kind))
            db.execute(_PRUNE[kind], (after, through))
            pruned = db.changes()
        yield pruned
        done = through < after + ROWS_AT_ONCE


def _damaged(db: apsw.Connection, kind: str) -> Iterator[int]:
    expected = 1
    for row in map(Row._make, db.execute(_ALL[kind])):
        yield from range(expected, row.sequence)
        if row.digest != PRUNED and not row.intact:
            yield row.sequence
        expected = row.sequence + 1
    yield from range(expected, last_sequence(db, kind) + 1)


_ASKABLE = of_each_kind(
    "select count(*) from EVENTS join progress on kind = 'EVENTS'"
    " where sequence between ? and ? and sequence <= sent_through and value is not null"
)
_ASK = of_each_kind(
    "insert or ignore into again select kind, sequence from EVENTS join progress on kind = 'EVENTS'"
    " where sequence between ? and ? and sequence <= sent_through and value is not null"
)
_NO_LONGER_ASIDE = of_each_kind(
    "delete from set_aside where kind = 'EVENTS' and sequence in (select sequence from again where kind = 'EVENTS')"
)
_FIND = of_each_kind("select sequence from EVENTS where event_id = ?")
_OFFSET = (
    "select first_offset + ?2 - first_sequence from run"
    " where kind = ?1 and ?2 between first_sequence and last_sequence order by first_offset limit 1"
)
_FIRST_YOUNG = of_each_kind(
    "select min(sequence) from EVENTS where sequence > ? and sequence <= ? and recorded_at >= ?"
)
_PRUNE = of_each_kind(
    "update EVENTS set value = null, digest = x'' where sequence > ? and sequence <= ? and sequence not in"
    " (select sequence from again where kind = 'EVENTS' union select sequence from set_aside where kind = 'EVENTS')"
)
_ALL = of_each_kind(f"select {ROW} from EVENTS order by sequence")  # noqa: S608 - our own
