"""``headquarters worker``: intake, judging and publishing alone; pulses and metrics are other processes."""

from __future__ import annotations

from typing import Annotated

import structlog
import typer

from muster_contract.shell.running import stopped_by_signals
from muster_hq.commands.assembly import read_setup, running_worker
from muster_hq.commands.health import answering, health_of, readiness_of
from muster_hq.commands.options import (
    Bootstrap,
    KafkaConfig,
    LedgerUrl,
    OfficesFiles,
    OptionalListen,
    PolicyFiles,
    TrustCreateTime,
)
from muster_hq.commands.scraping import registry_over

GROUP = "muster-headquarters"
Group = Annotated[str, typer.Option("--group", envvar="MUSTER_GROUP", help="The consumer group that workers share.")]
Member = Annotated[
    str | None,
    typer.Option(
        "--member",
        envvar="MUSTER_MEMBER",
        metavar="NAME",
        help="A name in the group that no other process has: started again after a crash, this one then has its "
        "streams back at once, and does not wait for its last session to end (6 s).",
    ),
]

_log = structlog.get_logger(__name__)


def worker(
    ledger: LedgerUrl,
    policy: PolicyFiles,
    offices: OfficesFiles,
    bootstrap: Bootstrap,
    kafka_config: KafkaConfig = None,
    group: Group = GROUP,
    member: Member = None,
    trust_create_time: TrustCreateTime = False,
    listen: OptionalListen = None,
) -> None:
    """Take records in, judge, and publish, until stopped; with SQLite, one such process a ledger."""
    setup = read_setup(policy, offices, kafka_config)
    with (
        stopped_by_signals() as stop,
        running_worker(
            setup, ledger=ledger, bootstrap=bootstrap, group=group, member=member, trust=trust_create_time
        ) as running,
        answering(
            listen,
            lambda: registry_over(ledger, setup.policies, setup.offices),
            health_of(running),
            readiness_of(running),
        ),
    ):
        _log.info("worker_started", offices=len(setup.offices))
        running.run(stop)
    _log.info("worker_stopped")
