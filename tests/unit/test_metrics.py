"""The metrics: a closed vocabulary, every label set from the first scrape, and the ledger's numbers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import cast

import apsw
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from muster_contract.codec import encode
from muster_contract.schemas import enum_symbols
from muster_contract.topics import streams_of
from muster_hq.intake import Intake
from muster_hq.judging import Judging
from muster_hq.ledger.opening import open_ledger, open_reader
from muster_hq.ledger.sqlite.database import Database
from muster_hq.ledger_port import Ledger, LedgerReader
from muster_hq.metrics import VOCABULARY, LedgerCollector
from muster_hq.metrics.vocabulary import SOON
from muster_hq.policies import Policies
from muster_hq.policy_reader import read_policy
from muster_hq.replay import replay
from tests.cases.builders import T0, Case, Event, declined, directive, encounter, pulse, raw, report
from tests.cases.policies import TWO_LINKS

OFFICES = ("a", "b")
BOUNDS = (0.01, 1.0, 60.0)
NEVER = -2 - T0
"""An as_of before all time, so that a replay lets none pass on silent streams."""
PAST_GAPS = 60_005
"""When all that was announced in the first milliseconds must have come."""

SMALL = {
    "declined", "delays", "finding_tally", "heartbeats", "names", "obligation_tally", "quarantine_tally", "rolls",
    "set_aside", "sqlite_schema", "streams", "verdict_tally",
}  # fmt: skip
"""Tables that grow with offices, requirements and codes only, or with cases whose judgement failed: few, or a fault."""

Samples = Mapping[str, Mapping[tuple[str, ...], float]]


class Headquarters:
    """A ledger, and what a scrape of it gives."""

    def __init__(self, folder: Path, events: Iterable[Event] = (), as_of: int = 500, policy: str = TWO_LINKS) -> None:
        self.url = f"sqlite:///{folder}/ledger.db"
        self.now = T0 + as_of
        self.gaps: tuple[str, ...] = ()
        self.meanwhile: Callable[[], None] = lambda: None
        self._policies = Policies([read_policy(policy, "p")])
        case = Case("metrics", policy, tuple(events))
        with closing(open_ledger(self.url)) as ledger:
            replay(case.records, case.policies, OFFICES, ledger, T0 + as_of)

    def page(self, policies: Policies | None = None, offices: Iterable[str] = OFFICES) -> str:
        """Scrape as Prometheus does."""

        def open_one() -> LedgerReader:
            return cast("LedgerReader", Interrupted(open_reader(self.url), self.meanwhile))

        collector = LedgerCollector(
            open_one,
            offices=offices,
            limits=(policies or self._policies).limits,
            delay_bounds=BOUNDS,
            clock=lambda: self.now,
            gaps=self.gaps,
        )
        registry = CollectorRegistry()
        registry.register(collector)
        return generate_latest(registry).decode()

    def next_due(self) -> Mapping[str, int]:
        """Ask what is due next, as a pulse does."""
        with closing(open_reader(self.url)) as reader:
            return reader.next_due()

    def scrape(self, offices: Iterable[str] = OFFICES) -> Samples:
        """Give the samples by name and label values."""
        samples: dict[str, dict[tuple[str, ...], float]] = {}
        for family in text_string_to_metric_families(self.page(offices=offices)):
            for sample in family.samples:
                samples.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
        return samples


class Interrupted:
    """A reader beside whom something happens, once verdicts have been counted."""

    def __init__(self, reader: LedgerReader, meanwhile: Callable[[], None]) -> None:
        self._reader, self._meanwhile = reader, meanwhile

    def __getattr__(self, name: str) -> object:
        return getattr(self._reader, name)

    def verdict_counts(self) -> Mapping[tuple[str, str, str], int]:
        """Count, and let it happen."""
        counts = self._reader.verdict_counts()
        self._meanwhile()
        return counts


def pass_time(ledger: Ledger, until: int) -> None:
    """Let time pass on every stream, and judge."""
    policies = Policies([read_policy(TWO_LINKS, "p")])
    Intake(ledger, policies, OFFICES).pass_time(streams_of(OFFICES), until)
    Judging(ledger, policies).run_dry(100)


def heartbeat(at: int, *, last: int, pending: int = 0, lowest: int | None = None) -> Event:
    """Let office a say how far it has come."""
    fields = {
        "event_id": bytes(16),
        "office_id": "a",
        "epoch": bytes(16),
        "recorded_at": T0 + at,
        "last_encounter_sequence": last,
        "last_incident_sequence": 0,
        "pending": pending,
        "oldest_pending_at": None,
        "lowest_pending_encounter_sequence": lowest,
        "lowest_pending_incident_sequence": None,
    }
    return raw(encode("OfficeHeartbeat", fields), at, "field.a.encounters")


def test_the_vocabulary_is_what_a_scrape_gives(tmp_path: Path) -> None:
    """Nothing more, nothing less, with the same type, words and labels."""
    families = {f.name: f for f in text_string_to_metric_families(Headquarters(tmp_path).page())}
    named = {metric.name.removesuffix("_total"): metric for metric in VOCABULARY}
    assert list(families) == list(named)
    for name, family in families.items():
        assert (family.type, family.documentation) == (named[name].type, named[name].help)
        labels = {tuple(label for label in s.labels if label != "le") for s in family.samples}
        assert labels == {named[name].labels}


def test_declined_transfers_are_counted_by_office_and_never_by_jurisdiction(tmp_path: Path) -> None:
    """A jurisdiction with one of them would point at an encounter; a second copy of an event is none."""
    events = [
        declined("T", 1),
        declined("U", 2, jurisdiction="US-TX"),
        declined("T", 3, own=1),
        declined("V", 4, office="b"),
    ]
    headquarters = Headquarters(tmp_path, events)
    assert headquarters.scrape()["muster_transfers_declined_total"] == {("a",): 2, ("b",): 1}
    assert "US-" not in headquarters.page()
    with closing(open_reader(headquarters.url)) as reader:
        assert reader.declined_counts() == {("a", "US-CA"): 1, ("a", "US-TX"): 1, ("b", "US-CA"): 1}


def test_every_label_set_exists_before_anything_was_read(tmp_path: Path) -> None:
    """A counter that is born at 1 would show no increase."""
    samples = Headquarters(tmp_path, as_of=NEVER).scrape()
    both = {(office, requirement) for office in OFFICES for requirement in ("report", "written")}
    for name in ("outstanding", "missed_total", "late_total", "on_time_total"):
        assert samples[f"muster_reports_{name}"] == dict.fromkeys(both, 0)
    assert samples["muster_obligations_due_soon"] == dict.fromkeys(both, 0)
    assert samples["muster_obligations_open"] == {("report",): 0, ("written",): 0}
    assert len(samples["muster_verdicts_total"]) == 11
    assert len(samples["muster_quarantined_total"]) == 13
    assert samples["muster_records_total"].keys() == {("applied",), ("duplicate",), ("pulse",), ("quarantined",)}
    assert samples["muster_stream_clock_timestamp_seconds"].keys() == {
        ("a", "encounters"), ("a", "incidents"), ("b", "encounters"), ("b", "incidents"), ("hq", "directives"),
    }  # fmt: skip
    assert samples["muster_transfers_declined_total"] == {("a",): 0, ("b",): 0}
    assert set(samples["muster_findings_total"].values()) == {0}
    assert {kind for (kind,) in samples["muster_findings_total"]} == {*enum_symbols()["FindingKind"]} - {"UNKNOWN"}
    for name in ("sequence_gaps", "office_silent", "office_last_heartbeat_timestamp_seconds", "office_unsent_events"):
        assert samples[f"muster_{name}"] == {("a",): 0, ("b",): 0}


def test_reports_are_counted_by_office_and_requirement(tmp_path: Path) -> None:
    """One on time, one late, one missed and outstanding, one that follows and is open, and one of office b open."""
    events = [
        encounter("E1", 0, enc="1"),
        report("S1", 10, enc="1"),
        encounter("E2", 12, enc="2"),
        encounter("E3", 13, enc="3"),
        report("S3", 24, enc="3"),
        encounter("E4", 24, office="b"),
    ]
    samples = Headquarters(tmp_path, events, as_of=26).scrape()
    assert _above_zero(samples["muster_reports_on_time_total"]) == {("a", "report"): 1}
    assert _above_zero(samples["muster_reports_missed_total"]) == {("a", "report"): 2}
    assert _above_zero(samples["muster_reports_late_total"]) == {("a", "report"): 1}
    assert _above_zero(samples["muster_reports_outstanding"]) == {("a", "report"): 1}
    assert _above_zero(samples["muster_obligations_open"]) == {("report",): 1, ("written",): 2}
    assert _above_zero(samples["muster_verdicts_total"]) == {("ON_TIME",): 1, ("MISSED",): 2, ("LATE",): 1}


@pytest.mark.parametrize(("now", "soon"), [(8, 0), (9, 1), (10, 1), (11, 0)])
def test_an_obligation_is_due_soon_in_the_last_tenth_of_its_limit(now: int, soon: int, tmp_path: Path) -> None:
    """Ten milliseconds to report: of one that has a report it is not said, nor of another office."""
    events = [encounter("E1", 0, enc="1"), encounter("E2", 0, enc="2"), report("S1", 1, enc="1")]
    headquarters = Headquarters(tmp_path, events, as_of=7)
    headquarters.now = T0 + now
    assert _above_zero(headquarters.scrape()["muster_obligations_due_soon"]) == ({("a", "report"): 1} if soon else {})


def test_an_obligation_is_due_soon_in_its_last_hour(tmp_path: Path) -> None:
    """A tenth of thirty days is long before."""
    month = 30 * 86_400_000
    headquarters = Headquarters(tmp_path, [encounter("E", 0)], policy=TWO_LINKS.replace("PT0.010S", "P30D"))
    counts = []
    for headquarters.now in (T0 + month - SOON - 1, T0 + month - SOON):
        counts.append(headquarters.scrape()["muster_obligations_due_soon"]["a", "report"])
    assert counts == [0, 1]


def test_a_scrape_shows_one_state_of_the_ledger(tmp_path: Path) -> None:
    """A report is missed while the tallies are read: it is missed and outstanding, or neither."""
    headquarters = Headquarters(tmp_path, [encounter("E", 0)], as_of=5)
    with closing(open_ledger(headquarters.url)) as ledger:
        headquarters.meanwhile = lambda: pass_time(ledger, T0 + 99)
        during, after = headquarters.scrape(), headquarters.scrape()
    for name in ("missed_total", "outstanding"):
        shown = [samples[f"muster_reports_{name}"]["a", "report"] for samples in (during, after)]
        assert shown == [0, 1]


def test_the_oldest_that_is_outstanding(tmp_path: Path) -> None:
    """The due time of the first of two; for an office with none it is not a number, and no alert compares it."""
    events = [encounter("E1", 0, enc="1"), encounter("E2", 5, enc="2")]
    oldest = Headquarters(tmp_path, events).scrape()["muster_oldest_outstanding_due_timestamp_seconds"]
    assert oldest["a",] == (T0 + 10) / 1000
    assert math.isnan(oldest["b",])


def test_an_orphaned_report_is_a_verdict_and_never_outstanding(tmp_path: Path) -> None:
    """Nothing is owed for a report that nobody asked for."""
    samples = Headquarters(tmp_path, [report("S", 0)], as_of=86_400_001).scrape()
    assert _above_zero(samples["muster_verdicts_total"]) == {("ORPHANED",): 1}
    for name in ("reports_outstanding", "reports_missed_total", "obligations_open"):
        assert not _above_zero(samples[f"muster_{name}"])


def test_clocks_say_how_far_headquarters_has_read(tmp_path: Path) -> None:
    """Each stream's is its last record's time; the intake clock is the smallest, less a millisecond."""
    events = [pulse(at, s) for at, s in ((7, "field.a.encounters"), (5, "field.a.incidents"), (9, "hq.directives"))]
    quiet = Headquarters(tmp_path, [*events, pulse(6, "field.b.encounters")], as_of=NEVER)
    clocks = quiet.scrape()["muster_stream_clock_timestamp_seconds"]
    assert clocks["a", "encounters"] == (T0 + 7) / 1000
    assert clocks["hq", "directives"] == (T0 + 9) / 1000
    assert clocks["b", "incidents"] == 0
    assert quiet.scrape()["muster_intake_clock_timestamp_seconds"] == {(): 0}


def test_the_intake_clock_is_a_millisecond_behind_the_slowest_stream(tmp_path: Path) -> None:
    """Equal append times are the rule."""
    clock = Headquarters(tmp_path, as_of=500).scrape()["muster_intake_clock_timestamp_seconds"]
    assert clock == {(): (T0 + 500) / 1000}


def test_cases_whose_judgement_failed_are_counted(tmp_path: Path) -> None:
    """One that was set aside in judging."""
    headquarters = Headquarters(tmp_path, [encounter("E", 0)])
    with closing(open_ledger(headquarters.url)) as ledger, ledger.judging() as transaction:
        transaction.set_aside(1, "KeyError", T0)
    assert headquarters.scrape()["muster_cases_set_aside"] == {(): 1}


def test_records_by_outcome_add_up(tmp_path: Path) -> None:
    """One applied, the same again, two pulses, one that is not framed."""
    stream = "field.a.encounters"
    events = [encounter("E", 0), encounter("E", 0), pulse(1, stream), pulse(2, stream), raw(b"?", 3, stream)]
    samples = Headquarters(tmp_path, events, as_of=3).scrape()
    records = samples["muster_records_total"]
    assert (records["applied",], records["duplicate",], records["quarantined",]) == (1, 1, 1)
    assert _above_zero(samples["muster_quarantined_total"]) == {("NOT_FRAMED",): 1}


def test_heartbeats_say_what_is_unsent_and_what_never_came(tmp_path: Path) -> None:
    """An office recorded three events and none came: while they may wait in its outbox, that is no gap."""
    waiting = Headquarters(tmp_path, [heartbeat(4, last=3, pending=3, lowest=1)], as_of=PAST_GAPS).scrape()
    assert waiting["muster_office_last_heartbeat_timestamp_seconds"]["a",] == (T0 + 4) / 1000
    assert waiting["muster_office_unsent_events"] == {("a",): 3, ("b",): 0}
    assert waiting["muster_sequence_gaps"] == {("a",): 0, ("b",): 0}


@pytest.mark.parametrize(("came", "gaps"), [((), 3), ((1, 2, 3), 0), ((1, 3), 1), ((1, 2), 1), ((3,), 2)])
def test_every_number_is_accounted_for(tmp_path: Path, came: tuple[int, ...], gaps: int) -> None:
    """Whether the ones that are missing stand before, between or after those that came."""
    events = [encounter(f"E{n}", n, enc=str(n), sequence=n) for n in came]
    samples = Headquarters(tmp_path, [*events, heartbeat(4, last=3)], as_of=PAST_GAPS).scrape()
    assert samples["muster_sequence_gaps"] == {("a",): gaps, ("b",): 0}
    assert samples["muster_findings_total"]["SEQUENCE_GAP",] == (1 if gaps else 0)
    assert samples["muster_office_silent"] == {("a",): 0, ("b",): 0}


def test_delays_are_cumulative_and_every_bound_exists(tmp_path: Path) -> None:
    """Delays of 0, 10 and 11 milliseconds: a bound is inclusive."""
    events = [encounter("E1", 0, enc="1"), encounter("E2", 12, own=2, enc="2"), encounter("E3", 13, own=2, enc="3")]
    samples = Headquarters(tmp_path, events, as_of=13).scrape()
    buckets = samples["muster_transmission_delay_seconds_bucket"]
    assert {"0.01", "1.0", "60.0", "+Inf"} <= {bound for (bound,) in buckets}
    assert (buckets["0.01",], buckets["1.0",], buckets["+Inf",]) == (2, 3, 3)
    assert samples["muster_transmission_delay_seconds_count"] == {(): 3}
    assert samples["muster_transmission_delay_seconds_sum"][()] == pytest.approx(0.021)


def test_offices_that_the_ledger_knows_need_not_be_named(tmp_path: Path) -> None:
    """A process of its own over a ledger sees the offices that are registered there."""
    samples = Headquarters(tmp_path).scrape(offices=())
    assert samples["muster_sequence_gaps"].keys() == {("a",), ("b",)}


def test_what_an_older_policy_left_is_shown_too(tmp_path: Path) -> None:
    """The gauge's sum is the length of the look-back, whatever the policy is now."""
    other = Policies([read_policy(TWO_LINKS.replace('"report"', '"other"'), "p")])
    page = Headquarters(tmp_path, [encounter("E", 0)]).page(other)
    assert 'muster_reports_outstanding{office="a",requirement="report"} 1.0' in page
    assert 'muster_reports_outstanding{office="a",requirement="other"} 0.0' in page


