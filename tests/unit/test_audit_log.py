"""What the auditor makes of a log: every record counted, the form of its rows, and whose offices."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from muster_hq.audit import audit
from muster_hq.audit_facts import Quarantined
from muster_hq.records import Record
from tests.cases.bad_records import ENCOUNTERS, FIT, UNFIT, E, heartbeat, lodged
from tests.cases.builders import (
    T0,
    Case,
    Event,
    confirmed,
    encounter,
    id_of,
    not_a_match,
    pulse,
    raw,
    report,
    retract,
    screening,
)
from tests.cases.policies import REPORT


def read(*events: Event, offices: frozenset[str] | None = None) -> tuple[dict[str, int], list[str]]:
    """Audit these records; give the counts that are not 0, and the reasons of quarantine."""
    case = Case("", REPORT, events)
    found = audit(case.records, case.policies, offices, case.instant)
    assert sum(found.counts.values()) == len(events)
    return {name: n for name, n in found.counts.items() if n}, [q.reason for q in found.quarantined]


def test_every_record_is_counted_once() -> None:
    """Applied, duplicate, pulse and quarantined add up to the records read, those after the clock too."""
    counts, reasons = read(E, E, pulse(1, ENCOUNTERS), raw(b"junk", 2, ENCOUNTERS), confirmed("C", 900))
    assert counts == {"applied": 2, "duplicate": 1, "pulse": 1, "quarantined": 1}
    assert reasons == ["NOT_FRAMED"]


def test_a_quarantined_record_is_named_by_its_place() -> None:
    """Its stream, its offset and the reason: nothing of what it says."""
    case = Case("", REPORT, [E, raw(b"junk", 2, ENCOUNTERS)])
    found = audit(case.records, case.policies, None, case.instant)
    assert found.quarantined == [Quarantined(ENCOUNTERS, 1, "NOT_FRAMED")]


@pytest.mark.parametrize(("event", "reason"), UNFIT)
def test_what_cannot_be_applied_is_quarantined(event: Event, reason: str) -> None:
    """Each kind of fault has the contract's reason, and nothing opens."""
    assert read(event) == ({"quarantined": 1}, [reason])


@pytest.mark.parametrize("event", FIT)
def test_what_just_fits_is_applied(event: Event) -> None:
    """The other side of each boundary."""
    assert read(event) == ({"applied": 1}, [])


def test_a_record_without_a_value_is_quarantined() -> None:
    """A null value is as empty as none."""
    case = Case("", REPORT, [])
    found = audit([Record(ENCOUNTERS, 0, T0, None)], case.policies, None, case.instant)
    assert [q.reason for q in found.quarantined] == ["EMPTY_VALUE"]


def test_the_first_reason_counts() -> None:
    """A wrong stream before an unknown office, that before a wrong one, that before the label, that before the rest."""
    nobody: frozenset[str] = frozenset()
    wrong = {"label": "SECRET", "sequence": -1}
    assert read(report("S", 0, stream=ENCOUNTERS, office="b"), offices=nobody)[1] == ["WRONG_STREAM"]
    assert read(encounter("E", 0, stream=ENCOUNTERS, office="b"), offices=nobody)[1] == ["UNKNOWN_OFFICE"]
    assert read(encounter("E", 0, stream=ENCOUNTERS, office="b", **wrong))[1] == ["WRONG_OFFICE"]
    assert read(encounter("E", 0, **wrong))[1] == ["LABEL_ABOVE_CEILING"]
    assert read(E, encounter("E", 0, sequence=-1))[1] == ["MALFORMED_FIELD"]


def test_a_register_says_whose_streams_count() -> None:
    """On the stream of an office that is not registered, nothing is applied, not even a pulse."""
    events = E, pulse(1, ENCOUNTERS), encounter("F", 2, office="b"), pulse(3, "hq.directives")
    assert read(*events, offices=frozenset("b")) == (
        {"applied": 1, "pulse": 1, "quarantined": 2},
        ["UNKNOWN_OFFICE", "UNKNOWN_OFFICE"],
    )


def test_a_second_copy_is_a_duplicate_wherever_it_stands() -> None:
    """Same event_id, same stream, same bytes."""
    assert read(E, report("S", 1), E, report("S", 9, own=1)) == ({"applied": 2, "duplicate": 2}, [])


