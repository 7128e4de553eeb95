"""The schema's versions: numbered files, applied in order by whoever opens the ledger to write it first."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from psycopg import Connection

from muster_hq.ledger_port import LedgerError

_LOCK: Final = "select pg_advisory_xact_lock(hashtext('muster migration'))"


def migrations() -> list[tuple[int, bytes]]:
    """Give each version's number and statements, in order."""
    found = files(__package__).joinpath("migrations").iterdir()
    return sorted((int(file.name[:4]), file.read_bytes()) for file in found if file.name.endswith(".sql"))


def migrate(connection: Connection[Any], place: str) -> None:
    """Bring the schema to this program's version, one at a time; nothing is done when it is there already."""
    steps = migrations()
    known = steps[-1][0]
    if _version(connection) == known:
        return
    with connection.transaction():
        connection.execute(_LOCK)  # others that start now wait here, and then find the work done
        version = _version(connection)
        if version is None:
            _refuse_other_tables(connection, place)
            connection.execute("create table muster_schema (version integer primary key, applied_at timestamptz)")
        for number, statements in steps:
            if number > (version or 0):
                connection.execute(statements, prepare=False)
                connection.execute("insert into muster_schema values (%s, now())", (number,))
    verify(connection, place)


def verify(connection: Connection[Any], place: str) -> None:
    """LedgerError unless the schema is of this program's version."""
    version, known = _version(connection), migrations()[-1][0]
    if version is None:
        hint = "headquarters serve, worker or replay makes it; is this the right database?"
        raise LedgerError.of(place, "holds no ledger", hint)
    if version > known:
        cause = f"holds version {version} of the ledger, this program knows {known}"
        raise LedgerError.of(place, cause, "use the program that migrated it, or a newer one")
    if version < known:
        cause = f"holds version {version} of the ledger, this program needs {known}"
        raise LedgerError.of(place, cause, "start headquarters serve or worker of this version: they migrate it")


def _version(connection: Connection[Any]) -> int | None:
    found = connection.execute("select to_regclass('muster_schema')").fetchone()
    if found is None or found[0] is None:
        return None
    version = connection.execute("select max(version) from muster_schema").fetchone()
    return version[0] if version else None


def _refuse_other_tables(connection: Connection[Any], place: str) -> None:
    select = "select 1 from pg_tables where schemaname = current_schema() limit 1"
    if connection.execute(select).fetchone():
        raise LedgerError.of(place, "is another program's database", "create one of its own: createdb muster")
