"""The file behind the SQLite ledger: opening it safely, one writer at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import apsw

from muster_hq.ledger.ids import unpack
from muster_hq.ledger.sqlite.words import Words
from muster_hq.ledger_port import LedgerAway, LedgerError

SCHEMA_VERSION = 1
SAFE_SQLITE = (3, 51, 3)
"""Earlier ones can corrupt a WAL database that two connections write (ADR 0005)."""
BUSY_MS = 2_000
"""How long to wait for a process that holds the file: less than a worker may take to leave when it is told to."""
_CACHE_KIB = 262_144
_ROWS_A_STEP = 32


class Database:
    """A connection to a ledger file. A writer holds the file's lock as long as it lives.

    LedgerError when the file is locked, is no ledger, or is of another version.
    """

    def __init__(self, path: Path, *, write: bool) -> None:
        self.path = path
        _refuse_unsafe_sqlite()
        self._lock = _take_lock(path) if write else None
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE if write else apsw.SQLITE_OPEN_READONLY
        try:
            self.connection = apsw.Connection(str(path), flags=flags)
            self._prepare(write=write)
        except BaseException as fault:
            self.close()  # and let go of the lock, whatever it was
            if isinstance(fault, apsw.Error):
                raise _translated(path, "opened as a ledger", fault) from None
            raise
        self.words = Words(self.connection)

    @contextmanager
    def transaction(self) -> Iterator[apsw.Cursor]:
        """Run one transaction; commit at the end, undo when anything is raised. LedgerError for SQLite's faults.

        One that begins inside another is undone alone, and committed with it. LedgerAway while another process holds
        the file for longer than BUSY_MS.
        """
        begin, commit, undo = ("savepoint part", "release part", "rollback to part; release part")
        if not self.connection.in_transaction:
            begin, commit, undo = ("begin immediate", "commit", "rollback")
        with self._faults("written"):
            cursor = self.connection.cursor()
            cursor.execute(begin)
            try:
                yield cursor
                cursor.execute(commit)
            except BaseException:
                if self.connection.in_transaction:
                    cursor.execute(undo)
                self.words = Words(self.connection)
                raise

    @contextmanager
    def reading(self) -> Iterator[apsw.Cursor]:
        """Give a cursor to read with. LedgerError for SQLite's faults."""
        with self._faults("read"):
            yield self.connection.cursor()

    def close(self) -> None:
        """Close the connection and let the next writer in."""
        if hasattr(self, "connection"):
            self.connection.close()
        if self._lock:
            self._lock.close()

    @contextmanager
    def _faults(self, done: str) -> Iterator[None]:
        """Translate SQLite's faults."""
        try:
            yield
        except apsw.Error as fault:
            raise _translated(self.path, done, fault) from fault

    def _prepare(self, *, write: bool) -> None:
        self.connection.set_busy_timeout(BUSY_MS)
        self.connection.create_scalar_function("id_text", _id_text, 1, deterministic=True)
        self.connection.pragma("cache_size", -_CACHE_KIB)
        self.connection.pragma("temp_store", "memory")
        if write and not self._has_tables():
            schema = files(__package__).joinpath("schema.sql").read_text("utf-8")
            self.connection.execute("begin immediate")
            self.connection.execute(schema)
            self.connection.execute("insert into meta values ('version', ?); commit", (SCHEMA_VERSION,))
        version = self._version()
        if version is None:
            raise LedgerError.of(str(self.path), "is another program's database", "choose another path")
        if version != SCHEMA_VERSION:
            raise LedgerError.of(
                str(self.path),
                f"holds version {version} of the ledger, this program knows {SCHEMA_VERSION}",
                "use the program that wrote it, or replay the log into a new ledger",
            )
        if write:
            self.connection.pragma("journal_mode", "wal")
            self.connection.pragma("synchronous", "full")
            self.connection.pragma("wal_autocheckpoint", 8_000)

    def _has_tables(self) -> bool:
        return bool(self.connection.execute("select 1 from sqlite_schema limit 1").get)

    def _version(self) -> object:
        if not self.connection.execute("select 1 from sqlite_schema where name = 'meta'").get:
            return None
        return self.connection.execute("select value from meta where key = 'version'").get


def _id_text(*stored: Any) -> str:  # noqa: ANN401 - as apsw declares what a function of SQL gets
    return unpack(stored[0])


def rows(cursor: apsw.Cursor, statement: str, bindings: Any = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401 - apsw's
    """Run a query and give all its rows."""
    return list(cursor.execute(statement, bindings))


def insert(cursor: apsw.Cursor, into: str, all_rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, such as with ``insert or fail into facts``; many a step, which takes half the time of one by one.

    ``or fail`` spares SQLite the copies by which it could undo half a step: what fails here is undone whole.
    """
    if not all_rows:
        return
    one = f"({', '.join('?' * len(all_rows[0]))})"
    whole = len(all_rows) - len(all_rows) % _ROWS_A_STEP
    steps = (tuple(chain.from_iterable(all_rows[n : n + _ROWS_A_STEP])) for n in range(0, whole, _ROWS_A_STEP))
    cursor.executemany(f"{into} values {', '.join([one] * _ROWS_A_STEP)}", steps)
    cursor.executemany(f"{into} values {one}", all_rows[whole:])


def _refuse_unsafe_sqlite() -> None:
    version = apsw.sqlite_lib_version()
    if tuple(map(int, version.split("."))) < SAFE_SQLITE:
        raise LedgerError.of(
            "sqlite", f"{version} can corrupt a ledger", "install apsw >= 3.51.3, which brings its own"
        )


def _take_lock(path: Path) -> BinaryIO:
    try:
        lock = Path(f"{path}.lock").open("ab")  # noqa: SIM115 - held as long as the ledger is open
    except OSError as fault:
        raise LedgerError.of(str(path), f"cannot be written: {fault.strerror}", "does its folder exist?") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise LedgerError.of(
            str(path), "another process is writing this ledger", "with SQLite, `headquarters serve` is the one writer"
        ) from None
    return lock


def _translated(path: Path, done: str, fault: apsw.Error) -> LedgerError:
    """Give the fault as ours. A file that another process holds is away: it passes."""
    kind = LedgerAway if isinstance(fault, apsw.BusyError) else LedgerError
    return kind.of(str(path), f"cannot be {done}: {fault}", _hint_of(fault))


def _hint_of(fault: apsw.Error) -> str:
    hints: dict[type[apsw.Error], str] = {
        apsw.BusyError: "another program holds the file: which one? headquarters alone writes it",
        apsw.FullError: "the disk is full: make room, then start again; nothing that was committed is lost",
        apsw.IOError: "the disk failed: check it, then start again; the log can be replayed into a new ledger",
        apsw.CantOpenError: "does it exist, and may this user read it?",
        apsw.NotADBError: "this file is no SQLite database",
        apsw.CorruptError: "move it aside with its -wal and -shm, and replay the log into a new ledger",
    }
    return next((hint for kind, hint in hints.items() if isinstance(fault, kind)), "")
