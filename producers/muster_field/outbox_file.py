"""The file behind an outbox: how it is made, recognised, opened and moved out of the way.

SQLite in WAL mode, ``synchronous=FULL``: a commit that returned survives power loss. The epoch is the
file's identity: a new file numbers from 1 again, under a new epoch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple
from uuid import UUID

import apsw

from muster_contract.errors import ConfigurationError, MusterError
from muster_field.reserve import FULL_HINT, OutboxFull
from muster_field.wire import KINDS

SQLITE_AT_LEAST = (3, 51, 3)
"""Older ones can corrupt a WAL that two connections write to."""

APPLICATION_ID = 0x4D555354  # "MUST"
SCHEMA_VERSION = 1
BUSY_MS = 5_000
"""How long to wait for a checkpoint or a backup to let go."""

_SCHEMA = """
create table meta (
  one integer primary key check (one = 1),
  office_id text not null,
  epoch blob not null check (length(epoch) = 16),
  created_at integer not null
) strict;
create table progress (              -- what became of the events: one row a stream
  kind text primary key,
  sent_through integer not null,     -- every number up to this one is acknowledged, set aside or asked for again
  pruned_through integer not null,   -- the values up to this one were looked at by prune
  acknowledged_at integer
) strict, without rowid;
create table run (                   -- acknowledged numbers whose offsets follow one another
  kind text not null,
  first_sequence integer not null,
  last_sequence integer not null,
  first_offset integer not null,
  primary key (kind, last_sequence, first_offset)
) strict, without rowid;
create table set_aside (             -- numbers that were not sent, and will not be unless asked for
  kind text not null,
  sequence integer not null,
  reason text not null,
  detail text not null,
  at integer not null,
  primary key (kind, sequence)
) strict, without rowid;
create table again (                 -- numbers that somebody asked to be sent again
  kind text not null,
  sequence integer not null,
  primary key (kind, sequence)
) strict, without rowid;
"""
_SCHEMA_OF_KIND = """
create table {kind} (                -- one table a stream: its rowid is the sequence, and is never given twice
  sequence integer primary key autoincrement,
  event_id blob not null,
  recorded_at integer not null,
  value blob,                        -- exactly as it is sent; null once pruned
  digest blob
) strict;
insert into progress values ('{kind}', 0, 0, null);
"""


class OutboxCorrupt(MusterError):
    """The file is not what SQLite wrote."""


class OutboxFailed(MusterError):
    """The disk failed to take or give data: nothing more may be done with this connection."""


class Identity(NamedTuple):
    """Whose outbox a file is, and which one."""

    office_id: str
    epoch: UUID
    created_at: int


def require_sqlite(version: str) -> None:
    """Raise ConfigurationError for a SQLite with the WAL-reset corruption."""
    if tuple(int(part) for part in version.split(".")[:3]) < SQLITE_AT_LEAST:
        wanted = ".".join(map(str, SQLITE_AT_LEAST))
        cause = f"is {version}; before {wanted} a WAL that two connections write to can be corrupted"
        raise ConfigurationError.of("SQLite", cause, "install apsw 3.51.3 or newer, which bundles a fixed one")


def connect(path: Path, vfs: str = "") -> apsw.Connection:
    """Open the file with the settings that the promises rest on; it is made, empty, when it is not there."""
    require_sqlite(apsw.sqlite_lib_version())
    with translated(path):
        with suppress(FileExistsError):  # one that is there is not touched: closing it would drop SQLite's locks on it
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        connection = apsw.Connection(str(path), vfs=vfs or None)
        connection.set_busy_timeout(BUSY_MS)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
    return connection


def create(connection: apsw.Connection, path: Path, identity: Identity) -> None:
    """Give an empty file its tables and its identity, in one transaction."""
    with translated(path), transaction(connection):
        connection.execute(_SCHEMA + "".join(_SCHEMA_OF_KIND.format(kind=kind) for kind in KINDS))
        meta = (identity.office_id, identity.epoch.bytes, identity.created_at)
        connection.execute("insert into meta values (1, ?, ?, ?)", meta)
        connection.execute(f"pragma application_id = {APPLICATION_ID}")
        connection.execute(f"pragma user_version = {SCHEMA_VERSION}")
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)  # the name in its folder must survive a power loss too
    finally:
        os.close(folder)


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """Write in one transaction: committed once it is left, or rolled back.

    Not apsw's own: it fails to roll back what SQLite itself has rolled back, as after a failed write, and hides that.
    """
    try:
        connection.execute("begin immediate")
        yield
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def is_empty(connection: apsw.Connection, path: Path) -> bool:
    """Tell whether the file has no tables yet."""
    with translated(path):
        return not connection.execute("select count(*) from sqlite_schema").get


def identity(connection: apsw.Connection, path: Path) -> Identity:
    """Read whose outbox it is; ConfigurationError for a file that is none, or of another version."""
    with translated(path):
        application_id = connection.pragma("application_id")
        version = connection.pragma("user_version")
        if application_id != APPLICATION_ID:
            raise ConfigurationError.of(str(path), "is not an outbox", "check --outbox")
        if version != SCHEMA_VERSION:
            cause = f"is an outbox of version {version}, and this program knows version {SCHEMA_VERSION}"
            raise ConfigurationError.of(str(path), cause, "use the program that wrote it until it is empty")
        office_id, epoch, created_at = connection.execute("select office_id, epoch, created_at from meta").get
    return Identity(office_id, UUID(bytes=epoch), created_at)


def move_aside(path: Path, suffix: str) -> Path:
    """Rename the file and its companions; give the new name."""
    aside = path.with_name(path.name + suffix)
    for companion in ("", "-wal", "-shm"):
        source = path.with_name(path.name + companion)
        if source.exists():
            source.rename(path.with_name(aside.name + companion))
    return aside


class translated:  # noqa: N801 - it reads as a statement: with translated(path)
    """Turns the errors of SQLite and of the file system into ours; none of them shows a row."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        for classes, ours, cause, hint in _TRANSLATIONS:
            if isinstance(fault, classes):
                raise ours.of(str(self._path), f"{cause} ({fault})", hint) from None


_CORRUPT_HINT = "stop what uses it and run `field-office renew-outbox`: it is moved aside, and a new epoch begins"
_RIGHTS_HINT = "check --outbox, and the rights of the file and its folder"
_DISK_HINT = "check the disk, start again, and see `field-office status --verify`"
_TRANSLATIONS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], type[MusterError], str, str], ...] = (
    (apsw.FullError, OutboxFull, "has no room left on its disk: nothing was stored", FULL_HINT),
    ((apsw.CorruptError, apsw.NotADBError, apsw.FormatError), OutboxCorrupt, "is corrupt", _CORRUPT_HINT),
    ((apsw.CantOpenError, apsw.ReadOnlyError), ConfigurationError, "cannot be opened to write", _RIGHTS_HINT),
    (apsw.BusyError, OutboxFailed, "is kept busy by another program", "end what reads or copies it, then start again"),
    (apsw.IOError, OutboxFailed, "failed to read or write", _DISK_HINT),
    (OSError, ConfigurationError, "cannot be opened", _RIGHTS_HINT),
)


def corrupt(path: Path, cause: str) -> OutboxCorrupt:
    """Build the error, with what to do about it."""
    return OutboxCorrupt.of(str(path), f"is corrupt ({cause})", _CORRUPT_HINT)
