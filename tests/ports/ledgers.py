"""The ledgers under one suite: how each is opened, to write and to read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from uuid import UUID

from muster_hq.case_files import CaseChange, CaseFile
from muster_hq.facts import Fact
from muster_hq.heard import HeardRows, Kind, pack
from muster_hq.ledger.postgres import PostgresLedger
from muster_hq.ledger.postgres.reading import PostgresReader
from muster_hq.ledger.sqlite import SqliteLedger
from muster_hq.ledger.sqlite.reading import SqliteReader
from muster_hq.ledger_port import Ledger, LedgerReader
from muster_hq.patterns import Shape
from muster_hq.verdicts import Obligation, Verdict
from tests.builders import clocks_at, new_facts
from tests.cases.builders import T0, Event

A, B = "field.a.encounters", "field.b.encounters"
EPOCH = UUID(int=1)


def heard(stream: str, number: int, at: int = 0, epoch: UUID = EPOCH) -> HeardRows:
    """Hear of one numbered event of the office whose stream it is."""
    row = (T0 + at, number, number, number.to_bytes(16, "big"))
    return pack(stream.split(".")[1], stream, Kind.EVENTS, epoch.bytes, [row])


class LedgerKind(Protocol):
    """One kind of ledger, with a fresh one of it."""

    def open(self) -> Ledger:
        """Open the ledger to write it; the first time it is made."""

    def open_reader(self) -> LedgerReader:
        """Open the same ledger beside its writer."""


class Sqlite:
    """A ledger file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self) -> Ledger:
        """Open the file to write it."""
        return SqliteLedger(self._path)

    def open_reader(self) -> LedgerReader:
        """Open the file to read it."""
        return SqliteReader(self._path)


class Postgres:
    """A database."""

    def __init__(self, url: str) -> None:
        self.url = url

    def open(self) -> Ledger:
        """Connect to write it."""
        return PostgresLedger(self.url)

    def open_reader(self) -> LedgerReader:
        """Connect to read it."""
        return PostgresReader(self.url)


class _Always(dict[Shape, bool]):
    def __missing__(self, shape: Shape) -> bool:
        return True


always: Mapping[Shape, bool] = _Always()
"""Every event concerns judging."""


def append(ledger: Ledger, *events: Event, clocks: tuple[str, ...] = ()) -> list[Fact]:
    """Append the facts of a log; give them back."""
    facts = new_facts(*events)
    with ledger.intake() as transaction:
        transaction.append(facts, clocks, always)
    return [fact for _, fact, _ in facts]


def due_at(ledger: Ledger, at: int, limit: int = 100, offices: str = "ab") -> list[CaseFile]:
    """Take the cases that are due when every clock stands at so many milliseconds after T0."""
    with ledger.judging() as transaction:
        return transaction.due_cases(clocks_at(T0 + at, offices), limit)


def record(  # noqa: PLR0913 - the parts of a change, most of them empty
    ledger: Ledger,
    case: CaseFile,
    verdicts: list[Verdict] | None = None,
    *,
    opened: list[Obligation] | None = None,
    closed: list[Obligation] | None = None,
    due: list[tuple[str, int]] | None = None,
    stale: list[tuple[str, int]] | None = None,
) -> None:
    """Record what judging changes of a case; instants are milliseconds after T0."""
    rows = [obligation[:9] for obligation in closed or ()]
    on, off = ([(clock, T0 + at) for clock, at in pairs or ()] for pairs in (due, stale))
    with ledger.judging() as transaction:
        transaction.record([CaseChange(case.case_no, verdicts or [], opened or [], rows, on, off)])
