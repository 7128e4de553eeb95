"""When headquarters' processes are healthy, and when ready: what serve, worker and pulse answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry

from muster_contract.shell.health import STUCK_SECONDS, Health
from muster_contract.shell.serving import Check, MetricsServer, fine
from muster_contract.times import now_ms
from muster_hq.commands.options import address_of
from muster_hq.pulse import Pulse
from muster_hq.worker import Worker


def health_of(worker: Worker | None = None, pulse: Pulse | None = None) -> Health:
    """Watch the loops of a process: they turn, and the streams' clocks move with what they send and read."""
    loops: dict[str, Callable[[], int]] = {}
    further: list[Check] = []
    if worker is not None:
        loops["the worker"] = lambda: worker.turned_at
        further.append(lambda: _why(worker.heard_at, "no record has come", "not even a pulse: does `pulse` run?"))
    if pulse is not None:
        loops["the pulse"] = lambda: pulse.turned_at
        further.append(lambda: _why(pulse.acknowledged_at, "the broker has taken no pulse", "is it up?"))
    return Health(loops, *further, clock=now_ms)


def readiness_of(worker: Worker) -> Check:
    """Ready once streams were assigned, their positions found in the ledger, and both fit."""
    return lambda: None if worker.reading else "no stream is being read yet"


@contextmanager
def answering(
    listen: str | None, registry: Callable[[], CollectorRegistry], healthy: Check, ready: Check = fine
) -> Iterator[MetricsServer | None]:
    """Serve a registry and the two checks at an address, if there is one."""
    if listen is None:
        yield None
        return
    host, port = address_of(listen)
    with MetricsServer(registry(), host=host, port=port, healthy=healthy, ready=ready) as server:
        yield server


def _why(last: int, what: str, hint: str) -> str | None:
    silent = (now_ms() - last) / 1000
    return f"{what} for {silent:.0f} s ({hint})" if silent > STUCK_SECONDS else None
