"""The connection behind the PostgreSQL ledger: made again when it was lost, its faults sorted into ours.

A worker that is stopped (SIGSTOP, a stalled machine) must not keep others waiting: the server ends its open
transaction after ``IDLE_IN_TRANSACTION``, and its session after ``IDLE``. It then finds its connection lost.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg import Connection, Cursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from muster_contract.errors import ConfigurationError
from muster_hq.ledger.postgres.binary import adapt
from muster_hq.ledger.postgres.migrating import migrate, verify
from muster_hq.ledger.postgres.words import Words
from muster_hq.ledger_port import LedgerAway, LedgerError

IDLE_IN_TRANSACTION = "30s"
"""How long a transaction may stand still: what a stopped worker has locked is free again after that."""
LOCK = "45s"
"""How long to wait for what another worker holds: longer than it may stand still, or one that starts would give up."""
IDLE = "60s"
"""How long a worker may do nothing at all: its outgoing records are then published by another."""
_CONNECTING: Final = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
}
_CONNECTING_TOO: Final = {"tcp_user_timeout": "10000", "application_name": "muster"}
SETTINGS: Final = {
    "timezone": "UTC",
    "lock_timeout": LOCK,
    "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION,
    "idle_session_timeout": IDLE,
    "tcp_user_timeout": "10s",
    # A worker looks up keys, many at a time, and nothing else. Plans that follow the statistics of a table that was
    # empty a minute ago would read it from end to end.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_mergejoin": "off",
    "jit": "off",  # compiling takes longer than what it would speed up
}
"""What a worker sets for its session."""
_PASSING = ("08", "53", "57", "58")
"""Classes of SQLSTATE that pass: connections, resources, an operator's doing, the system."""
_PASSING_TOO = {"25006", "25P03", "40001", "40P01", "55P03"}
"""A standby, a transaction that stood still, a conflict, a deadlock, a lock that did not come."""
_FREE_WORKER = """
    select worker_no from (select worker_no from workers order by worker_no offset 0) w
    where pg_try_advisory_lock(hashtext('muster worker'), worker_no) limit 1"""
_NEW_WORKER = """
    with new as (insert into workers default values returning worker_no)
    select worker_no from new where pg_try_advisory_lock(hashtext('muster worker'), worker_no)"""


