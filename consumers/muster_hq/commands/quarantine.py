"""``headquarters quarantine``: what could not be read, and the directives that readmit or reject it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import Annotated, Any

import typer

from muster_contract.directives import target_of
from muster_contract.errors import ConfigurationError, Fault, Finding
from muster_contract.shell.running import run_command
from muster_contract.times import format_instant, now_ms
from muster_contract.topics import DIRECTIVES, parse_stream
from muster_hq.commands.directing import Authority, Draft, Reason, checked, give
from muster_hq.commands.options import Bootstrap, KafkaConfig, LedgerUrl, OptionalLedgerUrl
from muster_hq.commands.rows import Format, print_rows
from muster_hq.entries import QuarantinedRecord
from muster_hq.facts import Unfit
from muster_hq.ledger.opening import open_reader
from muster_hq.ledger_port import LedgerReader
from muster_hq.quarantine import NEVER_READ_AGAIN, read_again

app = typer.Typer()
COLUMNS = ("record", "reason", "detail", "size", "since", "epoch", "sequence", "ended_at")
Named = Annotated[str, typer.Argument(metavar="STREAM@OFFSET", help="Such as field.dal.incidents@17.")]


def quarantine(
    context: typer.Context,
    ledger: OptionalLedgerUrl = None,
    everything: Annotated[bool, typer.Option("--all", help="Those that were decided as well.")] = False,
    output: Annotated[Format | None, typer.Option("--format", help="table on a terminal, else jsonl.")] = None,
) -> None:
    """List the quarantined records that wait for a decision: exit code 1 when there are any.

    As long as one waits, its office is excused from what falls due: readmit
    it with a program that can read it, or reject it (docs/verdicts.md).
    """
    if context.invoked_subcommand is not None:
        return
    if ledger is None:
        raise ConfigurationError.of("--ledger", "is missing", "sqlite:///ledger.db, or MUSTER_LEDGER")
    with closing(open_reader(ledger)) as reader:
        records = [record for record in reader.quarantined() if everything or _waits(record)]
    print_rows(map(_row, records), output, COLUMNS)
    waiting = sum(map(_waits, records))
    if waiting:
        hint = "headquarters quarantine readmit, or reject"
        raise Finding([Fault("quarantine", f"{waiting} records wait for a decision", hint)])


def readmit(
    record: Named,
    authority: Authority,
    reason: Reason,
    ledger: LedgerUrl,
    bootstrap: Bootstrap,
    kafka_config: KafkaConfig = None,
) -> None:
    """Have a record read again, which this program can read: it counts from the directive's time on."""
    _decide(Draft("READMIT", record, authority, reason), ledger, bootstrap, kafka_config)


def reject(
    record: Named,
    authority: Authority,
    reason: Reason,
    ledger: LedgerUrl,
    bootstrap: Bootstrap,
    kafka_config: KafkaConfig = None,
) -> None:
    """Decide that a record never counts: what its office owes is due again, a grace after the directive."""
    _decide(Draft("REJECT", record, authority, reason), ledger, bootstrap, kafka_config)


def _decide(draft: Draft, ledger: str, bootstrap: str, kafka_config: KafkaConfig) -> None:
    checked(draft)
    with closing(open_reader(ledger)) as reader:
        told = what_comes_of(reader, draft)
    give(draft, bootstrap, kafka_config)
    typer.echo(told)


def what_comes_of(ledger: LedgerReader, draft: Draft) -> str:
    """Tell what READMIT or REJECT will do; ConfigurationError when it would do nothing."""
    aim = target_of(draft.action, draft.target)
    known: Iterable[QuarantinedRecord] = ledger.quarantined()
    record = next((r for r in known if aim and (r.stream, r.offset) == (aim.stream, aim.offset)), None)
    if record is None:
        raise ConfigurationError.of(draft.target, "is not quarantined", "headquarters quarantine lists what is")
    if record.ended_at is not None:
        raise ConfigurationError.of(draft.target, f"was decided at {format_instant(record.ended_at)}", "for good")
    if draft.action == "REJECT":
        return f"{draft.target} will never count: what its office owes is due again, a grace after the directive"
    if record.reason in NEVER_READ_AGAIN:
        raise ConfigurationError.of(draft.target, f"{record.reason} is never readmitted", "reject it")
    stream = parse_stream(record.stream)
    again = read_again(record, now_ms(), registered=bool(stream and stream.office in ledger.clocks()))
    if isinstance(again, Unfit):
        hint = "use the program that can, for the workers too; or reject it"
        raise ConfigurationError.of(draft.target, f"can still not be read: {again.reason}, {again.detail}", hint)
    return f"{draft.target} will count from the directive's time on, once a worker of this version has read that"


def _waits(record: QuarantinedRecord) -> bool:
    return record.ended_at is None and record.stream != DIRECTIVES


def _row(record: QuarantinedRecord) -> dict[str, Any]:
    return {
        "record": f"{record.stream}@{record.offset}",
        "stream": record.stream,
        "offset": record.offset,
        "reason": record.reason,
        "detail": record.detail,
        "size": record.size,
        "sha256": record.sha256.hex(),
        "since": format_instant(record.received_at),
        "epoch": str(record.epoch) if record.epoch else None,
        "sequence": record.sequence,
        "ended_at": record.ended_at and format_instant(record.ended_at),
        "ended_by": None if record.ended_by is None else f"{DIRECTIVES}@{record.ended_by}",
    }


app.callback(invoke_without_command=True)(run_command(quarantine))
app.command("readmit")(run_command(readmit))
app.command("reject")(run_command(reject))
