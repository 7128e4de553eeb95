"""``headquarters embedded-broker``: a broker for the demonstration, in a process of its own that others connect to."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from muster_contract.register import load_registers, offices_of
from muster_contract.shell.running import stopped_by_signals
from muster_contract.topics import topics
from muster_hq.commands.options import OfficesFiles
from muster_hq.embedded import EmbeddedBroker

ORPHAN_CHECK_SECONDS = 0.5


def embedded_broker(
    offices: OfficesFiles,
    ready_file: Annotated[
        Path | None, typer.Option(help="Written once clients may connect: the address, as JSON.")
    ] = None,
) -> None:
    """Run a broker in memory, with the topics of these offices, until stopped: for demonstrations only.

    It prints its address for --bootstrap, keeps nothing, and ends with the process that started it. Its
    records have their producers' times: read them with --trust-create-time.
    """
    register = offices_of(load_registers(offices))
    parent = os.getppid()
    with stopped_by_signals() as stop, EmbeddedBroker() as broker:
        office_ids = [office.id for office in register]
        broker.create_topics([name for topic in topics() for name in topic.names(office_ids)])
        if ready_file:
            _write_whole(ready_file, json.dumps({"bootstrap": broker.bootstrap}))
        typer.echo(broker.bootstrap)
        while not stop.wait(ORPHAN_CHECK_SECONDS) and os.getppid() == parent:
            pass


def _write_whole(path: Path, text: str) -> None:
    """Write a file that nobody sees half of: whoever waits for it reads it at once."""
    draft = path.with_name(path.name + ".draft")
    draft.write_text(text, "utf-8")
    draft.replace(path)
