"""``field-office relay``: send what the outbox holds, in order, for as long as it runs."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from muster_contract.errors import Finding
from muster_contract.shell.running import stopped_by_signals
from muster_contract.times import now_ms
from muster_field.commands.options import Bootstrap, KafkaConfig, OutboxFile, kafka_properties
from muster_field.commands.receiving import receiving
from muster_field.commands.serving import LOOPBACK, MetricsHost, MetricsPort, serving
from muster_field.kafka import KafkaSender
from muster_field.outbox import Outbox
from muster_field.relay import Relay, RelayOptions
from muster_field.settings import duration_ms
from muster_field.wiring import new_id


def relay(
    outbox: OutboxFile,
    bootstrap: Bootstrap,
    kafka_config: KafkaConfig = None,
    until_empty: Annotated[bool, typer.Option("--until-empty", help="Stop once nothing is pending.")] = False,
    within: Annotated[str, typer.Option(metavar="DURATION", help="How long --until-empty may take.")] = "PT10M",
    heartbeat_every: Annotated[
        str, typer.Option(envvar="MUSTER_HEARTBEAT_EVERY", metavar="DURATION", help="How often to say: I live.")
    ] = "PT60S",
    keep_values: Annotated[
        str, typer.Option(metavar="DURATION", help="How long the bytes of sent events are kept.")
    ] = "P30D",
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = LOOPBACK,
) -> None:
    """Send what the outbox holds, in order, and say every minute that the office lives. One relay an outbox."""
    options = RelayOptions(
        heartbeat_seconds=duration_ms(heartbeat_every, "--heartbeat-every") / 1000,
        keep_values=duration_ms(keep_values, "--keep-values"),
    )
    seconds = duration_ms(within, "--within") / 1000
    properties = kafka_properties(kafka_config)
    with closing(Outbox.open(outbox)) as opened, stopped_by_signals() as stop, ExitStack() as stack:
        loop = Relay(opened, partial(KafkaSender, bootstrap, properties), clock=now_ms, new_id=new_id, options=options)
        if metrics_port is not None:
            stack.enter_context(serving(opened, loop, metrics_host, metrics_port))
        stack.enter_context(receiving(opened, bootstrap, properties))
        _spare_collections()
        if not until_empty:
            loop.run(stop)
        elif not loop.drain(seconds, stop=stop, on_turn=stack.enter_context(_shown(opened))):
            pending = opened.state().pending
            holds = f"still holds {pending} events that were not acknowledged"
            untold = "holds nothing more to send, and no heartbeat that says so was acknowledged"
            raise Finding.of(str(outbox), holds if pending else untold, "run it again")


def _spare_collections() -> None:
    """Have the garbage collector look less often: thousands of records are alive here, and none in a cycle."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@contextmanager
def _shown(outbox: Outbox) -> Iterator[Callable[[], None]]:
    """Show on a terminal how much is left; give what moves it."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    total = outbox.state().pending
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("sending", total=total)
        yield lambda: progress.update(task, completed=total - outbox.state().pending)
