"""``field-office due``: what headquarters expects of this office, and what it has not had by its time."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated, Literal

import typer
from rich.table import Table

from muster_contract.errors import Finding
from muster_contract.shell.tables import for_people
from muster_contract.times import format_instant, now_ms
from muster_field.answers import Due, is_overdue
from muster_field.commands.options import OutboxFile
from muster_field.commands.output import WIDE, print_json
from muster_field.inbox import not_answered, what_is_answered
from muster_field.outbox import Outbox


def due(
    outbox: OutboxFile,
    form: Annotated[Literal["table", "jsonl"], typer.Option("--format", help="A table, or one JSON object a line.")] = (
        "table"
    ),
) -> None:
    """Show what is due, earliest first, as headquarters last said; exit with 1 when something is overdue."""
    with closing(Outbox.open(outbox)) as opened:
        office, epoch, _ = opened.identity
    answers, found = what_is_answered(outbox, office, epoch.bytes)
    if answers.answered_at is None:
        raise not_answered(outbox)
    now = now_ms()
    if form == "jsonl":
        for one in found:
            print_json(**_object(one, now))
    else:
        _print_table(office, found, now, answers.answered_at)
    overdue = sum(is_overdue(one, now) for one in found)
    if overdue:
        hint = "send the reports; one that comes late still counts as received"
        raise Finding.of(office, f"{overdue} of {len(found)} are overdue", hint)


def _object(one: Due, now: int) -> dict[str, object]:
    return one._asdict() | {
        "due_at": format_instant(one.due_at),
        "state": one.state and one.state.value,
        "overdue": is_overdue(one, now),
    }


def _print_table(office: str, found: list[Due], now: int, answered_at: int) -> None:
    heard = format_instant(answered_at)
    table = Table(title=f"due of {office}; headquarters was last heard {heard}", title_justify="left")
    for heading in ("due", "left", "requirement", "case", "encounter", "state"):
        table.add_column(heading, overflow="fold")
    for one in found:
        left = "overdue" if is_overdue(one, now) else _duration(one.due_at - now)
        number = f" ({one.occurrence})" if one.occurrence > 1 else ""
        state = one.state.value.lower() if one.state else ""
        where = f"{one.encounter_id} of {one.moved_from}" if one.moved_from else one.encounter_id
        table.add_row(format_instant(one.due_at), left, one.requirement + number, one.case_id, where, state)
    for_people(WIDE).print(table)


def _duration(milliseconds: int) -> str:
    minutes = milliseconds // 60_000
    days, hours = divmod(minutes // 60, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min"
