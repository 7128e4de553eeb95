"""``headquarters audit``: every verdict that a log and a policy give, by code apart from the live engine."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from muster_contract.errors import ConfigurationError, Fault, Finding
from muster_contract.register import load_registers, offices_of
from muster_hq.audit import Audit
from muster_hq.audit import audit as audit_records
from muster_hq.commands.arguments import instant
from muster_hq.commands.options import (
    FindingsInstead,
    KafkaConfig,
    OptionalBootstrap,
    OptionalOfficesFiles,
    PolicyFiles,
    TrustCreateTime,
    kafka_properties,
)
from muster_hq.commands.rows import FINDING_COLUMNS, Format, print_rows, tell_read
from muster_hq.commands.streams import scan_streams, shown, shown_log
from muster_hq.comparing import Holdings, differences, holdings_of
from muster_hq.ledger.opening import open_reader
from muster_hq.policy_reader import at_offices, load_policies
from muster_hq.records import Record


def audit(
    policy: PolicyFiles,
    log: Annotated[
        Path | None, typer.Option("--log", metavar="FILE", help="A log file to audit; - is the standard input.")
    ] = None,
    bootstrap: OptionalBootstrap = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="TIME", help="Where the intake clock stands; with --compare, the ledger's."),
    ] = None,
    compare: Annotated[
        str | None, typer.Option("--compare", metavar="LEDGER", help="A ledger that must agree: exit 1 if it does not.")
    ] = None,
    offices: OptionalOfficesFiles = None,
    kafka_config: KafkaConfig = None,
    trust_create_time: TrustCreateTime = False,
    findings: FindingsInstead = False,
    output: Annotated[Format | None, typer.Option("--format", help="table on a terminal, else jsonl.")] = None,
) -> None:
    """Audit a log file, or the topics: print every verdict, or with --compare where a ledger differs.

    With --findings print what was found of transmission itself: gaps, silence and the like. --compare compares both.
    What became of the records stands on stderr.
    """
    # A log that was named wins over a broker that only the environment names.
    if log is None and bootstrap is None:
        raise ConfigurationError.of("audit", "has nothing to read", "--log FILE or --bootstrap HOST:PORT")
    if as_of is None and compare is None:
        raise ConfigurationError.of("--as-of", "is missing", "a time, or --compare LEDGER to take the ledger's")
    known = load_registers(offices) if offices else None
    policies = at_offices(load_policies(policy), known)
    register = tuple(office.id for office in offices_of(known)) if known else None
    # The ledger is read first: the log that is read afterwards then holds all that the ledger knows.
    held = _holdings(compare) if compare else None
    moment: int | Mapping[str, int] = instant(as_of, "--as-of") if as_of is not None else held.clocks if held else 0
    with _records(log, bootstrap, register, kafka_config, trust=trust_create_time) as records:
        found = audit_records(records, policies, register, moment, held.unread if held else None)
    tell_read(found.counts, found.quarantined)
    if held is None:
        if findings:
            print_rows(found.findings, output, FINDING_COLUMNS)
        else:
            print_rows(found.verdicts, output)
    else:
        _compare(found, held)


def _holdings(url: str) -> Holdings:
    with closing(open_reader(url)) as ledger:
        return holdings_of(ledger)


@contextmanager
def _records(
    log: Path | None, bootstrap: str | None, register: Iterable[str] | None, config: Path | None, *, trust: bool
) -> Iterator[Iterable[Record]]:
    if log is not None or bootstrap is None:
        yield shown_log(log or Path("-"))
        return
    with scan_streams(kafka_properties(config), bootstrap, register, trust=trust) as scan:
        yield shown(scan, scan.total, "auditing")


def _compare(found: Audit, held: Holdings) -> None:
    """Print what only one side says; Finding when there is anything, or when a stream is miscounted."""
    typer.echo(f"audit: {len(found.verdicts)} verdicts; ledger: {len(held.verdicts)}", err=True)
    typer.echo(f"audit: {len(found.findings)} findings; ledger: {len(held.findings)}", err=True)
    faults = [Fault(stream, "its four counts do not add up to the records read") for stream in held.miscounted]
    sides = (("verdicts", found.verdicts, held.verdicts), ("findings", found.findings, held.findings))
    for what, audited, holds in sides:
        only_in: Counter[str] = Counter()
        for side, row in differences(audited, holds):
            only_in[side] += 1
            sys.stdout.write(json.dumps({"only_in": side} | row) + "\n")
        if only_in:
            cause = f"{only_in['audit']} {what} only in the audit, {only_in['ledger']} only in the ledger"
            faults.append(Fault("compare", cause, "one of the two programs is wrong, or this log is not the ledger's"))
    if faults:
        raise Finding(faults)
