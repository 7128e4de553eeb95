"""Faults between a worker and its ledger: ended or frozen in a step, cut off, kept waiting, out of room."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from muster_hq.ledger_port import LedgerError
from tests.chaos.parts import Process
from tests.chaos.run import OFFICES, POLICY
from tests.faults.failing import STEPS
from tests.faults.parts import assert_nothing_lost_or_said_twice, open_offices
from tests.faults.proxy import CUT, GOOD, MUTE, Link, Proxy
from tests.kafka_broker import KafkaBroker
from tests.postgres import Postgres
from tests.system.headquarters import Headquarters
from tests.system.offices import Offices

pytestmark = pytest.mark.kafka

Seen = Callable[[str], None]
TICKS = os.sysconf("SC_CLK_TCK")


class Live:
    """A headquarters with pulses of its own, offices that are open, and workers that a test starts."""

    def __init__(self, folder: Path, hq: Headquarters, field: Offices, stack: ExitStack) -> None:
        self.hq, self.field, self._folder, self._stack = hq, field, folder, stack
        self.ledger = hq.ledger

    def worker(self, name: str, module: str = "muster_hq", *before: str) -> Process:
        """Give a worker that does not run yet; it ends with the test."""
        hq = self.hq
        options = ["--bootstrap", hq.bootstrap, "--offices", str(hq.offices), "--policy", str(hq.policy)]
        options += ["--ledger", self.ledger, "--member", name]
        process = Process(self._folder / f"{name}.out", module, *before, "worker", *options)
        self._stack.callback(process.end)
        return process

    def serve(self, ledger: str | None = None) -> None:
        """Start ``serve`` beside the pulses that run, on the ledger by this URL of it; it ends with the test."""
        self._stack.callback(self.hq.kill)
        read, self.hq.ledger = self.hq.ledger, ledger or self.hq.ledger
        self.hq.start("--no-pulse")
        self.hq.ledger = read

    def positions(self) -> dict[str, int]:
        """Give how far each stream has been taken in."""
        with suppress(LedgerError), self.hq.reading() as ledger:
            return {name: state.next_offset for name, (state, _) in ledger.streams().items()}
        return {}  # nobody has made it yet

    def until_taken_in(self) -> None:
        """Wait until more has been taken in than now."""
        before = sum(self.positions().values())
        self.hq.until(lambda: sum(self.positions().values()) > before + 50, "the intake goes on")


@contextmanager
def live(folder: Path, bootstrap: str, ledger: str | None = None) -> Iterator[Live]:
    """Open the offices, and run pulses."""
    hq = Headquarters(folder, bootstrap, POLICY, OFFICES)
    if ledger is not None:
        hq.ledger = ledger
    with ExitStack() as stack:
        pulse = Process(
            folder / "pulse.out", "muster_hq", "pulse", "--bootstrap", bootstrap, "--offices", str(hq.offices)
        )
        stack.callback(pulse.end)
        pulse.do("start")
        field = stack.enter_context(open_offices(folder, bootstrap, OFFICES))
        yield Live(folder, hq, field, stack)


def compared(live: Live) -> str:
    """Compare accepted set, topics, audit and ledger, and give the numbers."""
    kinds = assert_nothing_lost_or_said_twice(live.hq, live.field, metrics=False)
    assert kinds["ON_TIME"] > 10
    return f"{len(live.field.accepted())} events accepted and applied once, {sum(kinds.values())} verdicts"


@pytest.mark.long
@pytest.mark.fault(
    "worker",
    injected="a worker killed (SIGKILL) at each step of a turn: in intake, in judging, before and after the commit",
    promised="position, clock and consequence commit together: nothing is applied or said twice, nothing is left out",
)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_worker_is_killed_at_each_step(
    kind: str, broker: KafkaBroker, request: pytest.FixtureRequest, tmp_path: Path, seen: Seen
) -> None:
    """Each dies at its own step; the next begins where the ledger says."""
    ledger = request.getfixturevalue("database") if kind == "postgres" else None
    with live(tmp_path, broker.bootstrap, ledger) as running:
        for step in STEPS:
            doomed = running.worker("hq-1", "tests.faults.failing", step, "SIGKILL")
            doomed.do("start")
            assert doomed.ended() == -9, f"{step} did not come: {doomed.log()[-2000:]}"
        running.worker("hq-1").do("start")
        seen(f"{kind}: {len(STEPS)} kills, {compared(running)}")


@pytest.mark.long
@pytest.mark.fault(
    "worker",
    injected="a worker frozen inside a transaction for longer than its session lasts, while another takes over",
    promised="the other is not kept waiting for good; what the zombie held is thrown away whole",
)
def test_a_worker_is_frozen_in_mid_batch(broker: KafkaBroker, database: str, tmp_path: Path, seen: Seen) -> None:
    """A rebalance in mid-batch: two workers believe that the same streams are theirs."""
    with live(tmp_path, broker.bootstrap, database) as running:
        zombie = running.worker("hq-1", "tests.faults.failing", "intake.append", "SIGSTOP")
        zombie.do("start")
        running.hq.until(zombie.frozen, "it stands still in mid-batch")
        other = running.worker("hq-2")
        other.do("start")
        began = time.monotonic()
        running.until_taken_in()
        waited = time.monotonic() - began
        zombie.do("thaw")
        running.until_taken_in()
        seen(f"another went on after {waited:.1f} s; {compared(running)}")


@pytest.mark.fault(
    "ledger",
    injected="the connection to PostgreSQL cut, slowed, or its answers lost, again and again, in mid-commit too",
    promised="whether a commit went through is found out from the positions: nothing is applied or said twice",
)
def test_the_connection_breaks_in_mid_commit(
    broker: KafkaBroker, one_postgres: Postgres, database: str, tmp_path: Path, seen: Seen
) -> None:
    """The server has committed, and the worker does not know."""
    with Proxy(one_postgres.port) as proxy, live(tmp_path, broker.bootstrap, database) as running:
        running.ledger = one_postgres.url(database.rpartition("/")[2], proxy.port)
        worker = running.worker("hq-1")
        worker.do("start")
        running.until_taken_in()
        links = (CUT, MUTE, Link(latency=0.3), CUT, MUTE)
        for link in links:
            proxy.become(link)
            time.sleep(0.7)
            proxy.become(GOOD)
            running.until_taken_in()
        assert worker.running, "it waits for its ledger"
        seen(f"{len(links)} bad links, {proxy.accepted} connections; {compared(running)}")


@pytest.mark.long
@pytest.mark.fault(
    "ledger",
    injected="PostgreSQL away for 8 s",
    promised="no position moves, no tight loop; the worker goes on by itself when it is back",
)
def test_postgresql_is_away(broker: KafkaBroker, own_postgres: Postgres, tmp_path: Path, seen: Seen) -> None:
    """Measured in processor time of the worker and in lines of its log."""
    with live(tmp_path, broker.bootstrap, own_postgres.url(own_postgres.new_database())) as running:
        worker = running.worker("hq-1")
        worker.do("start")
        running.until_taken_in()
        own_postgres.stop()
        lines, began = worker.log().count("\n"), processor_seconds(worker.pid)
        time.sleep(8)
        busy, told = processor_seconds(worker.pid) - began, worker.log().count("\n") - lines
        own_postgres.start()
        assert busy < 2
        assert told < 20
        assert worker.running
        seen(f"{busy:.1f} s of processor time and {told} lines of log in 8 s; {compared(running)}")


@pytest.mark.long
@pytest.mark.fault(
    "ledger",
    injected="PostgreSQL's disk full (a table space of 48 MB, filled by something else), then with room again",
    promised="no position moves, no tight loop; the worker goes on by itself when there is room",
)
def test_postgresqls_disk_is_full(broker: KafkaBroker, own_postgres: Postgres, tmp_path: Path, seen: Seen) -> None:
    """Everything that the ledger writes meanwhile is refused whole."""
    with _small_disk(own_postgres) as disk:
        with psycopg.connect(own_postgres.url(), autocommit=True) as connection:
            connection.execute(f"create tablespace small location '{disk}'")
            connection.execute("create database full_up tablespace small")
        with live(tmp_path, broker.bootstrap, own_postgres.url("full_up")) as running:
            worker = running.worker("hq-1")
            worker.do("start")
            running.until_taken_in()
            ballast = disk / "ballast"
            subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=64k"], capture_output=True, check=False)
            running.hq.until(lambda: "ledger_away" in worker.log() or not worker.running, "the worker has noticed")
            stood, began = running.positions(), processor_seconds(worker.pid)
            time.sleep(6)
            busy = processor_seconds(worker.pid) - began
            assert running.positions() == stood
            assert busy < 2
            assert worker.running
            ballast.unlink()
            running.until_taken_in()
            seen(f"positions stood still, {busy:.1f} s of processor time in 6 s; then {compared(running)}")
        own_postgres.drop("full_up")
        with psycopg.connect(own_postgres.url(), autocommit=True) as connection:
            connection.execute("drop tablespace small")


@contextmanager
def _small_disk(postgres: Postgres) -> Iterator[Path]:
    """Mount a disk of 48 MB that the server may write."""
    disk = postgres.data.parent / "small"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.fail(f"a small disk needs the right to mount one: run this as root. {mounted.stderr.decode()}")
    try:
        os.chown(disk, postgres.data.stat().st_uid, postgres.data.stat().st_gid)
        disk.chmod(0o700)
        (disk / "space").mkdir()
        os.chown(disk / "space", postgres.data.stat().st_uid, postgres.data.stat().st_gid)
        yield disk / "space"
    finally:
        postgres.stop()
        subprocess.run(["umount", str(disk)], check=True)


def processor_seconds(pid: int) -> float:
    """Give the processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
