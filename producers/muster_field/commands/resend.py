"""``field-office resend``: have the relay send events again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Annotated
from uuid import UUID

import typer

from muster_contract.errors import ConfigurationError
from muster_field.commands.options import OutboxFile
from muster_field.commands.output import print_json
from muster_field.outbox import Outbox
from muster_field.outbox_care import ask_again, find
from muster_field.settings import numbers
from muster_field.wire import KINDS


def resend(
    outbox: OutboxFile,
    stream: Annotated[str | None, typer.Option(help="encounters or incidents, with --sequence.")] = None,
    sequence: Annotated[str | None, typer.Option(metavar="N[-M]", help="The numbers to send again.")] = None,
    event: Annotated[UUID | None, typer.Option(metavar="EVENT_ID", help="The event to send again.")] = None,
    set_aside: Annotated[bool, typer.Option("--set-aside", help="All that were set aside: its cause is gone.")] = False,
) -> None:
    """Ask for events that were sent or set aside to be sent again; headquarters applies each once all the same."""
    if [event is not None, sequence is not None, set_aside].count(True) != 1:
        raise ConfigurationError.of("resend", "takes one of --sequence (with --stream), --event and --set-aside")
    with closing(Outbox.open(outbox)) as opened:
        if event is not None:
            ranges = [_of_event(opened, event)]
        elif sequence is not None:
            ranges = [_of_numbers(stream, sequence)]
        else:
            ranges = list(_of_set_aside(opened))
        asked = sum(ask_again(opened, *one) for one in ranges)
        wanted = sum(last - first + 1 for _, first, last in ranges)
    if not set_aside and asked < wanted:
        cause = f"{wanted - asked} of these numbers are pending, not recorded, or no longer kept here"
        raise ConfigurationError.of("resend", cause, f"the other {asked} are asked for; see `field-office status`")
    print_json(asked_again=asked)


def _of_event(outbox: Outbox, event: UUID) -> tuple[str, int, int]:
    found = find(outbox, event.bytes)
    if found is None:
        raise ConfigurationError.of(
            "--event", "is not in this outbox", "check --outbox; another epoch has another file"
        )
    kind, sequence = found
    return kind, sequence, sequence


def _of_numbers(stream: str | None, sequence: str) -> tuple[str, int, int]:
    if stream not in KINDS:
        raise ConfigurationError.of("--stream", "must be encounters or incidents, with --sequence")
    return stream, *numbers(sequence, "--sequence")


def _of_set_aside(outbox: Outbox) -> Iterator[tuple[str, int, int]]:
    for stream in outbox.state().streams:
        yield from ((stream.kind, one.sequence, one.sequence) for one in stream.set_aside)
