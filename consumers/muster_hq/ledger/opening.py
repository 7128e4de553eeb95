"""A ledger's URL to the ledger: the scheme chooses."""

from __future__ import annotations

from pathlib import Path

from muster_contract.errors import ConfigurationError
from muster_hq.ledger.sqlite import SqliteLedger
from muster_hq.ledger.sqlite.reading import SqliteReader
from muster_hq.ledger_port import Ledger, LedgerReader

SQLITE = "sqlite:///"


def open_ledger(url: str) -> Ledger:
    """Open a ledger to write it, and make it when it does not exist; LedgerError when another process writes it."""
    return SqliteLedger(_path_of(url))


def open_reader(url: str) -> LedgerReader:
    """Open a ledger that exists to read it, beside whoever writes it."""
    return SqliteReader(_path_of(url))


def _path_of(url: str) -> Path:
    """Give the path after ``sqlite:///``, as it stands: a fourth slash begins an absolute one."""
    if url.startswith(SQLITE) and len(url) > len(SQLITE):
        return Path(url.removeprefix(SQLITE))
    hint = f"{SQLITE}ledger.db, or {SQLITE}/var/lib/muster/ledger.db for an absolute path"
    scheme, colon, _ = url.partition(":")
    if scheme in {"postgresql", "postgres"} and colon:
        raise ConfigurationError.of("ledger", "this version has no PostgreSQL ledger yet", hint)
    if scheme == "sqlite" and colon:
        raise ConfigurationError.of("ledger", "a SQLite URL has three slashes and a path", hint)
    # The URL itself is not shown: it could hold a password.
    raise ConfigurationError.of("ledger", "is no URL of a kind that is known", hint)
