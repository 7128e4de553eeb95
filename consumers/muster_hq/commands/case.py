"""``headquarters case``: one case's file, with the evidence behind every verdict."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from muster_contract.errors import ConfigurationError
from muster_hq.commands.options import LedgerUrl
from muster_hq.commands.rows import Format, form_of, print_rows
from muster_hq.inspection.timeline import Row, timeline
from muster_hq.ledger.opening import open_reader


def case(
    case_id: Annotated[str, typer.Argument(metavar="CASE_ID", help="The case, as its events name it.")],
    ledger: LedgerUrl,
    output: Annotated[Format | None, typer.Option("--format", help="table on a terminal, else jsonl.")] = None,
) -> None:
    """Show one case in order of time: what arrived, what was ordered, what was due, what was judged, and what is open.

    Verdicts and what is open point at the records that they rest on, as stream@offset.
    """
    with closing(open_reader(ledger)) as reader, reader.snapshot():
        history, orders = reader.case(case_id), list(reader.directives())
    if history is None:
        raise ConfigurationError.of("case", "is not in this ledger", "an id as look-back and audit print it")
    form = form_of(output)
    rows = timeline(history, orders)
    print_rows(rows if form is Format.JSONL else (row | _cells(row) for row in rows), form, _COLUMNS)


_COLUMNS = ("at", "kind", "office_id", "what", "codes_or_due", "own_at", "record", "evidence")


def _cells(row: Row) -> Row:
    """Give the cells of a table's row: whatever kind it is, in the same columns."""
    if row["kind"] == "event":
        codes = ", ".join(f"{name} {code}" for name, code in row["codes"].items() if name != "label")
        return {"what": row["type"], "codes_or_due": codes, "record": _place(row, "stream"), "evidence": ""}
    if row["kind"] == "directive":
        until = f" until {row['until']}" if row["until"] else ""
        what = f"{row['action']} {row['target']}{until}"
        why = f"ignored: {row['ignored']}" if row["ignored"] else ""
        cells = {"office_id": "", "what": what, "codes_or_due": f"{row['authority']}, {row['reason_code']}"}
        return cells | {"own_at": "", "record": _place(row, "stream"), "evidence": why}
    what = f"{row['requirement']} {row['occurrence']}: {row.get('verdict', row.get('state', 'due'))}"
    behind = " ".join(_place(record, "topic") for record in row.get("evidence", ()))
    due = f"due {row['due_at']}" if "due_at" in row else ""
    return {"what": what, "codes_or_due": due, "own_at": "", "record": "", "evidence": behind}


def _place(record: Row, stream: str) -> str:
    return f"{record[stream]}@{record['offset']}"
