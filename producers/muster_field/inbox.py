"""The inbox: what headquarters has answered, in a SQLite file beside the outbox, with the position it was read up to.

It is derived from the topic, and may be thrown away: it is read again from the beginning. So a commit need not
wait for the disk, as it must in the outbox.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import apsw

from muster_contract.errors import ConfigurationError
from muster_field.answers import Answer, Due, DueState, InboxState, Received, Refused
from muster_field.outbox_file import require_sqlite

SCHEMA_VERSION = 2
APPLICATION_ID = 0x4D554942  # "MUIB"
BUSY_MS = 5_000
_SCHEMA = """
create table position (one integer primary key check (one = 1), office_id text not null,
  next_offset integer not null, answered_at integer) strict;
create table received (              -- numbers that headquarters has, in stretches that do not touch
  kind text not null, epoch blob not null, first integer not null, last integer not null,
  primary key (kind, epoch, last)
) strict, without rowid;
create table refused (               -- numbers that it could not apply
  kind text not null, epoch blob not null, sequence integer not null, reason text not null, at integer not null,
  primary key (kind, epoch, sequence)
) strict, without rowid;
create table due (
  case_id text not null, encounter_id text not null, requirement text not null, occurrence integer not null,
  due_at integer not null, policy text not null, state text not null, moved_from text not null,
  primary key (case_id, encounter_id, requirement, occurrence, moved_from)
) strict, without rowid;
"""
_THROW_AWAY = "throw it away: it is read again from the beginning"


class Inbox:
    """One connection to an inbox. ``write`` makes the file when it is not there."""

    def __init__(self, path: Path, office: str, *, write: bool = True) -> None:
        require_sqlite(apsw.sqlite_lib_version())
        if not write and not path.exists():
            raise not_answered(path)
        self._path = path
        try:
            self._db = apsw.Connection(str(path))
            self._prepare(office)
        except apsw.Error as fault:
            raise ConfigurationError.of(str(path), f"cannot be opened as an inbox ({fault})", _THROW_AWAY) from None

    def close(self) -> None:
        """Close it."""
        self._db.close()

    def position(self) -> int:
        """Give the offset of the next answer to read."""
        return int(self._db.execute("select next_offset from position").get)

    def restart(self) -> None:
        """Forget everything: the topic was made anew, and is read from its beginning."""
        with self._transaction():
            self._db.execute("delete from received; delete from refused; delete from due")
            self._db.execute("update position set next_offset = 0, answered_at = null")

    def take(self, answers: Iterable[Answer], next_offset: int, now: int) -> None:
        """Keep answers and the position behind them, in one transaction; twice does no harm."""
        with self._transaction():
            for answer in answers:
                if isinstance(answer, Due):
                    self._take_due(answer)
                elif answer.refused is None:
                    self._take_received(answer)
                else:
                    self._take_refused(answer)
            self._db.execute("update position set next_offset = ?, answered_at = ?", (next_offset, now))

    def state(self, epoch: bytes) -> InboxState:
        """Give what an epoch's answers come to."""
        counts = "select kind, sum(last - first + 1) from received where epoch = ? group by kind"
        refused = "select kind, epoch, sequence, reason, at from refused where epoch = ? order by kind, sequence"
        next_offset, answered_at = self._db.execute("select next_offset, answered_at from position").get
        return InboxState(
            dict(self._db.execute(counts, (epoch,))),
            [Refused(*row) for row in self._db.execute(refused, (epoch,))],
            next_offset,
            answered_at,
        )

    def due(self) -> list[Due]:
        """Give what is due of the office, earliest first."""
        select = """select case_id, encounter_id, requirement, occurrence, due_at, policy, state, moved_from
            from due order by due_at, case_id, encounter_id, requirement, occurrence, moved_from"""
        rows: list[tuple[Any, ...]] = list(self._db.execute(select))
        return [Due._make((*row[:6], DueState(row[6]), row[7])) for row in rows]

    def _take_received(self, answer: Received) -> None:
        kind, epoch, first, last, _, _ = answer
        touching = "from received where kind = ? and epoch = ? and last >= ? and first <= ?"
        bounds = (kind, epoch, first - 1, last + 1)
        before: tuple[Any, Any] = self._db.execute(f"select min(first), max(last) {touching}", bounds).get
        self._db.execute(f"delete {touching}", bounds)
        whole = (first, last) if before[0] is None else (min(first, before[0]), max(last, before[1]))
        self._db.execute("insert into received values (?, ?, ?, ?)", (kind, epoch, *whole))
        known = "delete from refused where kind = ? and epoch = ? and sequence between ? and ?"
        self._db.execute(known, (kind, epoch, first, last))

    def _take_refused(self, answer: Received) -> None:
        kind, epoch, first, _, at, reason = answer
        has = "select 1 from received where kind = ? and epoch = ? and last >= ? and first <= ?"
        if not self._db.execute(has, (kind, epoch, first, first)).get:
            row = (kind, epoch, first, reason, at)
            self._db.execute("insert or replace into refused values (?, ?, ?, ?, ?)", row)

    def _take_due(self, due: Due) -> None:
        *row, state, moved_from = due
        if state is None:
            settled = """delete from due where case_id = ? and encounter_id = ? and requirement = ? and occurrence = ?
                and moved_from = ?"""
            self._db.execute(settled, (*row[:4], moved_from))
        else:
            keep = "insert or replace into due values (?, ?, ?, ?, ?, ?, ?, ?)"
            self._db.execute(keep, (*row, state.value, moved_from))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
            self._db.execute("commit")
        except BaseException:
            self._db.execute("rollback")
            raise

    def _prepare(self, office: str) -> None:
        self._db.set_busy_timeout(BUSY_MS)
        self._db.pragma("journal_mode", "wal")
        self._db.pragma("synchronous", "normal")
        with self._transaction():
            if not self._db.execute("select 1 from sqlite_schema limit 1").get:
                self._db.execute(_SCHEMA)
                self._db.execute("insert into position values (1, ?, 0, null)", (office,))
                self._db.execute(f"pragma application_id = {APPLICATION_ID}; pragma user_version = {SCHEMA_VERSION}")
        if self._db.pragma("application_id") != APPLICATION_ID or self._db.pragma("user_version") != SCHEMA_VERSION:
            cause = "is no inbox of this version"
            raise ConfigurationError.of(str(self._path), cause, _THROW_AWAY)
        owner = self._db.execute("select office_id from position").get
        if owner != office:
            raise ConfigurationError.of(str(self._path), f"is the inbox of {owner}", "each office has its own")


def what_is_answered(outbox: Path, office: str, epoch: bytes) -> tuple[InboxState, list[Due]]:
    """Give what an epoch's answers come to, and what is due, by a connection of its own: for any thread, at any time.

    ConfigurationError when headquarters has not answered yet, or the inbox is of no use.
    """
    path = inbox_path(outbox)
    with closing(Inbox(path, office, write=False)) as inbox:
        try:
            return inbox.state(epoch), inbox.due()
        except apsw.Error as fault:
            raise ConfigurationError.of(str(path), f"cannot be read ({fault})", _THROW_AWAY) from None


def not_answered(place: Path) -> ConfigurationError:
    """Build the refusal to say what is due where nobody knows."""
    hint = "run `field-office relay` or `field-office receive` where headquarters can be reached"
    return ConfigurationError.of(str(place), "headquarters has not answered yet", hint)


def inbox_path(outbox: Path) -> Path:
    """Give the place of the inbox that belongs to an outbox."""
    return outbox.with_name(outbox.name + "-inbox")
