"""``headquarters pulse``: headquarters' clock alone. It needs no worker, and may run twice."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import structlog
import typer
from prometheus_client import CollectorRegistry

from muster_contract.errors import ConfigurationError
from muster_contract.register import load_registers, offices_of
from muster_contract.shell.running import stopped_by_signals
from muster_contract.times import now_ms
from muster_contract.topics import streams_of
from muster_hq.commands.arguments import instant
from muster_hq.commands.health import answering, health_of
from muster_hq.commands.options import (
    Bootstrap,
    KafkaConfig,
    OfficesFiles,
    OptionalLedgerUrl,
    OptionalListen,
    kafka_properties,
)
from muster_hq.kafka import OutputProducer
from muster_hq.ledger.opening import open_reader
from muster_hq.pulse import EXPIRE_SECONDS, Pulse, pulse_once

_log = structlog.get_logger(__name__)


def pulse(
    offices: OfficesFiles,
    bootstrap: Bootstrap,
    kafka_config: KafkaConfig = None,
    ledger: OptionalLedgerUrl = None,
    once: Annotated[bool, typer.Option("--once", help="Pulse each stream once, and end.")] = False,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="With --once: the records' time, which counts on topics of CreateTime only."),
    ] = None,
    listen: OptionalListen = None,
) -> None:
    """Append pulses to every stream of the register; with a ledger, at once where a due time waits for one."""
    if at is not None and not once:
        raise ConfigurationError.of("--at", "goes with --once only", "the broker stamps what is appended now")
    timestamp = 0 if at is None else instant(at, "--at")
    streams = streams_of(office.id for office in offices_of(load_registers(offices)))
    properties = kafka_properties(kafka_config)
    sender: OutputProducer[str] = OutputProducer(properties, bootstrap=bootstrap, expire_after=EXPIRE_SECONDS)
    if once:
        pulse_once(sender, streams, timestamp)
        return
    pulsing = Pulse(sender, streams, clock=now_ms, open_reader=partial(open_reader, ledger) if ledger else None)
    with stopped_by_signals() as stop, answering(listen, CollectorRegistry, health_of(pulse=pulsing)):
        _log.info("pulsing", streams=len(streams))
        pulsing.run(stop)
    _log.info("stopped")
