"""``headquarters worker``: intake, judging and publishing alone; pulses and metrics are other processes."""

from __future__ import annotations

from typing import Annotated

import structlog
import typer

from muster_hq.commands.assembly import read_setup, running_worker
from muster_hq.commands.options import Bootstrap, KafkaConfig, LedgerUrl, OfficesFile, PolicyFiles, TrustCreateTime
from muster_hq.commands.running import stopped_by_signals

GROUP = "muster-headquarters"
Group = Annotated[str, typer.Option("--group", envvar="MUSTER_GROUP", help="The consumer group that workers share.")]

_log = structlog.get_logger(__name__)


def worker(
    ledger: LedgerUrl,
    policy: PolicyFiles,
    offices: OfficesFile,
    bootstrap: Bootstrap,
    kafka_config: KafkaConfig = None,
    group: Group = GROUP,
    trust_create_time: TrustCreateTime = False,
) -> None:
    """Take records in, judge, and publish, until stopped; with SQLite, one such process a ledger."""
    setup = read_setup(policy, offices, kafka_config)
    with (
        stopped_by_signals() as stop,
        running_worker(setup, ledger=ledger, bootstrap=bootstrap, group=group, trust=trust_create_time) as running,
    ):
        _log.info("worker_started", offices=len(setup.offices))
        running.run(stop)
    _log.info("worker_stopped")
