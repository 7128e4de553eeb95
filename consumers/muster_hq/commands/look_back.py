"""``headquarters look-back``: which reports are outstanding, since when, and by what evidence we say so."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from muster_hq.commands.arguments import day_or_instant
from muster_hq.commands.lists import ListFormat, list_format_of, obligation_row, print_list
from muster_hq.commands.options import LedgerUrl
from muster_hq.ledger.opening import open_reader
from muster_hq.transfers import in_charge_of, transfers_of


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
    chosen = list_format_of(output)
    with closing(open_reader(ledger)) as reader, reader.snapshot():
        transfers = transfers_of(reader.directives())
        rows = (
            obligation_row(case_id, missed, in_charge_of(missed, transfers.get((case_id, missed.office_id), ())))
            for case_id, missed in reader.outstanding(start)
        )
        count = print_list(rows, chosen, _COLUMNS)
    words = "outstanding" if since is None else f"outstanding since {since}"
    typer.echo(f"{words}: {count}", err=chosen is not ListFormat.TABLE)


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