class Database:
    """A connection to a ledger's database. LedgerError when it holds no ledger, or one of another version.

    A writer migrates the database first, and is a worker: ``worker_no`` is its number, and nobody else's.
    """

    def __init__(self, url: str, *, write: bool) -> None:
        self._url = url
        self._write = write
        self._connection: Connection[Any] | None = None
        self._side: Connection[Any] | None = None
        self._depth = 0
        self._hung_up = False
        self.worker_no = 0
        self.place = place_of(url)
        self.words: Words
        self._connect()

    @contextmanager
    def transaction(self) -> Iterator[Cursor[Any]]:
        """Run one transaction; commit at the end, undo when anything is raised.

        One that begins inside another is undone alone, and committed with it. LedgerAway when the database was lost:
        whether an outermost transaction was committed is then unknown.
        """
        nested = self._depth > 0
        connection = self._current() if nested else self._connected()
        begin, commit, undo = ("savepoint part", "release part", "rollback to part; release part")
        if not nested:
            begin, commit, undo = ("begin", "commit", "rollback")
        self._depth += 1
        try:
            with self._faults("written"):
                connection.execute(begin)
            with connection.cursor(binary=True) as cursor, self._faults("written"):
                yield cursor
            with self._faults("written"):
                connection.execute(commit)
        except BaseException:
            # What cannot be undone by us is undone by the server, since the connection is lost.
            with suppress(psycopg.Error):
                for statement in undo.split(";"):
                    connection.execute(statement)
            if connection.info.transaction_status is TransactionStatus.ACTIVE:
                connection.close()  # stopped in the middle of a statement, as by Ctrl-C
            raise
        finally:
            self._depth -= 1

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Hold one state of the database for all that is read within."""
        self.fetch("select")  # connects again, if need be
        connection = self._current()
        with self._faults("read"):
            connection.execute("begin isolation level repeatable read, read only")
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            with suppress(psycopg.Error):
                connection.execute("commit")

    @contextmanager
    def cursor(self) -> Iterator[Cursor[Any]]:
        """Give a cursor to read with."""
        connection = self._current() if self._depth else self._connected()
        with self._faults("read"), connection.cursor(binary=True) as cursor:
            yield cursor

    def fetch(self, statement: str, bindings: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Run a query and give all its rows."""
        with self.cursor() as cursor:
            return cursor.execute(statement.encode(), bindings or None).fetchall()

    def stream(self, statement: str, bindings: tuple[object, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """Run a query and give its rows as they come, however many there are."""
        connection = self._current() if self._depth else self._connected()
        with self._faults("read"), connection.transaction(), connection.cursor("rows", binary=True) as cursor:
            cursor.itersize = 10_000
            yield from cursor.execute(statement.encode(), bindings or None)

    def hang_up(self) -> None:
        """Break the connection, from another thread, and make no other one.

        A statement that is cancelled would not do: on a slow link it is the way there and back that takes so long.
        """
        self._hung_up = True
        connection = self._connection
        if connection is not None and not connection.closed:
            with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close what is open."""
        for connection in (self._connection, self._side):
            if connection is not None:
                connection.close()

    def _connected(self) -> Connection[Any]:
        """Give the connection; a new one when the last was lost."""
        if self._hung_up:
            raise LedgerAway.of(self.place, "the connection was given up", "this worker leaves")
        if self._connection is None or self._connection.closed:
            self._connect()
        return self._current()

    def _current(self) -> Connection[Any]:
        if self._connection is None or self._connection.closed:
            raise LedgerAway.of(self.place, "the connection was lost", "it is tried again")
        return self._connection

    def _connect(self) -> None:
        connection = self._open()
        try:
            with self._faults("opened"):
                if self._write:
                    migrate(connection, self.place)
                    self._become_worker(connection)
                else:
                    verify(connection, self.place)
                    connection.execute("set default_transaction_read_only = on")
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self.words = Words(self.fetch, self._aside)  # anew: the database may have been restored meanwhile

    def _become_worker(self, connection: Connection[Any]) -> None:
        for name, value in SETTINGS.items():
            connection.execute("select set_config(%s, %s, false)", (name, value))
        found = connection.execute(_FREE_WORKER).fetchone() or connection.execute(_NEW_WORKER).fetchone()
        if found is None:
            raise LedgerAway.of(self.place, "another worker took the same number", "it is tried again")
        self.worker_no = found[0]

    def _aside(self) -> Connection[Any]:
        if self._side is None or self._side.closed:
            self._side = self._open()
        return self._side

    def _open(self) -> Connection[Any]:
        with self._faults("reached"):
            connection = psycopg.connect(
                self._url,
                autocommit=True,
                prepare_threshold=0,
                **_unless_given(self._url),  # type: ignore[arg-type]  # libpq takes texts
            )
        adapt(connection)
        return connection

    @contextmanager
    def _faults(self, done: str) -> Iterator[None]:
        """Translate psycopg's faults. What they quote of a row is left out."""
        try:
            yield
        except psycopg.Error as fault:
            state = fault.sqlstate or ""
            cause = fault.diag.message_primary or " ".join(str(fault).split())
            lost = not state and isinstance(fault, psycopg.OperationalError | psycopg.InterfaceError)
            if lost or state.startswith(_PASSING) or state in _PASSING_TOO:
                hint = "is PostgreSQL up, and may this user connect?"
                raise LedgerAway.of(self.place, f"cannot be {done}: {cause}", hint) from fault
            raise LedgerError.of(self.place, f"cannot be {done}: {cause}", _HINTS.get(state, "")) from fault


_HINTS: Final = {
    "42501": "docs/operating.md says which rights the role needs",
    "3D000": "create the database first: createdb muster",
}


def place_of(url: str) -> str:
    """Name a database without user and password; ConfigurationError when the URL cannot be read."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        # libpq's text would show the URL, which could hold a password.
        hint = "postgresql://user@host:5432/muster; the password in PGPASSWORD or ~/.pgpass"
        raise ConfigurationError.of("ledger", "is no PostgreSQL URL", hint) from None
    host, port = parts.get("host") or parts.get("hostaddr") or "", parts.get("port") or ""
    return f"postgresql://{host}{':' if port else ''}{port}/{parts.get('dbname') or ''}"


def _unless_given(url: str) -> dict[str, str]:
    given = conninfo_to_dict(url)
    return {name: value for name, value in (_CONNECTING | _CONNECTING_TOO).items() if name not in given}
