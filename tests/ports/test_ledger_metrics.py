"""Every ledger: a scrape of it says the same, also after a restart and beside another process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from muster_hq.ledger.opening import open_ledger, open_reader
from muster_hq.ledger_port import LedgerReader
from muster_hq.metrics import LedgerCollector
from muster_hq.replay import replay
from tests.cases.builders import T0, Case, encounter, raw, report
from tests.cases.policies import TWO_LINKS
from tests.ports.ledgers import LedgerKind

AS_OF = 24
CASE = Case(
    "scraped",
    TWO_LINKS,
    (
        encounter("E1", 0, enc="1"),
        report("S1", 10, enc="1"),
        encounter("E2", 12, enc="2"),
        encounter("E3", 14, enc="3"),
        report("S3", 24, enc="3"),
        raw(b"?", 11, "field.b.encounters"),
    ),
)
"""One report in time, one that is missed, one in time whose follower is open, and a record that is quarantined."""


def page(open_one: Callable[[], LedgerReader]) -> str:
    """Scrape a ledger."""
    registry = CollectorRegistry()
    registry.register(
        LedgerCollector(
            open_one, offices=("a", "b"), limits=CASE.policies.limits, delay_bounds=(1.0,), clock=lambda: T0 + AS_OF
        )
    )
    return generate_latest(registry).decode()


def test_it_says_the_same_as_a_ledger_file(kind: LedgerKind, tmp_path: Path) -> None:
    """By the same log; and once more when it is opened again."""
    url = f"sqlite:///{tmp_path}/other.db"
    with closing(kind.open()) as ledger, closing(open_ledger(url)) as file:
        for one in (ledger, file):
            replay(CASE.records, CASE.policies, ("a", "b"), one, T0 + AS_OF)
        running = page(kind.open_reader)
        assert running == page(lambda: open_reader(url))
    assert page(kind.open_reader) == running
    for line in (
        'muster_reports_outstanding{office="a",requirement="report"} 1.0',
        'muster_reports_on_time_total{office="a",requirement="report"} 2.0',
        'muster_quarantined_total{reason="NOT_FRAMED"} 1.0',
    ):
        assert line in running
