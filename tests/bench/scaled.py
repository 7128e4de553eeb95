"""A ledger with 2.37 million supervised cases beside one with ten thousand: its size, its start, what an event costs.

Each side runs as a process of its own (``scale.py``). Costs are measured in interleaved pairs, small and large in
turn, so that the machine's own speed falls out of their ratio.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
from rich.console import Console

from muster_hq.ledger.opening import open_ledger
from tests.bench.results import Result, at_most, ratio
from tests.postgres import Postgres

FEW = 10_000
PAIRS = 3
MOST_TIMES = 1.3
MOST_SECONDS = 3.0
MOST_SCRAPE_SECONDS = 0.1

_console = Console(stderr=True)


def on_sqlite(folder: Path, cases: int) -> list[Result]:
    """Measure SQLite ledgers in a folder."""

    def size(path: Path) -> int:
        return path.stat().st_size

    empty, few, many = (folder / f"{name}.db" for name in ("empty", "few", "many"))
    open_ledger(f"sqlite:///{empty}").close()
    urls = f"sqlite:///{few}", f"sqlite:///{many}"
    return _measure("SQLite", urls, cases, lambda: size(many) - size(empty), 250)


def on_postgres(postgres: Postgres, cases: int) -> list[Result]:
    """Measure ledgers on PostgreSQL, each in a database of its own."""
    empty, few, many = (postgres.new_database() for _ in range(3))
    open_ledger(postgres.url(empty)).close()

    def size(database: str) -> int:
        with closing(psycopg.connect(postgres.url(database), autocommit=True)) as connection:
            connection.execute("vacuum (analyze)")  # as its own autovacuum does, some time after
            found = connection.execute("select pg_database_size(current_database())").fetchone()
            assert found is not None
            return int(found[0])

    urls = postgres.url(few), postgres.url(many)
    return _measure("PostgreSQL", urls, cases, lambda: size(many) - size(empty), 450)


def _measure(kind: str, urls: tuple[str, str], cases: int, size: Callable[[], int], most_bytes: int) -> list[Result]:
    few, many = urls
    _console.print(f"{kind}: taking in and judging {cases:,} supervised cases ...")
    _run("fill", few, FEW)
    filled = _run("fill", many, cases)
    held = size()
    _console.print(f"{kind}: start, scrape and cost beside {cases:,} open obligations ...")
    times = []
    scraped = _run("scrape", many, cases)
    for seed in range(1, PAIRS + 1):
        small = _run("cost", few, FEW, seed)
        times.append(_run("cost", many, cases, seed) / small)
    started = _run("start", many, cases)
    title = f"{kind}, {cases:,} open obligations"
    cost = ratio(f"{title}: cost of an event, times that beside {FEW:,}", times, None)
    return [
        at_most(f"{title}: bytes an open obligation", held / cases, "bytes", most_bytes),
        cost._replace(unit="times", target=MOST_TIMES, holds=cost.value <= MOST_TIMES),
        at_most(f"{title}: start to the first verdict", started, "s", MOST_SECONDS),
        at_most(f"{title}: a scrape", scraped, "s", MOST_SCRAPE_SECONDS),
        Result(f"{title}: taken in and judged", round(cases / filled), "cases/s", None, None),
    ]


def _run(side: str, url: str, cases: int, seed: int = 1) -> float:
    """Run one side, and give the seconds that it measured."""
    command = [sys.executable, "-m", "tests.bench.scale", side, "--ledger", url]
    command += ["--cases", str(cases), "--seed", str(seed)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=3_600)
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"])
