"""The outbox: what an office recorded, kept until the broker has it, and numbered without a gap.

Events are only ever appended, and their rows never change (until their values are pruned): what became of
them stands in tables of its own, a few rows for thousands of events. A number and its row are one
transaction, so a rollback leaves no gap; AUTOINCREMENT gives no number twice, whatever is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

import apsw

from muster_field.outbox_file import Identity
from muster_field.outbox_store import Store, one
from muster_field.reserve import Reserve
from muster_field.rows import Row
from muster_field.state import OutboxState, Reason, SetAside, StreamState
from muster_field.wire import KINDS


class Run(NamedTuple):
    """Acknowledged numbers, first to last, whose offsets follow one another from the first one's."""

    first: int
    last: int
    first_offset: int


class Progress(NamedTuple):
    """What a relay learned of one stream: what was acknowledged or set aside, and up to where all is decided."""

    kind: str
    sent_through: int
    acknowledged: Sequence[Run] = ()
    set_aside: Sequence[SetAside] = ()


class Batch:
    """The events of one transaction: take the next number of a stream, then add its row."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._last: dict[str, int] = {}
        self.rows: dict[str, list[Row]] = {}

    def next_sequence(self, kind: str) -> int:
        """Give the number that the next row of this stream must have."""
        if kind not in self._last:
            self._last[kind] = last_sequence(self._db, kind)
        return self._last[kind] + 1

    def add(self, kind: str, row: Row) -> None:
        """Store a row with the commit."""
        self._last[kind] = row.sequence
        self.rows.setdefault(kind, []).append(row)


class Outbox:
    """The events of one office and what became of them."""

    def __init__(self, store: Store, reserve: Reserve) -> None:
        self.store, self._reserve = store, reserve
        self._reserve.hold()

    @classmethod
    def open(cls, path: Path, *, if_new: Identity | None = None, reserve: Reserve | None = None, vfs: str = "") -> Self:
        """Open an outbox; when it is not there, make it for ``if_new``, or refuse when that is None."""
        return cls(Store.open(path, if_new, vfs), reserve or Reserve(path))

    @property
    def identity(self) -> Identity:
        """Tell whose outbox it is."""
        return self.store.identity

    def close(self) -> None:
        """Close the file."""
        self.store.close()

    @contextmanager
    def recording(self) -> Iterator[Batch]:
        """Store the events that are added inside, all or none; once it is left, they survive a power loss."""
        self._reserve.require_room()
        with self.store.writing() as db:
            batch = Batch(db)
            yield batch
            for kind, rows in batch.rows.items():
                db.executemany(_INSERT[kind], rows)

    def page(self, kind: str, after: int, limit: int) -> list[Row]:
        """Read the rows of a stream that follow a number, in order."""
        with self.store.reading() as db:
            return list(map(Row._make, db.execute(_PAGE[kind], (after, limit))))

    def asked_again(self, kind: str) -> list[Row]:
        """Read the rows of a stream that somebody asked to be sent again, in order."""
        with self.store.reading() as db:
            return list(map(Row._make, db.execute(_ASKED_AGAIN[kind])))

    def sent_through(self, kind: str) -> int:
        """Give the number up to which a stream is decided: what follows it is pending."""
        with self.store.reading() as db:
            return int(one(db, "select sent_through from progress where kind = ?", kind))

    def mark(self, progress: Iterable[Progress], now: int) -> None:
        """Store what a relay learned, in one transaction."""
        with self.store.writing() as db:
            for kind, sent_through, acknowledged, set_aside in progress:
                db.execute("update progress set sent_through = ? where kind = ?", (sent_through, kind))
                if acknowledged:
                    db.execute("update progress set acknowledged_at = ? where kind = ?", (now, kind))
                for run in acknowledged:
                    db.execute("insert or ignore into run values (?, ?, ?, ?)", (kind, *run))
                    db.execute(_NOT_AGAIN, (kind, run.first, run.last))
                for aside in set_aside:
                    row = (kind, aside.sequence, aside.reason.value, aside.detail, aside.at)
                    db.execute("insert or replace into set_aside values (?, ?, ?, ?, ?)", row)
                    db.execute(_NOT_AGAIN, (kind, aside.sequence, aside.sequence))

    def state(self) -> OutboxState:
        """Say what the outbox holds."""
        with self.store.reading() as db:
            encounters, incidents = (_stream_state(db, kind) for kind in KINDS)
        return OutboxState(**self.identity._asdict(), encounters=encounters, incidents=incidents)


def last_sequence(db: apsw.Connection, kind: str) -> int:
    """Give the last number of a stream; 0 for none."""
    return one(db, "select seq from sqlite_sequence where name = ?", kind) or 0


def _stream_state(db: apsw.Connection, kind: str) -> StreamState:
    last = last_sequence(db, kind)
    through, acknowledged_at = one(db, "select sent_through, acknowledged_at from progress where kind = ?", kind)
    again, lowest_again = one(db, "select count(*), min(sequence) from again where kind = ?", kind)
    lowest = lowest_again or (through + 1 if through < last else None)
    asides = db.execute("select sequence, reason, detail, at from set_aside where kind = ? order by sequence", (kind,))
    return StreamState(
        kind=kind,
        last_sequence=last,
        pending=last - through + again,
        set_aside=tuple(SetAside(sequence=s, reason=Reason(r), detail=d, at=at) for s, r, d, at in asides),
        lowest_pending=lowest,
        oldest_pending_at=lowest and one(db, _RECORDED_AT[kind], lowest),
        last_acknowledged_at=acknowledged_at,
    )


def of_each_kind(sql: str) -> dict[str, str]:
    """Give a statement for each stream's own table, which stands as EVENTS in it."""
    return {kind: sql.replace("EVENTS", kind) for kind in KINDS}


_INSERT = of_each_kind("insert into EVENTS values (?, ?, ?, ?, ?)")
# A damaged row can hold values of any type; a cast leaves it damaged, and readable.
ROW = "sequence, cast(event_id as blob), cast(recorded_at as integer), cast(value as blob), cast(digest as blob)"
_PAGE = of_each_kind(f"select {ROW} from EVENTS where sequence > ? order by sequence limit ?")  # noqa: S608 - our own
_ASKED_AGAIN = of_each_kind(
    f"select {ROW} from again join EVENTS using (sequence) where kind = 'EVENTS' order by sequence"  # noqa: S608 - our own
)
_NOT_AGAIN = "delete from again where kind = ? and sequence between ? and ?"
_RECORDED_AT = of_each_kind("select recorded_at from EVENTS where sequence = ?")
