"""``headquarters look-back``: which reports are outstanding, since when, and by what evidence we say so."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from muster_contract.times import format_instant
from muster_hq.commands.arguments import day_or_instant
from muster_hq.commands.options import LedgerUrl
from muster_hq.ledger.opening import open_reader
from muster_hq.published import evidence_row
from muster_hq.transfers import in_charge_of, transfers_of
from muster_hq.verdicts import Obligation, evidence_of

Row = dict[str, Any]


class ListFormat(StrEnum):
    """How the list is printed."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"


def look_back(
    ledger: LedgerUrl,
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Only what was due from then on: a day (UTC) or an RFC 3339 time."),
    ] = None,
    output: Annotated[ListFormat | None, typer.Option("--format", help="table on a terminal, else jsonl.")] = None,
) -> None:
    """List the reports that were missed and still have not come, oldest due first.

    Without --since the list is as long as the gauge's sum
    (muster_reports_outstanding). in_charge is the office that was to see to it
    when it fell due: the case may have been moved. The last line says how many there are:
    on stderr with jsonl and csv, so that their lines are all alike.
    """
    start = None if since is None else day_or_instant(since, "--since")
    chosen = output or (ListFormat.TABLE if sys.stdout.isatty() else ListFormat.JSONL)
    with closing(open_reader(ledger)) as reader, reader.snapshot():
        transfers = transfers_of(reader.directives())
        rows = (
            outstanding_row(case_id, missed, in_charge_of(missed, transfers.get((case_id, missed.office_id), ())))
            for case_id, missed in reader.outstanding(start)
        )
        count = _PRINTERS[chosen](rows)
    words = "outstanding" if since is None else f"outstanding since {since}"
    typer.echo(f"{words}: {count}", err=chosen is not ListFormat.TABLE)


def outstanding_row(case_id: str, obligation: Obligation, in_charge: str) -> Row:
    """Give an outstanding obligation as a row; the evidence is the record that made the report required."""
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


def _print_jsonl(rows: Iterable[Row]) -> int:
    count = 0
    for row in rows:
        sys.stdout.write(json.dumps(row) + "\n")
        count += 1
    return count


def _print_csv(rows: Iterable[Row]) -> int:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_COLUMNS)
    count = 0
    for cells in map(_cells, rows):
        writer.writerow(cells)
        count += 1
    return count


def _print_table(rows: Iterable[Row]) -> int:
    table = Table()
    for column in _COLUMNS:
        table.add_column(column, overflow="fold")
    for cells in map(_cells, rows):
        table.add_row(*cells)
    Console(width=None if sys.stdout.isatty() else _WIDE).print(table)
    return table.row_count


def _cells(row: Row) -> Iterator[str]:
    flat = row | row["evidence"][0]
    return (str(flat[column]) for column in _COLUMNS)


_COLUMNS = (
    "due_at",
    "office_id",
    "in_charge",
    "requirement",
    "occurrence",
    "case_id",
    "encounter_id",
    "policy",
    "topic",
    "offset",
    "appended_at",
    "event_id",
)
_WIDE = 240
_PRINTERS: dict[ListFormat, Callable[[Iterable[Row]], int]] = {
    ListFormat.JSONL: _print_jsonl,
    ListFormat.CSV: _print_csv,
    ListFormat.TABLE: _print_table,
}
