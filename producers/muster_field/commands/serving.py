"""What a relay's process answers: its outbox's metrics, its health, and whether it is at work."""

from __future__ import annotations

from typing import Annotated

import structlog
import typer
from prometheus_client import CollectorRegistry

from muster_contract.errors import ConfigurationError
from muster_contract.shell.health import Health
from muster_contract.shell.serving import MetricsServer
from muster_contract.times import now_ms
from muster_field.answers import NOT_ANSWERED, Due, InboxState
from muster_field.inbox import what_is_answered
from muster_field.metrics import OutboxCollector
from muster_field.outbox import Outbox
from muster_field.relay import Relay

MetricsPort = Annotated[
    int | None, typer.Option(envvar="MUSTER_METRICS_PORT", min=0, max=65535, help="Serve /metrics there; 0: any.")
]
MetricsHost = Annotated[
    str, typer.Option(envvar="MUSTER_METRICS_HOST", help="Small counts can reveal an encounter: mind who reads.")
]
LOOPBACK = "127.0.0.1"

_log = structlog.get_logger()


def serving(outbox: Outbox, relay: Relay, host: str, port: int) -> MetricsServer:
    """Serve /metrics, /healthz and /readyz of a relay, as a context."""
    registry = CollectorRegistry()
    office, epoch, _ = outbox.identity

    def answers() -> tuple[InboxState, list[Due]]:
        try:
            return what_is_answered(outbox.store.path, office, epoch.bytes)
        except ConfigurationError:  # no trouble with the inbox keeps an event from being sent, or the outbox from sight
            return NOT_ANSWERED, []

    registry.register(OutboxCollector(outbox.state, lambda: relay.turned_at, answers, clock=now_ms))
    server = MetricsServer(
        registry,
        host=host,
        port=port,
        healthy=Health({"the relay": lambda: relay.turned_at}, clock=now_ms),
        ready=lambda: None if relay.reading else "the outbox is not being read yet",
    )
    _log.info("serving", metrics=server.url)
    return server
