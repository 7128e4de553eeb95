"""A backlog: taken in bounded memory, and left in good order in its middle."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from muster_contract.times import now_ms
from muster_hq.ledger_port import LedgerError
from tests.bench.filling import fill
from tests.bench.workload import OFFICES, workload
from tests.chaos.parts import Process
from tests.kafka_broker import KafkaBroker
from tests.system.headquarters import Headquarters
from tests.system.policies import due_within, policy

pytestmark = pytest.mark.kafka

POLICY = policy(
    due_within("PT24H", anchor=None, opens_on='{ event = "EncounterReported", match = ["POTENTIAL", "CONFIRMED"] }'),
    id="days",
)
LEAVES_WITHIN = 5.0
"""Seconds that SIGTERM may take, on a machine that has nothing else to do."""
A_BUSY_MACHINE = 4
"""By how much a machine that runs other tests too may be slower."""
MOST_MEMORY_MIB = 600
Seen = Callable[[str], None]


@pytest.mark.fault(
    "worker",
    injected="SIGTERM in the middle of a backlog of 200,000 events",
    promised="the transaction under way is finished, the process leaves within 5 s with 0; the next goes on from there",
)
def test_sigterm_in_the_middle_of_a_backlog(broker: KafkaBroker, tmp_path: Path, seen: Seen) -> None:
    """A deployment does not wait until a backlog is gone."""
    hq, worker = _backlog(broker, tmp_path, 200_000)
    try:
        worker.do("start")
        hq.until(lambda: _applied(hq) > 0, "it has begun")
        began = time.monotonic()
        worker.do("stop")
        seconds, taken = time.monotonic() - began, _applied(hq)
        assert 0 < taken < 200_000
        assert seconds < LEAVES_WITHIN * A_BUSY_MACHINE
        worker.do("start")
        hq.until(lambda: _applied(hq) == 200_000, "the rest is taken in")
    finally:
        worker.end()
    seen(f"left after {seconds:.1f} s with {taken} events taken in; the next took in the rest")


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.fault(
    "worker",
    injected="a backlog of a million events",
    promised=f"taken in with less than {MOST_MEMORY_MIB} MiB of memory, 256 of them the ledger's page cache",
)
def test_a_million_events_are_taken_in_bounded_memory(broker: KafkaBroker, tmp_path: Path, seen: Seen) -> None:
    """A turn holds a batch, the client its queues, and SQLite a cache that fills up and then grows no more."""
    hq, worker = _backlog(broker, tmp_path, 1_000_000)
    marks: dict[int, float] = {}
    try:
        worker.do("start")
        began = time.monotonic()
        for mark in (200_000, 1_000_000):
            while (taken := _applied(hq)) < mark:
                assert time.monotonic() - began < 600, f"only {taken} events were taken in"
                time.sleep(0.5)
            marks[mark] = _most_memory_mib(worker.pid)
        seconds = time.monotonic() - began
    finally:
        worker.end()
    assert marks[1_000_000] < MOST_MEMORY_MIB
    seen(
        f"{seconds:.0f} s; most memory {marks[200_000]:.0f} MiB after 200,000 events, "
        f"{marks[1_000_000]:.0f} MiB at the end"
    )


def _backlog(broker: KafkaBroker, folder: Path, count: int) -> tuple[Headquarters, Process]:
    """Fill the streams of fifty offices; give the headquarters and a worker that does not run yet."""
    hq = Headquarters(folder, broker.bootstrap, POLICY, OFFICES)
    fill(broker.bootstrap, workload(count, now_ms() - count), OFFICES)
    options = ["--bootstrap", broker.bootstrap, "--ledger", hq.ledger]
    options += ["--policy", str(hq.policy), "--offices", str(hq.offices)]
    return hq, Process(folder / "worker.out", "muster_hq", "worker", *options)


def _applied(hq: Headquarters) -> int:
    with suppress(LedgerError), hq.reading() as ledger:
        return sum(counts.applied for _, counts in ledger.streams().values())
    return 0  # nobody has made it yet


def _most_memory_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
