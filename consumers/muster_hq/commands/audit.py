"""``headquarters audit``: every verdict that a log and a policy give, by code apart from the live engine."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from muster_contract.register import load_register
from muster_hq.audit import Audit
from muster_hq.audit import audit as audit_records
from muster_hq.commands.arguments import instant
from muster_hq.commands.options import OptionalOfficesFile, PolicyFiles
from muster_hq.commands.rows import Format, print_rows
from muster_hq.logfile import read_log
from muster_hq.policy_reader import load_policies


def audit(
    log: Annotated[Path, typer.Option("--log", metavar="FILE", help="A log file; - is the standard input.")],
    policy: PolicyFiles,
    as_of: Annotated[str, typer.Option("--as-of", metavar="TIME", help="Where the intake clock stands at the end.")],
    offices: OptionalOfficesFile = None,
    output: Annotated[Format | None, typer.Option("--format", help="table on a terminal, else jsonl.")] = None,
) -> None:
    """Audit a log: print every verdict, and on stderr what became of its records."""
    until = instant(as_of, "--as-of")
    policies = load_policies(policy)
    register = {office.id for office in load_register(offices)} if offices else None
    found = audit_records(read_log(log), policies, register, until)
    print_rows(found.verdicts, output)
    for line in _summary(found):
        typer.echo(line, err=True)


def _summary(found: Audit) -> list[str]:
    counts = ", ".join(f"{number} {outcome}" for outcome, number in found.counts.items())
    reasons = Counter(record.reason for record in found.quarantined)
    lines = [f"{sum(found.counts.values())} records: {counts}"]
    if reasons:
        lines.append("quarantined: " + ", ".join(f"{number} {reason}" for reason, number in sorted(reasons.items())))
    return lines
