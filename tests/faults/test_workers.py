"""Faults of workers that share a PostgreSQL ledger: killed, stopped and woken, coming and going; and of its server."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from muster_contract import codec
from muster_contract.topics import VERDICTS
from muster_hq.verdicts import verdict_id
from tests.faults.parts import Command, assert_nothing_lost_or_said_twice, open_offices, records_of
from tests.kafka_broker import KafkaBroker
from tests.postgres import Postgres
from tests.system.headquarters import Headquarters
from tests.system.policies import due_within, policy
from tests.system.processes import PATIENCE

pytestmark = pytest.mark.kafka

OFFICES = ("dal", "hou", "elp", "lax")
POLICY = policy(due_within("PT1S"), due_within("PT2S", id="anyone", by="any"))
Seen = Callable[[str], None]


class Worker(Command):
    """A worker that may be stopped and woken."""

    def __init__(self, hq: Headquarters, folder: Path, name: str) -> None:
        options = ["--ledger", hq.ledger, "--policy", str(hq.policy), "--offices", str(hq.offices)]
        super().__init__(folder / f"{name}.log", "worker", *options, "--bootstrap", hq.bootstrap)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        os.kill(self._process.pid, number)


class Workers:
    """A headquarters on PostgreSQL (``serve``) with further workers beside it."""

    def __init__(self, hq: Headquarters, folder: Path) -> None:
        self.hq = hq
        self.folder = folder
        self.further: list[Worker] = []

    def more(self) -> Worker:
        """Start one more."""
        worker = Worker(self.hq, self.folder, f"worker-{len(self.further)}")
        self.further.append(worker)
        worker.start()
        return worker

    def shares(self) -> list[int]:
        """Give how many streams each member of the group has."""
        admin = AdminClient({"bootstrap.servers": self.hq.bootstrap})
        try:
            group = admin.describe_consumer_groups(["muster-headquarters"])["muster-headquarters"].result(PATIENCE)
        except KafkaException:
            return []  # its coordinator is not there yet
        return sorted(len(member.assignment.topic_partitions) for member in group.members)

    def until_shared(self, among: int) -> list[int]:
        """Wait until all streams are shared among so many workers, each with some."""
        streams = 2 * len(OFFICES) + 1
        self.hq.until(
            lambda: len(shares := self.shares()) == among and all(shares) and sum(shares) == streams,
            f"{among} workers have streams",
        )
        return self.shares()

    def kill(self) -> None:
        """End them all."""
        for worker in self.further:
            worker.kill()
        self.hq.kill()


@pytest.fixture
def workers(tmp_path: Path, broker: KafkaBroker, database: str) -> Iterator[Workers]:
    """Run a headquarters on the session's broker and an empty database."""
    yield from _running(tmp_path, broker, database)


@pytest.fixture
def workers_on_their_own(tmp_path: Path, broker: KafkaBroker, own_postgres: Postgres) -> Iterator[Workers]:
    """Run a headquarters on a PostgreSQL that may be killed."""
    yield from _running(tmp_path, broker, own_postgres.url(own_postgres.new_database()))


def _running(folder: Path, broker: KafkaBroker, ledger: str) -> Iterator[Workers]:
    hq = Headquarters(folder, broker.bootstrap, POLICY, OFFICES)
    hq.ledger = ledger
    running = Workers(hq, folder)
    try:
        hq.start()
        yield running
    finally:
        running.kill()


@pytest.mark.long
@pytest.mark.fault(
    "worker",
    injected="two workers killed with SIGKILL in a loop under load, and started again",
    promised="nothing accepted is lost, nothing is judged twice, every verdict is published, the audit agrees",
)
def test_workers_that_share_the_streams_are_killed_in_a_loop(workers: Workers, tmp_path: Path, seen: Seen) -> None:
    """Whoever lives takes over the streams, the cases and what was to be published."""
    other = workers.more()
    shared = workers.until_shared(2)
    with open_offices(tmp_path, workers.hq.bootstrap, OFFICES, seed=11) as field:
        kills = 0
        for pause in (1.1, 0.3, 2.3, 0.7, 1.9, 0.2):
            time.sleep(pause)
            victim = workers.hq if kills % 2 else other
            victim.kill()
            victim.start()
            kills += 1
        kinds = assert_nothing_lost_or_said_twice(workers.hq, field)
        published = _all_is_published(workers)
    assert kinds["ON_TIME"] > 10
    seen(f"streams shared {shared}; {kills} kills; {len(field.accepted())} events applied, {published} verdicts, once")


