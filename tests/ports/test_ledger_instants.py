"""Every ledger: a case is due past the instants of its obligations, however these follow one another."""

from __future__ import annotations

import pytest

from muster_hq.case_files import CaseFile
from muster_hq.ledger_port import Ledger
from muster_hq.verdicts import ALL_OFFICES
from tests.builders import clocks_at, obligation_on
from tests.cases.builders import T0, encounter
from tests.ports.ledgers import append, due_at, record


@pytest.fixture
def case(ledger: Ledger) -> CaseFile:
    """Take up a case that is judged for the first time."""
    ledger.register(["a", "b"])
    append(ledger, encounter("E", 0))
    (taken,) = due_at(ledger, 1)
    return taken


def test_a_case_is_taken_once_for_the_instant_of_an_obligation(ledger: Ledger, case: CaseFile) -> None:
    """Past it, and no more though nothing comes of it; and again when that was undone."""
    record(ledger, case, opened=[obligation_on(case.facts[0], due=30)], due=[("a", 30)])
    assert (ledger.next_due(), due_at(ledger, 30)) == ({"a": T0 + 30}, [])

    def crash() -> None:
        with ledger.judging() as transaction:
            assert transaction.due_cases(clocks_at(T0 + 31, "a"), 9)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crash()
    (taken,) = due_at(ledger, 31)
    assert taken.obligations == {obligation_on(case.facts[0], due=30)[:9]}
    assert (ledger.next_due(), due_at(ledger, 99)) == ({}, [])


def test_the_clock_of_an_obligation_counts(ledger: Ledger, case: CaseFile) -> None:
    """Here that over all offices, though its own office is further."""
    opened = obligation_on(case.facts[0], due=30)._replace(clock=ALL_OFFICES)
    record(ledger, case, opened=[opened], due=[(ALL_OFFICES, 30)])
    with ledger.judging() as transaction:
        assert transaction.due_cases({"a": T0 + 99, ALL_OFFICES: T0 + 30}, 9) == []
        (taken,) = transaction.due_cases({"a": T0 + 99, ALL_OFFICES: T0 + 31}, 9)
    assert taken.obligations == {opened[:9]}


def test_an_obligation_takes_another_s_place_at_the_same_instant(ledger: Ledger, case: CaseFile) -> None:
    """The list need not change, so judging says nothing of it."""
    before = obligation_on(case.facts[0], due=30)
    record(ledger, case, opened=[before], due=[("a", 30)])
    record(ledger, case, opened=[before._replace(state="UNDETERMINED")], closed=[before])
    assert len(due_at(ledger, 31)) == 1


def test_of_two_obligations_at_the_same_instant_one_is_closed(ledger: Ledger, case: CaseFile) -> None:
    """Also when it is the one that put the instant on the list."""
    first, second = (obligation_on(case.facts[0], due=30, occurrence=number) for number in (1, 2))
    record(ledger, case, opened=[first], due=[("a", 30)])
    record(ledger, case, opened=[second])
    record(ledger, case, closed=[first])
    assert len(due_at(ledger, 31)) == 1


def test_what_was_the_later_instant_is_the_next(ledger: Ledger, case: CaseFile) -> None:
    """Of an obligation that was there before, and of one that was not."""
    sooner, later = obligation_on(case.facts[0], due=20), obligation_on(case.facts[0], due=30, occurrence=2)
    record(ledger, case, opened=[sooner, later], due=[("a", 20)])
    record(ledger, case, closed=[sooner], due=[("a", 30)], stale=[("a", 20)])
    assert ledger.next_due() == {"a": T0 + 30}
    assert len(due_at(ledger, 31)) == 1
    assert due_at(ledger, 99) == []


def test_an_instant_goes_with_its_obligation(ledger: Ledger, case: CaseFile) -> None:
    """And one for which no obligation stands stays until it is taken off."""
    opened = obligation_on(case.facts[0], due=30)
    record(ledger, case, opened=[opened], due=[("a", 30), ("a", 40)])
    record(ledger, case, closed=[opened], stale=[("a", 30)])
    assert ledger.next_due() == {"a": T0 + 40}


def test_a_case_that_was_taken_may_be_tried_again_at_the_same_instant(ledger: Ledger, case: CaseFile) -> None:
    """As when its judgement raises."""
    record(ledger, case, opened=[obligation_on(case.facts[0], due=30)], due=[("a", 30)])
    assert len(due_at(ledger, 31)) == 1
    record(ledger, case, due=[("a", 30)])
    assert len(due_at(ledger, 31)) == 1
    assert due_at(ledger, 31) == []
