"""``headquarters declined-transfers``: how often which jurisdictions declined to transfer custody, by office."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from muster_hq.commands.options import LedgerUrl
from muster_hq.commands.rows import Format, print_rows
from muster_hq.ledger.opening import open_reader


def declined_transfers(
    ledger: LedgerUrl,
    output: Annotated[Format | None, typer.Option("--format", help="table on a terminal, else jsonl.")] = None,
) -> None:
    """List declined transfers of custody by office and jurisdiction.

    /metrics has them by office only: a jurisdiction with one of them would
    point at an encounter.
    """
    with closing(open_reader(ledger)) as reader:
        counts = reader.declined_counts()
    columns = ("office_id", "jurisdiction", "declined")
    print_rows((dict(zip(columns, (*key, n), strict=True)) for key, n in sorted(counts.items())), output, columns)