def test_other_bytes_under_the_same_event_id_conflict_with_the_applied_ones() -> None:
    """The first that was applied stays; one that was quarantined does not stand in the way."""
    first, other, unfit = E, encounter("E", 0, match="NONE"), encounter("E", 0, label="SECRET")
    assert read(unfit, first, other, first) == (
        {"applied": 1, "duplicate": 1, "quarantined": 2},
        ["LABEL_ABOVE_CEILING", "CONFLICT"],
    )


def test_heartbeats_are_never_duplicates_and_events_of_headquarters_can_be() -> None:
    """A heartbeat has no number; a lodged report is an event like any."""
    beat = raw(heartbeat(), 0, ENCOUNTERS)
    assert read(beat, beat) == ({"applied": 2}, [])
    once, changed = raw(lodged("L"), 0, "hq.directives"), raw(lodged("L", "other"), 0, "hq.directives")
    assert read(once, once, changed) == ({"applied": 1, "duplicate": 1, "quarantined": 1}, ["CONFLICT"])


def test_the_form_of_a_row() -> None:
    """Section 8's keys in its order, times in RFC 3339 with milliseconds, evidence in fact order."""
    case = Case("", REPORT, [encounter("E", 1), pulse(7, "field.a.incidents"), report("S", 5)])
    (row,) = audit(case.records, case.policies, None, case.instant).verdicts
    assert list(row.items()) == [
        ("case_id", "c"),
        ("encounter_id", "e"),
        ("office_id", "a"),
        ("requirement", "report"),
        ("occurrence", 1),
        ("verdict", "ON_TIME"),
        ("at", "2016-03-01T00:00:00.007Z"),
        ("due_at", "2016-03-01T00:00:00.011Z"),
        ("received_at", "2016-03-01T00:00:00.007Z"),
        ("policy", "p@1"),
        ("evidence", [evidence(ENCOUNTERS, 0, 1, "E"), evidence("field.a.incidents", 1, 7, "S")]),
    ]


def evidence(topic: str, offset: int, at: int, name: str) -> dict[str, Any]:
    """Write down a piece of evidence."""
    return {
        "topic": topic,
        "partition": 0,
        "offset": offset,
        "appended_at": f"2016-03-01T00:00:00.{at:03d}Z",
        "event_id": str(UUID(bytes=id_of(name).bytes)),
    }


def test_what_nothing_decided_has_no_received_at() -> None:
    """A miss rests on the encounter alone."""
    case = Case("", REPORT, [E])
    (row,) = audit(case.records, case.policies, None, case.instant).verdicts
    assert row["received_at"] is None
    assert row["evidence"] == [evidence(ENCOUNTERS, 0, 0, "E")]


def test_rows_are_sorted_by_case_office_encounter_requirement_occurrence_at_and_verdict() -> None:
    """Whatever order the log has."""
    case = Case(
        "",
        REPORT,
        [
            encounter("E1", 0, case="d"),
            encounter("E2", 1, enc="f"),
            encounter("E3", 2, office="b", enc="a"),
            encounter("E4", 3),
            report("S1", 4),
            report("S2", 5),
            retract("R", 6, "S1"),
            not_a_match("W", 7, enc="f"),
            confirmed("E5", 8, enc="f"),
            screening("T", 9),
        ],
    )
    rows = audit(case.records, case.policies, None, case.instant).verdicts
    assert [(r["case_id"], r["office_id"], r["encounter_id"], r["occurrence"], r["verdict"]) for r in rows] == [
        ("c", "a", "e", 1, "ON_TIME"),
        ("c", "a", "e", 1, "ON_TIME"),
        ("c", "a", "e", 1, "RETRACTED"),
        ("c", "a", "f", 1, "WAIVED"),
        ("c", "a", "f", 2, "WAIVED"),
        ("c", "b", "a", 1, "MISSED"),
        ("d", "a", "e", 1, "MISSED"),
    ]


def test_the_order_of_streams_in_the_file_does_not_matter() -> None:
    """Facts have one order, however the streams were written one after the other."""
    case = Case("", REPORT, [encounter("E", 0), report("S", 5), not_a_match("W", 5)])
    forwards = audit(case.records, case.policies, None, case.instant)
    by_stream = audit(sorted(case.records, reverse=True, key=lambda r: r.stream), case.policies, None, case.instant)
    assert by_stream.verdicts == forwards.verdicts
