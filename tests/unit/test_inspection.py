"""The inspector's sample and a case's timeline: which files are drawn, what counts in them, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from muster_contract.times import parse_instant
from muster_hq.case_files import CaseHistory
from muster_hq.facts import Fact
from muster_hq.inspection.page import page
from muster_hq.inspection.sampling import Inspection, draw, instances_of
from muster_hq.inspection.timeline import timeline
from muster_hq.verdicts import Obligation, Verdict, evidence_of
from tests.builders import new_facts, obligation_on, verdict_on
from tests.cases.builders import T0, encounter, report

CASES = [f"case-{number}" for number in range(142)]


def met(at: int = 0) -> Fact:
    """Give the fact of an encounter."""
    return new_facts(encounter("E", at))[0].fact


def history(verdicts: Sequence[Verdict] = (), open_: Sequence[Obligation] = (), case_id: str = "c") -> CaseHistory:
    """Give a case with one encounter."""
    return CaseHistory(case_id, [met()], list(verdicts), list(open_))


def kinds(verdicts: Sequence[Verdict], open_: Sequence[Obligation] = ()) -> list[tuple[str, str]]:
    """Give the verdict and the outcome of each instance."""
    return [(one.verdict, one.outcome) for one in instances_of(history(verdicts, open_))]


def test_a_sample_is_drawn_again_by_its_seed_whatever_the_order() -> None:
    """A ledger of another kind may list the cases otherwise."""
    drawn = draw(CASES, 40, 7)
    assert drawn == draw(reversed(CASES), 40, 7)
    assert len(set(drawn)) == 40
    assert set(drawn) < set(CASES)


def test_another_seed_or_another_case_draws_another_sample() -> None:
    """The draw is of the ledger's content, not of how many there are."""
    assert set(draw(CASES, 40, 7)) != set(draw(CASES, 40, 8))
    assert draw([*CASES, *(f"new-{number}" for number in range(142))], 40, 7) != draw(CASES, 40, 7)


def test_a_larger_sample_contains_the_smaller_one() -> None:
    """An inspector who wants ten more draws fifty."""
    assert draw(CASES, 50, 7)[:40] == draw(CASES, 40, 7)


def test_the_draw_is_the_documented_one() -> None:
    """Of 2/a, 2/b and 2/c, sha256sum gives 4c44…, e9a1… and 1cc7…: the lowest is drawn first."""
    assert draw(["a", "b", "c"], 3, 2) == ["c", "a", "b"]


def test_fewer_cases_than_the_sample_are_all_drawn() -> None:
    """As an inspector would."""
    assert sorted(draw(["b", "a"], 40, 1)) == ["a", "b"]


@pytest.mark.parametrize("end", ["LATE", "CLEARED", "VOIDED", "ENDED"])
def test_what_was_missed_is_one_instance_whatever_came_later(end: str) -> None:
    """Lateness erases no miss; the outcome stands beside it."""
    assert kinds([verdict_on(met()), verdict_on(met(), end, at=20)]) == [("MISSED", end)]


def test_what_is_still_missing_is_outstanding() -> None:
    """Also after a report that was withdrawn: the miss counts once."""
    out = [obligation_on(met(), "OUTSTANDING")]
    assert kinds([verdict_on(met())], out) == [("MISSED", "OUTSTANDING")]
    again = [verdict_on(met()), verdict_on(met(), "LATE", at=20), verdict_on(met(), "RETRACTED", at=30)]
    assert kinds(again, out) == [("MISSED", "OUTSTANDING")]


def test_a_report_without_its_encounter_is_an_instance() -> None:
    """It was sent under the wrong file, or the encounter never was."""
    assert kinds([verdict_on(met(), "ORPHANED")]) == [("ORPHANED", "ORPHANED")]


@pytest.mark.parametrize("verdict", ["ON_TIME", "WAIVED", "VOIDED", "ENDED", "UNDETERMINED", "EXCUSED"])
def test_what_was_in_time_or_not_the_offices_fault_is_none(verdict: str) -> None:
    """Nor what headquarters' own outage hid."""
    assert kinds([verdict_on(met(), verdict)]) == []


def test_an_excuse_that_ended_in_a_miss_is_an_instance() -> None:
    """Nothing stays hidden."""
    assert kinds([verdict_on(met(), "UNDETERMINED"), verdict_on(met(), at=60)]) == [("MISSED", "MISSED")]


def test_counts_are_of_files_and_of_instances() -> None:
    """Two instances in one file, none in the other."""
    bad = instances_of(history([verdict_on(met()), verdict_on(met(), occurrence=2, at=11)]))
    inspection = Inspection(9, {"c": bad, "d": []})
    assert (inspection.noncompliant, len(inspection.instances)) == (1, 2)
    assert inspection.by_kind() == [("report", "MISSED", "MISSED", 2)]
    assert inspection.by_office() == [("a", 1, 2)]


def test_the_page_escapes_and_fetches_nothing() -> None:
    """It is one file; what stands in it is text."""
    odd = "<script>&'\""
    found = instances_of(history([verdict_on(met())], [obligation_on(met(), "OUTSTANDING")], odd))
    text = page(Inspection(2, {odd: found, "fine": []}), "2 of 2 cases", "2016-03-01T00:00:00.000Z")
    assert odd not in text
    assert "&lt;script&gt;" in text
    assert "<strong>1 of 2</strong>" in text
    assert "@media print" in text
    assert not [
        word for word in ("http", "<script", "src=", "@import", "url(") if word in text.replace("http-equiv", "")
    ]


def test_a_timeline_is_in_order_of_time() -> None:
    """At one instant: what arrived, what was due, what was judged; what is open stands last."""
    first, second = (new.fact for new in new_facts(encounter("E", 0), report("S", 10, own=4)))
    verdicts = [verdict_on(first, "ON_TIME")._replace(received_at=T0 + 10)]
    rows = timeline(CaseHistory("c", [first, second], verdicts, [obligation_on(first, due=90, occurrence=2)]))
    assert [(row["kind"], row["at"] and parse_instant(row["at"]) - T0) for row in rows] == [
        ("event", 0),
        ("event", 10),
        ("due", 10),
        ("verdict", 10),
        ("due", 90),
        ("open", None),
    ]
    assert parse_instant(rows[1]["own_at"]) == T0 + 4
    assert (rows[1]["stream"], rows[1]["offset"], rows[1]["codes"]["stage"]) == ("field.a.incidents", 0, "INITIAL")
    assert rows[3]["evidence"][0]["event_id"] == rows[0]["event_id"]


def test_what_is_due_names_the_record_that_opened_it() -> None:
    """Not the one that decided it; both of them where they came at the same instant."""
    first, second = (new.fact for new in new_facts(encounter("E", 0), report("S", 10)))
    both = (evidence_of(first), evidence_of(second))
    decided = verdict_on(first, "ON_TIME")._replace(received_at=T0 + 10, evidence=both)
    alike = decided._replace(evidence=(both[1]._replace(stream="field.a.encounters"), both[1]))
    dues = [timeline(history([verdict]))[1] for verdict in (decided, alike)]
    assert [[record["topic"] for record in due["evidence"]] for due in dues] == [
        ["field.a.encounters"],
        ["field.a.encounters", "field.a.incidents"],
    ]


def test_an_obligation_is_due_once_however_often_it_was_judged() -> None:
    """MISSED, LATE: one due time."""
    rows = timeline(history([verdict_on(met()), verdict_on(met(), "LATE", at=20)]))
    assert [row["kind"] for row in rows] == ["event", "due", "verdict", "verdict"]