@pytest.mark.long
@pytest.mark.fault(
    "worker",
    injected="workers that come, leave in good order (SIGTERM) and are killed, one to three at a time, under load",
    promised="nothing accepted is lost, nothing is judged twice, every verdict is published, the audit agrees",
)
def test_workers_come_and_go(workers: Workers, tmp_path: Path, seen: Seen) -> None:
    """Streams move from one to another without a gap and without being read twice."""
    dice = random.Random(5)  # noqa: S311 - a test's choices
    with open_offices(tmp_path, workers.hq.bootstrap, OFFICES, seed=12) as field:
        for _ in range(8):
            running = [worker for worker in workers.further if worker.running]
            if len(running) < 2 and dice.random() < 0.7:
                workers.more()
            elif running:
                dice.choice(running).signal(dice.choice([signal.SIGTERM, signal.SIGKILL]))
            time.sleep(dice.uniform(0.3, 2))
        kinds = assert_nothing_lost_or_said_twice(workers.hq, field)
        published = _all_is_published(workers)
    assert kinds["ON_TIME"] > 10
    seen(f"{len(workers.further)} came and went; {len(field.accepted())} events applied, {published} verdicts, once")


@pytest.mark.fault(
    "worker",
    injected="a worker stopped (SIGSTOP) under load until another has its streams, then woken (SIGCONT)",
    promised="the other goes on without it, and the zombie changes nothing",
)
def test_a_zombie_changes_nothing(workers: Workers, tmp_path: Path, seen: Seen) -> None:
    """What it holds in an open transaction is taken from it, and its batch is thrown away."""
    zombie = workers.more()
    workers.until_shared(2)
    with open_offices(tmp_path, workers.hq.bootstrap, OFFICES, seed=13) as field:
        time.sleep(1.3)
        zombie.signal(signal.SIGSTOP)
        began = time.monotonic()
        workers.until_shared(1)
        with workers.hq.reading() as ledger:
            clock = max(ledger.clocks().values())
        workers.hq.until(lambda: workers.hq.caught_up(clock + 1_000), "the other judges its offices too")
        took = time.monotonic() - began
        zombie.signal(signal.SIGCONT)
        workers.until_shared(2)
        kinds = assert_nothing_lost_or_said_twice(workers.hq, field)
        assert zombie.running, zombie.log()[-2000:]
        published = _all_is_published(workers)
    assert kinds["ON_TIME"] > 10
    seen(f"taken over after {took:.0f} s; {len(field.accepted())} events applied, {published} verdicts, once")


@pytest.mark.long
@pytest.mark.fault(
    "ledger",
    injected="PostgreSQL killed with SIGKILL under load, away for some seconds, started again; twice",
    promised="workers wait for it and go on; nothing that was committed is lost, nothing is judged twice",
)
def test_postgresql_is_killed_under_load(
    workers_on_their_own: Workers, own_postgres: Postgres, tmp_path: Path, seen: Seen
) -> None:
    """Neither worker dies; whether its last commit was heard is what the positions say."""
    workers = workers_on_their_own
    other = workers.more()
    workers.until_shared(2)
    with open_offices(tmp_path, workers.hq.bootstrap, OFFICES, seed=14) as field:
        for away in (0.0, 3.0):
            time.sleep(1.5)
            own_postgres.kill()
            time.sleep(away)
            own_postgres.start()
        kinds = assert_nothing_lost_or_said_twice(workers.hq, field)
        assert other.running, other.log()[-2000:]
        published = _all_is_published(workers)
    assert kinds["ON_TIME"] > 10
    assert '"ledger_away"' in workers.hq.log()
    seen(f"both workers lived on; {len(field.accepted())} events applied, {published} verdicts, once")


def _all_is_published(workers: Workers) -> int:
    """Wait until every verdict of the ledger stands on its topic, and nothing else; give their number."""
    with workers.hq.reading() as ledger:
        given = {verdict_id(case_id, verdict) for case_id, verdict in ledger.verdicts()}
    workers.hq.until(lambda: given <= _published(workers.hq.bootstrap), "every verdict is published")
    assert _published(workers.hq.bootstrap) == given
    return len(given)


def _published(bootstrap: str) -> set[bytes]:
    decoded = [codec.decode(message.value()) for message in records_of(bootstrap, [VERDICTS])]
    return {record.fields["verdict_id"] for record in decoded if record.schema.name == "Verdict"}
