"""``field-office status``: what an outbox holds."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from muster_contract.errors import ConfigurationError, Fault, Finding
from muster_contract.shell.tables import for_people
from muster_contract.times import format_instant
from muster_field.answers import NOT_ANSWERED, InboxState
from muster_field.commands.options import OutboxFile
from muster_field.commands.output import WIDE, print_json
from muster_field.inbox import inbox_path, what_is_answered
from muster_field.outbox import Outbox
from muster_field.outbox_care import verify
from muster_field.state import OutboxState
from muster_field.wire import stream_name


def status(
    outbox: OutboxFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")] = False,
    check: Annotated[bool, typer.Option("--verify", help="Read every event and compare it with its digest.")] = False,
) -> None:
    """Show what is sent, pending and set aside; with --verify, exit with 1 when something is damaged."""
    with closing(Outbox.open(outbox)) as opened:
        state = opened.state()
        damaged = verify(opened) if check else []
    answers, trouble = NOT_ANSWERED, None
    if inbox_path(outbox).exists():
        try:
            answers, _ = what_is_answered(outbox, state.office_id, state.epoch.bytes)
        except ConfigurationError as refusal:
            trouble = refusal  # told at the end: what the outbox holds is known all the same
    if as_json:
        print_json(**_object(state, answers))
    else:
        _print_tables(state, answers)
    if damaged:
        raise Finding(
            Fault(f"{kind} {sequence}", "is damaged", "it will not be sent; record what happened again")
            for kind, sequence in damaged
        )
    if trouble:
        raise trouble


def _object(state: OutboxState, answers: InboxState) -> dict[str, Any]:
    return {
        "office": state.office_id,
        "epoch": str(state.epoch),
        "created_at": format_instant(state.created_at),
        "streams": {
            stream_name(stream.kind, state.office_id): {
                "last_sequence": stream.last_sequence,
                "sent": stream.sent,
                "received": answers.received.get(stream.kind, 0),
                "refused": [
                    {"sequence": one.sequence, "reason": one.reason, "at": _instant(one.at)}
                    for one in answers.refused
                    if one.kind == stream.kind
                ],
                "pending": stream.pending,
                "lowest_pending": stream.lowest_pending,
                "oldest_pending_at": _instant(stream.oldest_pending_at),
                "last_acknowledged_at": _instant(stream.last_acknowledged_at),
                "set_aside": [
                    {"sequence": one.sequence, "reason": one.reason, "detail": one.detail, "at": _instant(one.at)}
                    for one in stream.set_aside
                ],
            }
            for stream in state.streams
        },
    }


def _print_tables(state: OutboxState, answers: InboxState) -> None:
    console = for_people(WIDE)
    table = Table(title=f"office {state.office_id}, epoch {state.epoch}", title_justify="left")
    for heading in (
        "stream",
        "recorded",
        "sent",
        "received",
        "pending",
        "set aside",
        "oldest pending",
        "last acknowledged",
    ):
        table.add_column(heading, justify="left" if heading == "stream" else "right", overflow="fold")
    for stream in state.streams:
        received = answers.received.get(stream.kind, 0)
        counts = (stream.last_sequence, stream.sent, received, stream.pending, len(stream.set_aside))
        times = (_instant(stream.oldest_pending_at), _instant(stream.last_acknowledged_at))
        table.add_row(stream.kind, *map(str, counts), *(time or "-" for time in times))
    console.print(table)
    _print_refused(console, answers)
    asides = [(stream.kind, one) for stream in state.streams for one in stream.set_aside]
    if asides:
        table = Table(title="set aside: not sent; `field-office resend` sends one again", title_justify="left")
        for heading in ("stream", "sequence", "reason", "detail", "since"):
            table.add_column(heading)
        for kind, one in asides:
            table.add_row(kind, str(one.sequence), one.reason, one.detail, _instant(one.at))
        console.print(table)


def _print_refused(console: Console, answers: InboxState) -> None:
    if answers.refused:
        table = Table(title="headquarters could not apply these: record what happened again", title_justify="left")
        for heading in ("stream", "sequence", "reason", "since"):
            table.add_column(heading)
        for one in answers.refused:
            table.add_row(one.kind, str(one.sequence), one.reason, _instant(one.at))
        console.print(table)


def _instant(ms: int | None) -> str | None:
    return None if ms is None else format_instant(ms)
