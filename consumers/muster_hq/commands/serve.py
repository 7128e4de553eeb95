"""``headquarters serve``: worker, pulses and metrics in one process; with SQLite, the one writer of the ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated

import structlog
import typer

from muster_contract.shell.running import stopped_by_signals
from muster_contract.shell.serving import MetricsServer
from muster_contract.times import now_ms
from muster_contract.topics import streams_of
from muster_hq.commands.assembly import Setup, read_setup, running_worker
from muster_hq.commands.health import health_of, readiness_of
from muster_hq.commands.options import (
    LISTEN,
    Bootstrap,
    KafkaConfig,
    LedgerUrl,
    Listen,
    OfficesFiles,
    PolicyFiles,
    TrustCreateTime,
    address_of,
)
from muster_hq.commands.ready_file import ReadyFile, tell_ready
from muster_hq.commands.scraping import registry_over
from muster_hq.commands.worker import GROUP, Group, Member
from muster_hq.kafka import OutputProducer
from muster_hq.ledger.opening import open_reader
from muster_hq.pulse import EXPIRE_SECONDS, Pulse

_log = structlog.get_logger(__name__)


def serve(
    ledger: LedgerUrl,
    policy: PolicyFiles,
    offices: OfficesFiles,
    bootstrap: Bootstrap,
    kafka_config: KafkaConfig = None,
    listen: Listen = LISTEN,
    group: Group = GROUP,
    member: Member = None,
    trust_create_time: TrustCreateTime = False,
    pulse: Annotated[bool, typer.Option(help="Append pulses; without them, another process must.")] = True,
    ready_file: ReadyFile = None,
) -> None:
    """Run all of headquarters in one process: take in, judge, publish, pulse, and serve /metrics."""
    setup = read_setup(policy, offices, kafka_config)
    host, port = address_of(listen)
    pulsing = _pulse(setup, ledger, bootstrap) if pulse else None
    with (
        stopped_by_signals() as stop,
        running_worker(
            setup, ledger=ledger, bootstrap=bootstrap, group=group, member=member, trust=trust_create_time
        ) as worker,
        MetricsServer(
            registry_over(ledger, setup.policies, setup.offices),
            host=host,
            port=port,
            healthy=health_of(worker, pulsing),
            ready=readiness_of(worker),
        ) as metrics,
        _in_background(pulsing.run if pulsing else None, stop),
    ):
        _log.info("serving", metrics=metrics.url, offices=len(setup.offices), policies=len(setup.policies.versions))
        tell_ready(ready_file, metrics=metrics.url)
        worker.run(stop)
    _log.info("stopped")


def _pulse(setup: Setup, ledger: str, bootstrap: str) -> Pulse:
    sender: OutputProducer[str] = OutputProducer(setup.properties, bootstrap=bootstrap, expire_after=EXPIRE_SECONDS)
    return Pulse(sender, streams_of(setup.offices), clock=now_ms, open_reader=partial(open_reader, ledger))


@contextmanager
def _in_background(loop: Callable[[threading.Event], None] | None, stop: threading.Event) -> Iterator[None]:
    """Run a loop beside the worker. When it fails, all stops, and the fault is raised here: nothing half runs."""
    faults: list[Exception] = []

    def run() -> None:
        try:
            if loop:
                loop(stop)
        except Exception as fault:  # noqa: BLE001 - carried over to the thread that can act on it
            faults.append(fault)
            stop.set()

    thread = threading.Thread(target=run, name="pulse")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    for fault in faults:
        raise fault
