"""What every process that serves /metrics shares: a registry whose values come from a ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from prometheus_client import CollectorRegistry

from muster_contract.times import now_ms
from muster_hq.intake import delay_bounds
from muster_hq.ledger.opening import open_reader
from muster_hq.metrics import LedgerCollector
from muster_hq.policies import Policies


def registry_over(
    ledger: str, policies: Policies, offices: Iterable[str], clock: Callable[[], int] = now_ms
) -> CollectorRegistry:
    """Give a registry with the whole vocabulary over a ledger; what policies and offices name exists at once."""
    registry, offices = CollectorRegistry(), tuple(offices)
    registry.register(
        LedgerCollector(
            partial(open_reader, ledger),
            offices=offices,
            limits=policies.limits,
            delay_bounds=delay_bounds(policies),
            clock=clock,
            gaps=policies.unequipped(offices),
        )
    )
    return registry
