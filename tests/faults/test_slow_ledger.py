"""A ledger that is there and answers late: a slow link to PostgreSQL, an SQLite file that another process holds."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from tests.faults.proxy import GOOD, Link, Proxy
from tests.faults.test_ledger import Live, Seen, compared, live, processor_seconds
from tests.kafka_broker import KafkaBroker
from tests.postgres import Postgres
from tests.system.headquarters import Headquarters
from tests.system.processes import PATIENCE

pytestmark = [pytest.mark.kafka, pytest.mark.long]

SLOW_SECONDS = 30
SLOW = Link(latency=0.15)


@pytest.mark.fault(
    "ledger",
    injected=f"each round trip to PostgreSQL takes 0.3 s for {SLOW_SECONDS} s, and SIGTERM comes then",
    promised="the intake goes on, /metrics and /healthz answer, SIGTERM is heard within 5 s; no position moves wrongly",
)
def test_postgresql_is_slow_for_long(
    broker: KafkaBroker, one_postgres: Postgres, database: str, tmp_path: Path, seen: Seen
) -> None:
    """Deadlines that pass meanwhile are judged as they would have been."""
    with Proxy(one_postgres.port) as proxy, live(tmp_path, broker.bootstrap, database) as running:
        hq, slow = running.hq, one_postgres.url(database.rpartition("/")[2], proxy.port)
        running.serve(slow)
        running.until_taken_in()
        began = processor_seconds(hq.pid)
        proxy.become(SLOW)
        scrapes = busy_while_it_lasts(running, SLOW_SECONDS)
        busy = processor_seconds(hq.pid) - began
        asked = time.monotonic()
        code = hq.stop()
        left = time.monotonic() - asked
        proxy.become(GOOD)
        running.serve(slow)
        seen(f"{scrapes} scrapes answered, {busy:.1f} s of processor time, gone {left:.1f} s after SIGTERM")
        seen(compared(running))
        assert (code, left < 5, busy < SLOW_SECONDS / 3) == (0, True, True), (left, busy, hq.log()[-3000:])


@pytest.mark.fault(
    "ledger",
    injected="the SQLite file held by another process (an exclusive lock) for 12 s, and SIGTERM comes while it is held",
    promised="no position moves, no tight loop; it goes on by itself, /metrics answers, SIGTERM is heard within 5 s",
)
def test_another_process_holds_the_sqlite_file(broker: KafkaBroker, tmp_path: Path, seen: Seen) -> None:
    """As a tool does that was written for other databases."""
    with live(tmp_path, broker.bootstrap) as running:
        hq = running.hq
        running.serve()
        running.until_taken_in()
        with closing(apsw.Connection(hq.ledger.removeprefix("sqlite:///"))) as other:
            other.set_busy_timeout(10_000)
            other.execute("begin exclusive")
            stood, began = running.positions(), processor_seconds(hq.pid)
            scrapes = busy_while_it_lasts(running, 12)
            busy = processor_seconds(hq.pid) - began
            assert running.positions() == stood
            assert busy < 3
            other.execute("rollback")
            running.until_taken_in()
            other.execute("begin exclusive")
            hq.until(lambda: hq.log().count("ledger_away") > 1, "it has noticed")
            asked = time.monotonic()
            assert hq.stop() == 0
            left = time.monotonic() - asked
            assert left < 5
        running.serve()
        seen(f"{scrapes} scrapes answered, {busy:.1f} s of processor time, gone {left:.1f} s after SIGTERM")
        seen(compared(running))


def busy_while_it_lasts(running: Live, seconds: float) -> int:
    """Scrape and ask for health until the time is up; give how many scrapes were answered."""
    ends, scrapes = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        running.hq.metrics()
        assert health(running.hq) in {200, 503}
        scrapes += 1
        time.sleep(0.5)
    assert scrapes
    return scrapes


def health(hq: Headquarters) -> int:
    """Ask /healthz; give the status."""
    try:
        with urllib.request.urlopen(hq.url.replace("/metrics", "/healthz"), timeout=PATIENCE) as answer:  # noqa: S310 - loopback
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
