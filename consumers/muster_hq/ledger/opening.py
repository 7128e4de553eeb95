"""A ledger's URL to the ledger: the scheme chooses."""

from __future__ import annotations

from pathlib import Path

from muster_contract.errors import ConfigurationError
from muster_hq.ledger.postgres import PostgresLedger
from muster_hq.ledger.postgres.reading import PostgresReader
from muster_hq.ledger.sqlite import SqliteLedger
from muster_hq.ledger.sqlite.reading import SqliteReader
from muster_hq.ledger_port import Ledger, LedgerReader

SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")


def open_ledger(url: str) -> Ledger:
    """Open a ledger to write it, and make it when it does not exist.

    LedgerError when it cannot be had; an SQLite ledger has one writing process.
    """
    return PostgresLedger(url) if _is_postgres(url) else SqliteLedger(_path_of(url))


def open_reader(url: str) -> LedgerReader:
    """Open a ledger that exists to read it, beside whoever writes it."""
    return PostgresReader(url) if _is_postgres(url) else SqliteReader(_path_of(url))


def _is_postgres(url: str) -> bool:
    return url.startswith(POSTGRES)


def _path_of(url: str) -> Path:
    """Give the path after ``sqlite:///``, as it stands: a fourth slash begins an absolute one."""
    if url.startswith(SQLITE) and len(url) > len(SQLITE):
        return Path(url.removeprefix(SQLITE))
    hint = f"{SQLITE}ledger.db, or {SQLITE}/var/lib/muster/ledger.db for an absolute path"
    hint += ", or postgresql://user@host:5432/muster"
    if url.startswith("sqlite:"):
        raise ConfigurationError.of("ledger", "a SQLite URL has three slashes and a path", hint)
    # The URL itself is not shown: it could hold a password.
    raise ConfigurationError.of("ledger", "is no URL of a kind that is known", hint)
