"""``make bench``: rates and ratios, side by side in one run; a table, and ``build/bench.json``.

Each ratio is ours over the bare thing beside it, the median of interleaved pairs: the machine's own speed
falls out. A row whose target does not hold says so; the run is a report and ends with 0 all the same.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

from confluent_kafka import Producer
from rich.console import Console
from rich.table import Table

from muster_contract.codec import PULSE
from muster_contract.times import now_ms
from muster_contract.topics import streams_of
from muster_field.outbox import Outbox
from muster_hq.commands.assembly import spare_the_collector
from muster_hq.kafka import Admin
from tests.bench import field
from tests.bench.consuming import Measured
from tests.bench.workload import OFFICES, Event, long_cases, workload
from tests.kafka_broker import KafkaBroker
from tests.postgres import Postgres

PAIRS = 3
PULSE_EVERY = 20_000
"""Events between two pulses of every stream: time passes while a backlog is taken in, as it does in life."""
REPORT = Path("build/bench.json")

_console = Console(stderr=True)


class Result(NamedTuple):
    """One measured row; ``target`` None: there is none, and ``holds`` says nothing."""

    name: str
    value: float
    unit: str
    target: float | None
    holds: bool | None


def ratio(name: str, pairs: Iterable[float], target: float | None) -> Result:
    """Give the median of ratios against its target."""
    value = round(median(pairs), 3)
    return Result(name, value, "ratio", target, None if target is None else value >= target)


def rate(name: str, count: int, seconds: Iterable[float]) -> Result:
    """Give the median rate, for orientation: it depends on the machine."""
    return Result(name, round(count / median(seconds)), "events/s", None, None)


def main() -> None:
    """Measure everything, print the table and write the report."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--events", type=int, default=200_000, help="events on the topics")
    given = parser.parse_args()
    spare_the_collector()
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results += _accepts(folder)
        results += _on_a_broker(folder / "many-cases", "worker", given.events, workload)
        results += _on_a_broker(folder / "long-cases", "worker, cases of 500 events", given.events // 4, long_cases)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps([result._asdict() for result in results], indent=2) + "\n", "utf-8")
    _print(results)


def _accepts(folder: Path) -> list[Result]:
    results = []
    for batch, count, what in ((1, 1_500, "one by one"), (100, 30_000, "in batches of 100")):
        _console.print(f"outbox, durable accepts {what} ...")
        ours, bare = [], []
        for pair in range(PAIRS):
            events = field.events(count)
            batches = [events[first : first + batch] for first in range(0, count, batch)]
            mine = f"ours-{batch}-{pair}"
            ours.append(field.ours_accepts(folder, mine, batches))
            bare.append(field.bare_accepts(folder, f"bare-{batch}-{pair}", field.rows_of(folder / f"{mine}.db"), batch))
        pairs = (b / o for o, b in zip(ours, bare, strict=True))
        results += [
            ratio(f"outbox, {what}, against bare SQLite {field.sqlite_version()}", pairs, 0.8),
            rate(f"outbox, {what}", count, ours),
        ]
    return results


def _on_a_broker(folder: Path, title: str, count: int, events: Callable[[int, int], Iterable[Event]]) -> list[Result]:
    broker, postgres = KafkaBroker(folder), Postgres(durable=True)
    try:
        broker.start()
        postgres.start()
        _console.print(f"{title}: writing {count} events to 100 streams ...")
        records = _fill(broker.bootstrap, events(count, now_ms() - 120_000))
        sides: dict[str, list[Measured]] = {"raw": [], "wire": [], "worker": []}
        if events is workload:
            sides["postgres"] = []
        for pair in range(PAIRS):
            for side, measured in sides.items():
                if side != "wire" or pair == 0:
                    _console.print(f"{title}: {side} loop, run {pair + 1} of {PAIRS} ...")
                    measured.append(_consume(side, broker.bootstrap, records, _ledger(side, folder, postgres)))
        results = _against_raw(title, sides, 0.35 if events is workload else None)
        if events is workload:
            results += _on_postgres(title, sides)
            results += _relay(folder, broker.bootstrap)
        return results
    finally:
        broker.kill()
        postgres.remove()


def _ledger(side: str, folder: Path, postgres: Postgres) -> str:
    """Give the URL of a new ledger."""
    return (
        postgres.url(postgres.new_database()) if side == "postgres" else f"sqlite:///{folder}/{time.monotonic_ns()}.db"
    )


def _on_postgres(title: str, sides: Mapping[str, list[Measured]]) -> list[Result]:
    raw, worker = ([run.seconds for run in sides[side]] for side in ("raw", "postgres"))
    return [
        ratio(f"{title}, Kafka to committed PostgreSQL ledger, against the raw loop", _over(raw, worker), 0.15),
        rate(f"{title}, on PostgreSQL", sides["raw"][0].records, worker),
    ]


def _against_raw(title: str, sides: dict[str, list[Measured]], target: float | None) -> list[Result]:
    raw, worker = ([run.seconds for run in sides[side]] for side in ("raw", "worker"))
    records = sides["raw"][0].records
    memory = max(run.rss_bytes for run in sides["worker"]) / 2**20
    return [
        ratio(f"{title}, Kafka to committed SQLite ledger, against the raw loop", _over(raw, worker), target),
        ratio(
            f"{title}, the same against a raw loop without logical types",
            [sides["wire"][0].seconds / median(worker)],
            None,
        ),
        ratio(
            f"{title}, the same in processor time of the one thread",
            [r.cpu_seconds / w.cpu_seconds for r, w in zip(sides["raw"], sides["worker"], strict=True)],
            None,
        ),
        rate(f"{title}: raw loop (consume, decode)", records, raw),
        rate(title, records, worker),
        Result(f"{title}: most memory", round(memory), "MiB", None, None),
    ]


def _relay(folder: Path, bootstrap: str) -> list[Result]:
    count = 100_000
    _console.print(f"relay: {count} events from the outbox to the broker ...")
    ours, bare = [], []
    for pair in range(PAIRS):
        path = field.filled(folder / str(pair), count)
        outbox = Outbox.open(path)
        epoch = outbox.identity.epoch
        outbox.close()
        rows = field.rows_of(path)
        bare.append(field.bare_produces(rows, epoch, bootstrap))
        ours.append(field.ours_relays(path, bootstrap))
    return [
        ratio("relay, outbox to acknowledged, against a bare produce loop", _over(bare, ours), 0.5),
        rate("relay", count, ours),
    ]


def _over(bare: Iterable[float], ours: Iterable[float]) -> list[float]:
    return [b / o for b, o in zip(bare, ours, strict=True)]


def _fill(bootstrap: str, events: Iterable[Event]) -> int:
    """Write the events, with pulses on every stream between them; give the number of records."""
    Admin({}, bootstrap).create_topics(OFFICES)
    # A broker refuses a batch above the topic's limit whole (max.message.bytes): stay below it.
    producer = Producer(
        {"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 20, "batch.size": 100_000}
    )
    written = 0

    def write(stream: str, value: bytes) -> None:
        nonlocal written
        while True:
            try:
                producer.produce(stream, value, partition=0)
            except BufferError:
                producer.poll(0.1)
            else:
                written += 1
                return

    def pulse() -> None:
        for stream in streams_of(OFFICES):
            write(stream, PULSE)

    pulse()
    for number, event in enumerate(events, 1):
        write(event.stream, event.value)
        if number % PULSE_EVERY == 0:
            pulse()
    assert producer.flush(60) == 0
    pulse()
    assert producer.flush(60) == 0
    return written


def _consume(side: str, bootstrap: str, records: int, ledger: str) -> Measured:
    """Run one side as a process of its own, so that none inherits another's memory."""
    command = [
        sys.executable,
        "-m",
        "tests.bench.consuming",
        "worker" if side == "postgres" else side,
        "--bootstrap",
        bootstrap,
    ]
    command += ["--records", str(records), "--offices", ",".join(OFFICES), "--ledger", ledger]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def _print(results: Iterable[Result]) -> None:
    table = Table("what", "measured", "unit", "target", "holds")
    for name, value, unit, target, holds in results:
        verdict = "" if holds is None else "yes" if holds else "NO"
        shown = f"{value:,.3f}" if unit == "ratio" else f"{value:,.0f}"
        table.add_row(name, shown, unit, "" if target is None else f">= {target}", verdict)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
