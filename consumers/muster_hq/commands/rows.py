"""Rows of verdicts or findings for people (a table) and for programs (JSON Lines, the exact form of an audit)."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

import typer
from rich.table import Table

from muster_contract.shell.tables import for_people

Row = dict[str, Any]
VERDICT_COLUMNS = (
    "case_id",
    "office_id",
    "encounter_id",
    "requirement",
    "occurrence",
    "verdict",
    "at",
    "due_at",
    "received_at",
)


WIDE = 240
FINDING_COLUMNS = ("at", "kind", "office_id", "stream", "detail")


class Refused(Protocol):
    """A quarantined record, as either program has it."""

    @property
    def stream(self) -> str:
        """The stream that it stands on."""

    @property
    def offset(self) -> int:
        """Where it stands there."""

    @property
    def reason(self) -> str:
        """Why it could not be applied."""


class Format(StrEnum):
    """How rows are printed."""

    JSONL = "jsonl"
    TABLE = "table"


def form_of(form: Format | None) -> Format:
    """Give the form in which rows are printed: left to itself, a table on a terminal and JSON Lines otherwise."""
    return form or (Format.TABLE if sys.stdout.isatty() else Format.JSONL)


def print_rows(rows: Iterable[Row], form: Format | None, columns: Sequence[str] = VERDICT_COLUMNS) -> None:
    """Print rows on stdout; left to itself, as a table on a terminal and as JSON Lines otherwise."""
    if form_of(form) is Format.JSONL:
        for row in rows:
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        sys.stdout.flush()
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*("" if row[name] is None else str(row[name]) for name in columns))
    for_people(WIDE).print(table)


def tell_read(counts: Mapping[str, int], quarantined: Iterable[Refused]) -> None:
    """Say on stderr what became of the records read, why some were quarantined, and where the first of each stands."""
    outcomes = ", ".join(f"{number} {outcome}" for outcome, number in counts.items())
    typer.echo(f"{sum(counts.values())} records: {outcomes}", err=True)
    numbers: Counter[str] = Counter()
    firsts: dict[str, str] = {}
    for record in sorted(quarantined, key=lambda one: (one.stream, one.offset)):
        numbers[record.reason] += 1
        firsts.setdefault(record.reason, f"{record.reason} at {record.stream}, offset {record.offset}")
    if numbers:
        typer.echo(
            "quarantined: " + ", ".join(f"{number} {reason}" for reason, number in sorted(numbers.items())), err=True
        )
        typer.echo("first of each: " + "; ".join(first for _, first in sorted(firsts.items())), err=True)
