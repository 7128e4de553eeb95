"""``headquarters replay``: the same log through the live engine and a ledger; its verdicts must equal the audit's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from muster_contract.register import load_registers, offices_of
from muster_hq.commands.arguments import instant
from muster_hq.commands.options import FindingsInstead, LedgerUrl, OptionalOfficesFiles, PolicyFiles
from muster_hq.commands.rows import FINDING_COLUMNS, Format, print_rows, tell_read
from muster_hq.commands.streams import shown_log
from muster_hq.comparing import settled_findings
from muster_hq.ledger.opening import open_ledger
from muster_hq.logfile import offices_in
from muster_hq.policy_reader import at_offices, load_policies
from muster_hq.published import verdict_row
from muster_hq.replay import replay as replay_log

LogFile = Annotated[Path, typer.Option("--log", metavar="FILE", help="A log file; - is the standard input.")]
AsOf = Annotated[str, typer.Option("--as-of", metavar="TIME", help="Where the intake clock stands at the end.")]


def replay(
    log: LogFile,
    policy: PolicyFiles,
    as_of: AsOf,
    ledger: LedgerUrl,
    offices: OptionalOfficesFiles = None,
    findings: FindingsInstead = False,
    output: Annotated[Format | None, typer.Option("--format", help="table on a terminal, else jsonl.")] = None,
) -> None:
    """Replay a log file through the live engine into a new ledger, and print the ledger's verdicts, or its findings."""
    until = instant(as_of, "--as-of")
    known = load_registers(offices) if offices else None
    policies = at_offices(load_policies(policy), known)
    register = {office.id for office in offices_of(known)} if known else None
    records = list(shown_log(log))
    names = sorted(register if register is not None else offices_in(records))
    opened = open_ledger(ledger)
    try:
        with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
            task = progress.add_task("replaying", total=len(records))
            counts = replay_log(records, policies, names, opened, until, progress=lambda n: progress.advance(task, n))
        if findings:
            print_rows(settled_findings(opened, dict.fromkeys(names, until)), output, FINDING_COLUMNS)
        else:
            print_rows((verdict_row(case_id, verdict) for case_id, verdict in opened.verdicts()), output)
        tell_read(counts._asdict(), opened.quarantined())
    finally:
        opened.close()
