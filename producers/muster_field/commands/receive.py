"""``field-office receive``: read what headquarters has answered, once; the relay does it all the time."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import Annotated

import typer
from rich.console import Console

from muster_contract.errors import Finding
from muster_contract.shell.running import stopped_by_signals
from muster_contract.times import now_ms
from muster_field.commands.options import Bootstrap, KafkaConfig, OutboxFile, kafka_properties
from muster_field.inbox import Inbox, inbox_path
from muster_field.kafka_source import KafkaSource
from muster_field.outbox import Outbox
from muster_field.receiver import Receiver
from muster_field.settings import duration_ms


def receive(
    outbox: OutboxFile,
    bootstrap: Bootstrap,
    kafka_config: KafkaConfig = None,
    within: Annotated[str, typer.Option(metavar="DURATION", help="How long it may take.")] = "PT1M",
) -> None:
    """Read what headquarters has answered so far: receipts, what is due, verdicts. A relay does it by itself."""
    seconds = duration_ms(within, "--within") / 1000
    properties = kafka_properties(kafka_config)
    with closing(Outbox.open(outbox)) as opened:
        office = opened.identity.office_id
    with closing(Inbox(inbox_path(outbox), office)) as inbox, stopped_by_signals() as stop:
        before = inbox.position()
        receiver = Receiver(inbox, office, partial(KafkaSource, bootstrap, properties, office), clock=now_ms)
        if not receiver.catch_up(seconds, stop):
            hint = "is headquarters' broker reachable, and the topic there? `headquarters topics --create` makes it"
            raise Finding.of(str(inbox_path(outbox)), "the end of the answers was not reached", hint)
        Console(stderr=True).print(f"{inbox.position() - before} answers read")
