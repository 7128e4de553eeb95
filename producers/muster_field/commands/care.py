"""``field-office`` commands for the outbox itself: make it, renew a corrupt one, free a full disk, forget old bytes."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from muster_contract.errors import ConfigurationError
from muster_contract.times import now_ms
from muster_field.commands.options import OfficeId, OfficesFile, OutboxFile, open_field_office
from muster_field.commands.output import print_json
from muster_field.outbox import Outbox
from muster_field.outbox_care import prune as prune_outbox
from muster_field.outbox_care import verify
from muster_field.outbox_file import OutboxCorrupt, move_aside
from muster_field.outbox_store import relay_lock, write_lock
from muster_field.reserve import Reserve
from muster_field.settings import duration_ms


def init_outbox(outbox: OutboxFile, office: OfficeId, offices: OfficesFile) -> None:
    """Make the office's outbox, so that its relay can say that the office lives before there is a first event."""
    with open_field_office(outbox, office, offices) as made:
        print_json(epoch=made.state().epoch)


def renew_outbox(
    outbox: OutboxFile,
    office: OfficeId,
    offices: OfficesFile,
    force: Annotated[
        bool, typer.Option("--force", help="Even one that is whole and holds events that were never sent.")
    ] = False,
) -> None:
    """Move a corrupt outbox aside, and begin a new one under a new epoch, which headquarters notices."""
    if not outbox.exists():
        raise ConfigurationError.of(str(outbox), "there is no outbox here", "check --outbox")
    with closing(relay_lock(outbox)) as lock, lock:
        unsent = None if force else _unsent(outbox)
        if unsent:
            cause = f"is whole, and holds {unsent} events that were never sent"
            raise ConfigurationError.of(str(outbox), cause, "send them: `field-office relay --until-empty`; or --force")
        with closing(write_lock(outbox)) as writing, writing:
            aside = move_aside(outbox, f".until-{now_ms()}")
    with open_field_office(outbox, office, offices) as renewed:
        print_json(moved_to=aside, epoch=renewed.state().epoch)


def release_reserve(outbox: OutboxFile) -> None:
    """Give the relay room to drain a full disk, by removing the file that was kept for that."""
    print_json(freed_bytes=Reserve(outbox).release())


def prune(
    outbox: OutboxFile,
    older_than: Annotated[
        str, typer.Option(metavar="DURATION", help="Age of the events, by their recording.")
    ] = "P30D",
) -> None:
    """Forget the bytes of events that were sent long ago; their ids, numbers and offsets stay."""
    with closing(Outbox.open(outbox)) as opened:
        print_json(pruned=prune_outbox(opened, now_ms() - duration_ms(older_than, "--older-than")))


def _unsent(outbox: Path) -> int:
    """Count the events that would be left behind and can be sent; none where the file itself is lost."""
    try:
        with closing(Outbox.open(outbox)) as opened:
            damaged = set(verify(opened))
            state = opened.state()
            asides = [(stream.kind, one.sequence) for stream in state.streams for one in stream.set_aside]
            return state.pending + sum(place not in damaged for place in asides)
    except OutboxCorrupt:
        return 0
