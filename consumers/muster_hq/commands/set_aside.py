"""``headquarters set-aside``: which cases could not be judged, and why; nothing is said of them until they can."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from muster_contract.errors import Fault, Finding
from muster_contract.times import format_instant
from muster_hq.commands.options import LedgerUrl
from muster_hq.commands.rows import Format, print_rows
from muster_hq.ledger.opening import open_reader

COLUMNS = ("case_id", "reason", "at", "tries")
_HINT = "find out with the audit what should be said of them; a worker that is started tries them again"


def set_aside(
    ledger: LedgerUrl,
    output: Annotated[Format | None, typer.Option("--format", help="table on a terminal, else jsonl.")] = None,
) -> None:
    """List the cases whose judgement failed: exit code 1 when there are any.

    All other cases are judged. A worker tries each three times, a minute
    apart, when a new event of the case comes, and whenever it is started.
    """
    with closing(open_reader(ledger)) as reader:
        cases = reader.cases_aside()
    print_rows(({**case._asdict(), "at": format_instant(case.at)} for case in cases), output, COLUMNS)
    if cases:
        raise Finding([Fault("ledger", f"{len(cases)} cases could not be judged", _HINT)])
