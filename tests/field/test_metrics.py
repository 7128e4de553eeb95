"""The metrics of a field office: a closed vocabulary, from the outbox, for loopback."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from muster_field.metrics import SET_ASIDE, TURNED, VOCABULARY, OutboxCollector
from muster_field.outbox import Outbox, Progress, Run
from muster_field.state import Reason, SetAside
from tests.field.offices import NOW, office_at
from tests.schemas.builders import PLANTED, event_of

ASIDE = SetAside(sequence=3, reason=Reason.CORRUPT, detail="the row is gone", at=NOW)


def exposition(outbox: Outbox) -> str:
    """Scrape an outbox."""
    registry = CollectorRegistry()
    registry.register(OutboxCollector(outbox.state, lambda: NOW))
    return generate_latest(registry).decode()


def test_metrics_say_what_the_outbox_holds(tmp_path: Path) -> None:
    """Totals come from the file, so they go on after a restart; no label or value names a case."""
    with office_at(tmp_path) as office:
        office.accept_many([event_of("EncounterReported", case_id=PLANTED)] * 5)
    outbox = Outbox.open(tmp_path / "outbox.db")
    outbox.mark([Progress("encounters", 3, [Run(1, 1, 7), Run(2, 2, 8)], [ASIDE])], NOW + 500)
    page = exposition(outbox)
    for name, value in (
        ("events_accepted_total", 5),
        ("events_sent_total", 2),
        ("events_pending", 2),
        ("oldest_pending_timestamp_seconds", NOW / 1000),
        ("last_acknowledged_timestamp_seconds", NOW / 1000 + 0.5),
    ):
        assert sample(page, f'muster_field_{name}{{office="dal",stream="field.dal.encounters"}}') == value
    assert sample(page, f'{SET_ASIDE}{{office="dal",reason="CORRUPT",stream="field.dal.encounters"}}') == 1
    assert PLANTED not in page
    outbox.close()


def sample(page: str, name_and_labels: str) -> float:
    """Find a sample's value."""
    (line,) = [line for line in page.splitlines() if line.startswith(name_and_labels + " ")]
    return float(line.rpartition(" ")[2])


def test_every_word_of_the_vocabulary_exists_from_the_start(tmp_path: Path) -> None:
    """An empty outbox has zeros; only instants that do not exist are absent."""
    office_at(tmp_path).close()
    outbox = Outbox.open(tmp_path / "outbox.db")
    page = exposition(outbox)
    outbox.close()
    for name in (*(word.name for word in VOCABULARY), SET_ASIDE, TURNED):
        assert f"# HELP {name}" in page
    assert page.count(f"{SET_ASIDE}{{") == 2 * len(Reason)
    assert "muster_field_oldest_pending_timestamp_seconds{" not in page
