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

from rich.console import Console
from rich.table import Table

from muster_contract.times import now_ms
from muster_field.outbox import Outbox
from muster_hq.commands.assembly import spare_the_collector
from tests.bench import aging, field, scaled, sharing
from tests.bench.consuming import Measured
from tests.bench.filling import fill
from tests.bench.results import Result, rate, ratio
from tests.bench.workload import OFFICES, Event, long_cases, workload
from tests.kafka_broker import KafkaBroker
from tests.postgres import Postgres

PAIRS = 3
CASES = 2_370_000
"""People under supervision who were never screened again, by the audit: as many open obligations."""
SHARED_EVENTS = 150_000
REPORT = Path("build/bench.json")

_console = Console(stderr=True)


def main() -> None:
    """Measure everything, print the table and write the report."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--events", type=int, default=200_000, help="events on the topics")
    parser.add_argument(
        "--cases", type=int, default=CASES, help="open obligations of the large ledgers; 0: no such rows"
    )
    given = parser.parse_args()
    spare_the_collector()
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results += _accepts(folder)
        _console.print("cases that grow old, event by event ...")
        results += aging.measure(folder)
        results += _on_a_broker(folder / "many-cases", "worker", given.events, workload)
        results += _on_a_broker(folder / "long-cases", "worker, cases of 500 events", given.events // 4, long_cases)
        if given.cases:
            results += scaled.on_sqlite(folder, given.cases)
            results += _at_scale_on_postgres(given.cases)
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
        records = fill(broker.bootstrap, events(count, now_ms() - 120_000), OFFICES)
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
            results += _shared(folder, broker, postgres)
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


def _shared(folder: Path, broker: KafkaBroker, postgres: Postgres) -> list[Result]:
    """Measure one worker and two on the same streams. The broker's topics are made anew for each run."""
    events = sharing.events_of(SHARED_EVENTS)
    runs: dict[int, list[sharing.Shared]] = {1: [], 2: []}
    for pair in range(PAIRS):
        for workers, measured in runs.items():
            _console.print(f"PostgreSQL, 2 ms a round trip: {workers} worker(s), run {pair + 1} of {PAIRS} ...")
            measured.append(sharing.share(folder, broker, postgres, workers, events))
    fewest = min(run.streams[0] for run in runs[2])
    return [
        ratio("two workers on PostgreSQL against one, 2 ms a round trip", [sharing.gain(runs[1], runs[2])], 1.5),
        Result("two workers: streams of the one with fewer, of 21", fewest, "streams", None, None),
        rate("one worker, 2 ms a round trip", runs[1][0].records, [run.seconds for run in runs[1]]),
        rate("two workers, 2 ms a round trip", runs[2][0].records, [run.seconds for run in runs[2]]),
    ]


def _at_scale_on_postgres(cases: int) -> list[Result]:
    postgres = Postgres(durable=True, buffers="2GB")  # as a real one has: docs/deploying.md
    try:
        postgres.start()
        return scaled.on_postgres(postgres, cases)
    finally:
        postgres.remove()


def _over(bare: Iterable[float], ours: Iterable[float]) -> list[float]:
    return [b / o for b, o in zip(bare, ours, strict=True)]


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
        shown = f"{value:,.3f}" if unit in {"ratio", "times", "s"} else f"{value:,.0f}"
        sign = ">=" if unit == "ratio" else "<="
        table.add_row(name, shown, unit, "" if target is None else f"{sign} {target}", verdict)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
