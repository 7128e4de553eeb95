"""The metrics of a field office: a closed vocabulary, from the outbox, for loopback."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from muster_field.answers import Due, DueState, InboxState, Refused
from muster_field.metrics import VOCABULARY, OutboxCollector
from muster_field.outbox import Outbox, Progress, Run
from muster_field.outbox_care import ask_again
from muster_field.state import Reason, SetAside
from tests.field.offices import NOW, office_at
from tests.schemas.builders import PLANTED, event_of

NOTHING = InboxState({}, [], 0, None)
ASIDE = SetAside(sequence=3, reason=Reason.CORRUPT, detail="the row is gone", at=NOW)


def exposition(outbox: Outbox, answers: InboxState = NOTHING, due: Sequence[Due] = ()) -> str:
    """Scrape an outbox, and what headquarters answered."""
    registry = CollectorRegistry()
    registry.register(OutboxCollector(outbox.state, lambda: NOW, lambda: (answers, due), clock=lambda: NOW))
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
        ("events_sent", 2),
        ("events_pending", 2),
        ("oldest_pending_timestamp_seconds", NOW / 1000),
        ("last_acknowledged_timestamp_seconds", NOW / 1000 + 0.5),
    ):
        assert sample(page, f'muster_field_{name}{{office="dal",stream="field.dal.encounters"}}') == value
    assert (
        sample(page, 'muster_field_events_set_aside{office="dal",reason="CORRUPT",stream="field.dal.encounters"}') == 1
    )
    assert PLANTED not in page
    outbox.close()


def test_metrics_say_what_headquarters_answered(tmp_path: Path) -> None:
    """Sent is not received; and what is due becomes overdue by the office's clock, or by headquarters' word."""
    with office_at(tmp_path) as office:
        office.accept_many([event_of("EncounterReported", case_id=PLANTED)] * 5)
    outbox = Outbox.open(tmp_path / "outbox.db")
    refused = [Refused("encounters", outbox.identity.epoch.bytes, 4, "UNDECODABLE", NOW)]
    key = PLANTED, "e", "initial-report", 1
    due = [
        Due(*key, NOW, "p@1", DueState.OPEN),
        Due(*key, NOW - 1, "p@1", DueState.OPEN),
        Due(*key, NOW + 9, "p@1", DueState.UNDETERMINED),
    ]
    page = exposition(outbox, InboxState({"encounters": 3}, refused, 9, NOW + 500), due)
    of_encounters = '{office="dal",stream="field.dal.encounters"}'
    assert sample(page, f"muster_field_events_received{of_encounters}") == 3
    assert sample(page, f"muster_field_events_refused{of_encounters}") == 1
    assert sample(page, 'muster_field_obligations{office="dal",state="due"}') == 1
    assert sample(page, 'muster_field_obligations{office="dal",state="overdue"}') == 2
    assert sample(page, 'muster_field_last_answer_timestamp_seconds{office="dal"}') == NOW / 1000 + 0.5
    assert PLANTED not in page
    outbox.close()


def sample(page: str, name_and_labels: str) -> float:
    """Find a sample's value."""
    (line,) = [line for line in page.splitlines() if line.startswith(name_and_labels + " ")]
    return float(line.rpartition(" ")[2])


def test_the_vocabulary_is_what_a_scrape_gives_from_the_start(tmp_path: Path) -> None:
    """Of an empty outbox: the same types, words and labels; zeros, and NaN for an instant that does not exist."""
    office_at(tmp_path).close()
    outbox = Outbox.open(tmp_path / "outbox.db")
    families = {family.name: family for family in text_string_to_metric_families(exposition(outbox))}
    outbox.close()
    named = {metric.name.removesuffix("_total"): metric for metric in VOCABULARY}
    assert list(families) == list(named)
    for name, family in families.items():
        assert (family.type, family.documentation) == (named[name].type, named[name].help)
        assert {tuple(sorted(s.labels)) for s in family.samples} == {tuple(sorted(named[name].labels))}
    assert len(families["muster_field_events_set_aside"].samples) == 2 * len(Reason)
    assert all(isnan(sample.value) for sample in families["muster_field_oldest_pending_timestamp_seconds"].samples)


def test_what_is_asked_for_again_is_sent_no_more(tmp_path: Path) -> None:
    """So it is a gauge: a counter that goes down would look like one that began anew."""
    with office_at(tmp_path) as office:
        office.accept_many([event_of("EncounterReported")] * 3)
    outbox = Outbox.open(tmp_path / "outbox.db")
    outbox.mark([Progress("encounters", 3, [Run(1, 3, 7)], [])], NOW)
    sent = 'muster_field_events_sent{office="dal",stream="field.dal.encounters"}'
    before = sample(exposition(outbox), sent)
    ask_again(outbox, "encounters", 2, 3)
    assert (before, sample(exposition(outbox), sent)) == (3, 1)
    outbox.close()
