"""Lists of obligations, as rows: for people (a table), for spreadsheets (CSV) and for programs (JSON Lines)."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any

from rich.table import Table

from muster_contract.shell.tables import for_people
from muster_contract.times import format_instant
from muster_hq.commands.rows import WIDE
from muster_hq.published import evidence_row
from muster_hq.verdicts import Obligation, evidence_of

Row = dict[str, Any]


class ListFormat(StrEnum):
    """How the list is printed."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"


def list_format_of(form: ListFormat | None) -> ListFormat:
    """Give the form in which a list is printed: left to itself, a table on a terminal and JSON Lines otherwise."""
    return form or (ListFormat.TABLE if sys.stdout.isatty() else ListFormat.JSONL)


def obligation_row(case_id: str, obligation: Obligation, in_charge: str) -> Row:
    """Give an obligation as a row; the evidence is the record that made the report required."""
    return {
        "case_id": case_id,
        "encounter_id": obligation.encounter_id,
        "office_id": obligation.office_id,
        "in_charge": in_charge,
        "requirement": obligation.requirement,
        "occurrence": obligation.occurrence,
        "due_at": format_instant(obligation.due_at),
        "policy": obligation.policy,
        "evidence": [evidence_row(evidence_of(obligation.opening))],
    }


def print_list(rows: Iterable[Row], form: ListFormat, columns: Sequence[str]) -> int:
    """Print such rows on stdout as they come, and give their number; the columns are those of a table and of CSV."""
    return _PRINTERS[form](rows, columns)


def _print_jsonl(rows: Iterable[Row], _: Sequence[str]) -> int:
    count = 0
    for row in rows:
        sys.stdout.write(json.dumps(row) + "\n")
        count += 1
    return count


def _print_csv(rows: Iterable[Row], columns: Sequence[str]) -> int:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow(_cells(row, columns))
        count += 1
    return count


def _print_table(rows: Iterable[Row], columns: Sequence[str]) -> int:
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*_cells(row, columns))
    for_people(WIDE).print(table)
    return table.row_count


def _cells(row: Row, columns: Sequence[str]) -> Iterator[str]:
    flat = row | row["evidence"][0]
    return ("" if flat[column] is None else str(flat[column]) for column in columns)


_PRINTERS: dict[ListFormat, Callable[[Iterable[Row], Sequence[str]], int]] = {
    ListFormat.JSONL: _print_jsonl,
    ListFormat.CSV: _print_csv,
    ListFormat.TABLE: _print_table,
}