def test_a_scrape_costs_the_same_however_many_cases_there_are(tmp_path: Path) -> None:
    """It reads tallies and the ends of indexes, and so does the question of what is due next."""
    costs = []
    for cases in (10, 1_000):
        folder = tmp_path / str(cases)
        folder.mkdir()
        events = [encounter(f"E{n}", n, case=str(n), enc=str(n)) for n in range(cases)]
        headquarters = Headquarters(folder, events, as_of=cases // 2)
        costs.append((steps_of(headquarters.page), steps_of(headquarters.next_due)))
    (few, few_due), (many, many_due) = costs
    assert many < 1.5 * few
    assert many_due < 1.5 * few_due


def test_no_query_of_a_scrape_walks_through_what_grows_with_the_cases(tmp_path: Path) -> None:
    """SQLite itself says by which way it goes: into an index, or through a table of tallies, offices or words."""
    headquarters = Headquarters(tmp_path, [encounter("E", 0), report("S", 1)])
    walked = {table for plan in plans_of(headquarters.page, tmp_path / "ledger.db") for table in tables_walked(plan)}
    assert "verdict_tally" in walked
    assert walked <= SMALL


def test_no_id_of_a_case_is_shown(tmp_path: Path) -> None:
    """Planted in every place where an id may stand."""
    events = [encounter("E", 0, case="SECRET-1", enc="SECRET-2"), report("S", 1, case="SECRET-1", enc="SECRET-2")]
    assert "SECRET" not in Headquarters(tmp_path, events).page()


def steps_of(work: Callable[[], object]) -> int:
    """Count the steps of SQLite's machine that some work takes, on the connections that it opens."""
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += 1
        return False

    def watch(connection: apsw.Connection) -> None:
        connection.set_progress_handler(count, 1)

    apsw.connection_hooks.append(watch)
    try:
        work()
    finally:
        apsw.connection_hooks.remove(watch)
    return steps


def plans_of(work: Callable[[], object], file: Path) -> Iterator[list[str]]:
    """Ask SQLite how it goes about each query of some work."""
    asked: dict[str, apsw.Bindings | None] = {}

    def note(_: apsw.Cursor, statement: str, bindings: apsw.Bindings | None) -> bool:
        asked[statement] = bindings
        return True

    def watch(connection: apsw.Connection) -> None:
        connection.exec_trace = note

    apsw.connection_hooks.append(watch)
    try:
        work()
    finally:
        apsw.connection_hooks.remove(watch)
    with closing(Database(file, write=False)) as database:
        for statement, bindings in asked.items():
            if statement.strip().startswith("select"):
                plan = database.connection.execute(f"explain query plan {statement}", bindings)
                yield [detail for *_, detail in plan]


def tables_walked(plan: Iterable[str]) -> set[str]:
    """Give the tables that a plan reads from end to end, as it names them, without the results of its subqueries.

    A search that compares nothing is a walk too.
    """
    names: defaultdict[str, set[str]] = defaultdict(set)
    for step in plan:
        kind, name = (*step.split(), "")[:2]
        names["SCAN" if kind == "SEARCH" and "(" not in step else kind].add(name)
    return names["SCAN"] - names["CO-ROUTINE"] - names["MATERIALIZE"] - {"CONSTANT"}


def _above_zero(values: Mapping[tuple[str, ...], float]) -> Mapping[tuple[str, ...], float]:
    return {labels: value for labels, value in values.items() if value}


def test_offices_without_a_channel_that_is_asked_for_show(tmp_path: Path) -> None:
    """1 for these, 0 for the others."""
    headquarters = Headquarters(tmp_path)
    headquarters.gaps = ("a",)
    assert headquarters.scrape()["muster_capability_gap"] == {(office,): float(office == "a") for office in OFFICES}


def test_records_that_wait_for_a_decision_show_until_it_is_made(tmp_path: Path) -> None:
    """By office; the total stays."""
    junk = [raw(b"junk", at, "field.a.incidents") for at in (1, 2)]
    samples = Headquarters(tmp_path, [*junk, directive("D", 3, "REJECT", "field.a.incidents@1")]).scrape()
    assert samples["muster_quarantined_waiting"]["a",] == 1
    assert samples["muster_quarantined_waiting"]["b",] == 0
    assert samples["muster_quarantined_total"]["NOT_FRAMED",] == 2
