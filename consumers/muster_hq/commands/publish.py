"""``headquarters publish``: publishing alone, such as what a worker left when it was stopped."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import structlog
import typer

from muster_contract.shell.running import stopped_by_signals
from muster_hq.commands.options import Bootstrap, KafkaConfig, LedgerUrl, kafka_properties
from muster_hq.kafka import OutputProducer
from muster_hq.ledger.opening import open_ledger
from muster_hq.publisher import Publisher

PAUSE_SECONDS = 0.05
LEAVE_WITHIN = 3.0
"""Seconds that records in flight get to be acknowledged at the end; those that are not are sent again."""

_log = structlog.get_logger(__name__)


def publish(
    ledger: LedgerUrl,
    bootstrap: Bootstrap,
    kafka_config: KafkaConfig = None,
    once: Annotated[bool, typer.Option("--once", help="End when all that was queued is published.")] = False,
) -> None:
    """Publish what the ledger queued; with SQLite, only while no worker runs, for that is the one writer."""
    properties = kafka_properties(kafka_config)
    with closing(open_ledger(ledger)) as opened, stopped_by_signals() as stop:
        publisher = Publisher(opened, OutputProducer(properties, bootstrap=bootstrap))
        while not stop.is_set():
            if publisher.step():
                continue
            if once and not publisher.pending:
                break
            stop.wait(PAUSE_SECONDS)
        publisher.drain(LEAVE_WITHIN)
        _log.info("published", records=publisher.published, pending=publisher.pending)
