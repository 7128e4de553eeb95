"""``headquarters roll-call``: the register, office by office: heard when, what waits there, and what never came."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.table import Table

from muster_contract.errors import Finding
from muster_contract.register import load_registers, offices_of
from muster_contract.shell.tables import for_people
from muster_contract.times import format_instant
from muster_contract.topics import parse_stream
from muster_hq.commands.options import LedgerUrl, OptionalOfficesFiles
from muster_hq.commands.rows import Format, form_of
from muster_hq.entries import Heartbeat
from muster_hq.ledger.opening import open_reader
from muster_hq.ledger_port import LedgerReader
from muster_hq.roll import Roll, text_of
from muster_hq.verdicts import ALL_OFFICES

Row = dict[str, Any]


def roll_call(
    ledger: LedgerUrl,
    offices: OptionalOfficesFiles = None,
    output: Annotated[Format | None, typer.Option("--format", help="table on a terminal, else jsonl.")] = None,
) -> None:
    """Call the roll: when each office was last heard, what waits in its outbox, what is missing, and who is silent.

    Exit code 1 when an office is silent or a number is missing. With --offices
    also which offices have a classified network.
    """
    register = offices_of(load_registers(offices)) if offices else ()
    with closing(open_reader(ledger)) as reader:
        rows = register_rows(reader, {office.id: office.classified_network for office in register})
    if form_of(output) is Format.JSONL:
        sys.stdout.writelines(json.dumps(row) + "\n" for row in rows)
    else:
        _print_table(rows)
    silent = [row["office_id"] for row in rows if row["silent_since"]]
    short = {row["office_id"]: row["missing"] for row in rows if row["missing"]}
    if silent or short:
        missing = f"{sum(short.values())} numbers are missing of {', '.join(short)}" if short else ""
        quiet = f"{', '.join(silent)} silent" if silent else ""
        raise Finding.of("roll call", "; ".join(part for part in (missing, quiet) if part))


def register_rows(ledger: LedgerReader, classified: Mapping[str, bool] | None = None) -> list[Row]:
    """Give a row for each office of the register, in order of their ids; ``classified`` is who has that network."""
    with ledger.snapshot():
        offices = sorted(ledger.clocks().keys() - {ALL_OFFICES})
        rolls, heartbeats = ledger.rolls(), ledger.heartbeats()
    rows = [_row(office, rolls.get(office, Roll()), heartbeats.get(office)) for office in offices]
    return [row | {"classified_network": classified.get(row["office_id"])} for row in rows] if classified else rows


def _row(office: str, roll: Roll, beat: Heartbeat | None) -> Row:
    heard, silent = roll.heard, roll.silent
    gaps = [
        {"stream": stream, "epoch": str(UUID(bytes=epoch)), "numbers": [text_of(*run) for run in runs]}
        for (stream, epoch), runs in roll.missing()
    ]
    return {
        "office_id": office,
        "last_heard": format_instant(heard.received_at) if heard and heard.event_id else None,
        "unsent": beat.pending if beat else None,
        "missing": roll.count_missing(),
        "gaps": gaps,
        "silent_since": format_instant(heard.received_at) if heard and silent is not None else None,
        "epoch": str(UUID(bytes=roll.epoch)) if roll.epoch else None,
    }


def _print_table(rows: Iterable[Row]) -> None:
    table = Table("office", "last heard", "unsent", "missing", "where", "silent since", "epoch", "classified network")
    for row in rows:
        where = "\n".join(f"{_kind(gap['stream'])} {', '.join(gap['numbers'])}" for gap in row["gaps"])
        unsent = "" if row["unsent"] is None else str(row["unsent"])
        cells = (row["last_heard"] or "never", unsent, str(row["missing"] or ""), where)
        network = {True: "yes", False: "none", None: ""}[row.get("classified_network")]
        table.add_row(row["office_id"], *cells, row["silent_since"] or "", row["epoch"] or "", network)
    for_people(_WIDE).print(table)


def _kind(stream: str) -> str:
    parsed = parse_stream(stream)
    return parsed.kind if parsed else stream


_WIDE = 200
