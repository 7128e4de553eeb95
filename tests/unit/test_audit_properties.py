"""What holds of every audit, whatever the log."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from muster_hq.audit import audit
from tests.cases.builders import T0, Case
from tests.cases.logs import logs


def rows(case: Case, as_of: int) -> list[dict[str, Any]]:
    """Audit a case with the clock at these milliseconds."""
    return audit(case.records, case.policies, None, T0 + as_of).verdicts


@given(logs(), st.data())
def test_verdicts_at_an_earlier_clock_are_a_subset_of_those_at_a_later_one(case: Case, data: st.DataObject) -> None:
    """Verdicts are only ever appended."""
    end = max(event.at for event in case.events)
    early, late = sorted([data.draw(st.integers(0, end)), data.draw(st.integers(0, end))])
    later = rows(case, late)
    assert [row for row in rows(case, early) if row not in later] == []


@given(logs())
def test_no_verdict_is_given_twice(case: Case) -> None:
    """An obligation, a verdict and an instant are one verdict."""
    names = ("case_id", "office_id", "encounter_id", "requirement", "occurrence", "verdict", "at")
    given_twice = Counter(tuple(row[name] for name in names) for row in rows(case, case.as_of))
    assert set(given_twice.values()) <= {1}


@given(logs(), st.randoms(use_true_random=False))
def test_the_order_in_which_streams_are_read_changes_nothing(case: Case, random: Any) -> None:  # noqa: ANN401 - random.Random
    """Only the order within a stream is part of a log."""
    records = case.records
    streams = [record.stream for record in records]
    random.shuffle(streams)
    by_stream = {name: iter([record for record in records if record.stream == name]) for name in streams}
    shuffled = [next(by_stream[name]) for name in streams]
    found = audit(shuffled, case.policies, None, case.instant)
    assert found.verdicts == rows(case, case.as_of)
    assert found.findings == audit(records, case.policies, None, case.instant).findings
    assert found.counts == audit(records, case.policies, None, case.instant).counts
