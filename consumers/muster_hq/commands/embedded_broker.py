"""``headquarters embedded-broker``: a broker for the demonstration, in a process of its own that others connect to."""

from __future__ import annotations

import os

import typer

from muster_contract.register import load_registers, offices_of
from muster_contract.shell.running import stopped_by_signals
from muster_contract.topics import topics
from muster_hq.commands.options import OfficesFiles
from muster_hq.commands.ready_file import ReadyFile, tell_ready
from muster_hq.embedded import EmbeddedBroker

ORPHAN_CHECK_SECONDS = 0.5


def embedded_broker(
    offices: OfficesFiles,
    ready_file: ReadyFile = None,
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
        tell_ready(ready_file, bootstrap=broker.bootstrap)
        typer.echo(broker.bootstrap)
        while not stop.wait(ORPHAN_CHECK_SECONDS) and os.getppid() == parent:
            pass
