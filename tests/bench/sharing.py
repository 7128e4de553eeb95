"""Workers on one PostgreSQL ledger, each database round trip 2 ms longer: what a second worker adds to the first."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from statistics import median
from typing import NamedTuple, TypeVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from muster_contract.times import now_ms
from muster_contract.topics import parse_stream
from muster_hq.kafka import Admin
from muster_hq.ledger.opening import open_reader
from tests.bench.filling import fill
from tests.bench.workload import OFFICES, Event, workload
from tests.faults.proxy import Link, Proxy
from tests.kafka_broker import KafkaBroker
from tests.postgres import Postgres

SHARED = OFFICES[:10]
"""Ten offices: twenty streams, and headquarters' own."""
ROUND_TRIP_SECONDS = 0.002
POLICY = Path("consumers/muster_hq/demo/demo-kstep.toml")
PATIENCE = 120.0
HELD_SECONDS = 40
"""How long workers may be held, while the backlog is written that they share, before the group gives them up."""
T = TypeVar("T")


class Shared(NamedTuple):
    """What so many workers took for the records, and how many streams each had."""

    records: int
    seconds: float
    streams: list[int]


def events_of(count: int) -> list[Event]:
    """Give so many of the workload's events that are of these offices: about every fifth is."""
    wanted = set(SHARED)
    all_events = workload(6 * count, now_ms() - 120_000)
    ours = (event for event in all_events if (s := parse_stream(event.stream)) and s.office in wanted)
    return list(islice(ours, count))


def share(folder: Path, broker: KafkaBroker, postgres: Postgres, workers: int, events: list[Event]) -> Shared:
    """Let workers share empty streams; hold them while the events are written; give the time that they take then."""
    broker.forget_topics()
    Admin({}, broker.bootstrap).create_topics(SHARED)
    register = folder / "offices.toml"
    register.write_text("".join(f'[[office]]\nid = "{office}"\n' for office in SHARED), "utf-8")
    kafka = folder / "patient.properties"
    kafka.write_text(f"session.timeout.ms={1000 * HELD_SECONDS}\n", "utf-8")
    database = postgres.new_database()
    group = f"shared-{time.monotonic_ns()}"
    with ExitStack() as stack:
        slow = stack.enter_context(Proxy(postgres.port))
        slow.become(Link(latency=ROUND_TRIP_SECONDS / 2))
        options = ["--ledger", postgres.url(database, slow.port), "--bootstrap", broker.bootstrap, "--group", group]
        options += ["--kafka-config", str(kafka)]
        processes = []
        command = [sys.executable, "-m", "muster_hq", "worker", "--policy", str(POLICY), "--offices", str(register)]
        for number in range(workers):
            log = stack.enter_context((folder / f"{group}-{number}.log").open("wb"))
            process = subprocess.Popen([*command, *options], stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.kill)
            processes.append(process)
        streams = _until(lambda: _shares(broker.bootstrap, group), lambda found: len(found) == workers and all(found))
        reader = stack.enter_context(closing(open_reader(postgres.url(database))))
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        records = fill(broker.bootstrap, events, SHARED)
        began = time.perf_counter()
        for process in processes:
            process.send_signal(signal.SIGCONT)
        _until(lambda: sum(state.next_offset for state, _ in reader.streams().values()), lambda n: n >= records)
        return Shared(records, time.perf_counter() - began, streams)


def gain(one: Sequence[Shared], two: Sequence[Shared]) -> float:
    """Give how many times as fast two workers are."""
    return median(run.seconds for run in one) / median(run.seconds for run in two)


def _shares(bootstrap: str, group: str) -> list[int]:
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})  # held: its answers do not outlive it
    try:
        found = admin.describe_consumer_groups([group])[group].result(PATIENCE)
    except KafkaException:
        return []  # its coordinator is not there yet
    shares = sorted(len(member.assignment.topic_partitions) for member in found.members)
    return shares if sum(shares) == 2 * len(SHARED) + 1 else []


def _until(look: Callable[[], T], holds: Callable[[T], bool]) -> T:
    deadline = time.monotonic() + PATIENCE
    while not holds(found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited in vain: {found}")
        time.sleep(0.05)
    return found
