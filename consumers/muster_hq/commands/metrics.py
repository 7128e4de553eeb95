"""``headquarters metrics``: /metrics over a ledger that is only read, as a process of its own."""

from __future__ import annotations

from contextlib import closing
from functools import partial

import structlog

from muster_contract.errors import MusterError
from muster_contract.register import load_registers, offices_of
from muster_contract.shell.running import stopped_by_signals
from muster_contract.shell.serving import MetricsServer
from muster_hq.commands.health import health_of
from muster_hq.commands.options import LISTEN, LedgerUrl, Listen, OptionalOfficesFiles, PolicyFiles, address_of
from muster_hq.commands.scraping import registry_over
from muster_hq.ledger.opening import open_reader
from muster_hq.policy_reader import at_offices, load_policies

_log = structlog.get_logger(__name__)


def metrics(
    ledger: LedgerUrl, policy: PolicyFiles, offices: OptionalOfficesFiles = None, listen: Listen = LISTEN
) -> None:
    """Serve /metrics, /healthz and /readyz over a ledger, beside whoever writes it, until stopped."""
    policies, registers = load_policies(policy), load_registers(offices or ())
    if registers:
        policies = at_offices(policies, registers)
    names = [office.id for office in offices_of(registers)]
    host, port = address_of(listen)
    registry, ready = registry_over(ledger, policies, names), partial(why_not_read, ledger)
    with (
        stopped_by_signals() as stop,
        MetricsServer(registry, host=host, port=port, healthy=health_of(), ready=ready) as server,
    ):
        _log.info("serving", metrics=server.url)
        stop.wait()
    _log.info("stopped")


def why_not_read(ledger: str) -> str | None:
    """Tell why the ledger cannot be read; None when it can be."""
    try:
        with closing(open_reader(ledger)) as reader:
            reader.clocks()
    except MusterError as refusal:
        return str(refusal)
    return None
