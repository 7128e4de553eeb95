"""A connection to an outbox's file: reads side by side, writes one at a time, whoever they belong to."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import apsw

from muster_contract.errors import ConfigurationError
from muster_field import outbox_file
from muster_field.locks import FileLock
from muster_field.outbox_file import Identity, OutboxFailed, translated
from muster_field.outbox_wal import hides_commits

LOCK_PATIENCE_SECONDS = 10.0


class Store:
    """One connection; threads may share it, and every process that writes has one of its own."""

    def __init__(self, connection: apsw.Connection, path: Path, lock: FileLock) -> None:
        self.path, self.identity = path, outbox_file.identity(connection, path)
        self._db, self._lock, self._cursor = connection, lock, connection.cursor()
        self._translated = translated(path)
        self._mutex = threading.RLock()
        self._failed = self._closed = False
        self._place, self._file = str(path), _file_at(str(path))

    @classmethod
    def open(cls, path: Path, if_new: Identity | None, vfs: str = "") -> Self:
        """Open the file; when it is not there, make it for ``if_new``, or refuse when that is None."""
        if if_new is None and not path.exists():
            hint = "check --outbox; `field-office init-outbox`, or a first event, makes one"
            raise ConfigurationError.of(str(path), "there is no outbox here", hint)
        with translated(path):
            lock = write_lock(path)
        try:
            with lock:
                connection = outbox_file.connect(path, vfs)
                empty = outbox_file.is_empty(connection, path)
                require_whole_wal(connection, path)
                if if_new is not None and empty:
                    outbox_file.create(connection, path, if_new)
            store = cls(connection, path, lock)
            store.require_owner(if_new)
        except BaseException:
            lock.close()
            raise
        return store

    def require_owner(self, wanted: Identity | None) -> None:
        """Raise ConfigurationError when the outbox is another office's than the one that it was opened for."""
        if wanted is not None and wanted.office_id != self.identity.office_id:
            cause = f"is the outbox of office {self.identity.office_id}, not of {wanted.office_id}"
            raise ConfigurationError.of(str(self.path), cause, "give each office an outbox of its own")

    def close(self) -> None:
        """Close the connection; the last one to close tidies the file up. A second time does nothing."""
        with self._mutex:
            if self._closed:
                return
            self._closed = True
            with self._lock:
                self._db.close()
            self._lock.close()

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """Read what is committed, as one moment shows it."""
        with self._mutex, translated(self.path), self._db:
            yield self._db

    @contextmanager
    def writing(self) -> Iterator[apsw.Connection]:
        """Write in one transaction: committed and on the disk once it is left, or rolled back."""
        # As outbox_file.transaction, and written out: one context and two cursors fewer for every accepted event.
        with self._mutex, self._lock, self._translated:
            self._require_sound()
            try:
                self._cursor.execute("begin immediate")
                yield self._db
                self._cursor.execute("commit")
            except BaseException as fault:
                self._failed = isinstance(fault, apsw.IOError)
                if self._db.in_transaction:
                    self._cursor.execute("rollback")
                raise

    def _require_sound(self) -> None:
        if self._failed:
            raise OutboxFailed.of(str(self.path), "failed before", "start again: what reached the disk is unknown")
        if _file_at(self._place) != self._file:
            hint = "start again: what this program would store from now on, no relay would send"
            raise OutboxFailed.of(self._place, "was moved away or replaced", hint)


def require_whole_wal(connection: apsw.Connection, path: Path) -> None:
    """Raise OutboxCorrupt when committed events stand behind damage to the WAL, which is left as it is."""
    if hides_commits(connection, path):
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        connection.close()
        raise outbox_file.corrupt(path, "what was committed stands behind damage to its WAL")


def write_lock(path: Path) -> FileLock:
    """Build the lock that is held around each write."""
    held = f"another process has been writing for more than {LOCK_PATIENCE_SECONDS:.0f} s"
    hint = "end it; a process that was killed holds no lock"
    return FileLock(path.with_name(path.name + "-lock"), held, hint, LOCK_PATIENCE_SECONDS)


def relay_lock(path: Path) -> FileLock:
    """Build the lock that a relay holds for life."""
    hint = "one relay empties an outbox; end the other one first"
    return FileLock(path.with_name(path.name + "-relay-lock"), "another relay is at work on this outbox", hint)


def _file_at(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - once for every accepted event: Path costs twice as much
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def one(db: apsw.Connection, sql: str, *values: Any) -> Any:  # noqa: ANN401 - SQLite's values
    """Give the single value, or the row, that a query finds; None when it finds nothing."""
    return db.execute(sql, values).get
