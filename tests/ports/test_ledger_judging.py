"""Every ledger: which cases are due, and what a judging transaction records of them."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from muster_hq.case_files import CaseFile
from muster_hq.ledger_port import Ledger
from muster_hq.verdicts import ALL_OFFICES
from tests.builders import clocks_at, new_facts, obligation_on, verdict_on
from tests.cases.builders import T0, encounter, not_a_match, report
from tests.ports.ledgers import A, B, LedgerKind, append, due_at, record


@pytest.fixture(autouse=True)
def register(ledger: Ledger) -> None:
    """Register both offices, in an order that is not that of their names."""
    ledger.register(["b", "a"])


def case_of(ledger: Ledger, name: str = "E", **where: str) -> CaseFile:
    """Append an encounter of a case of its own, and take the case off the list."""
    append(ledger, encounter(name, 0, case=f"case-{name}", **where))
    (case,) = due_at(ledger, 99)
    return case


def test_a_case_is_due_once_the_clock_has_reached_its_fact(ledger: Ledger) -> None:
    """Facts are complete up to the clock, inclusive; and it is due once."""
    append(ledger, encounter("E", 5))
    assert due_at(ledger, 4) == []
    assert [case.case_id for case in due_at(ledger, 5)] == ["c"]
    assert due_at(ledger, 5) == []


def test_a_fact_that_cannot_concern_judging_makes_nothing_due(ledger: Ledger) -> None:
    """It is there when the case is due for another reason."""
    with ledger.intake() as transaction:
        transaction.append(new_facts(not_a_match("W", 1)), [ALL_OFFICES], defaultdict(bool))
    assert due_at(ledger, 99) == []
    append(ledger, encounter("E", 2))
    (case,) = due_at(ledger, 99)
    assert [fact.shape.type for fact in case.facts] == ["MatchResolved", "EncounterReported"]


def test_a_case_is_due_on_the_clock_of_its_office(ledger: Ledger) -> None:
    """Another office's clock says nothing about it."""
    append(ledger, encounter("E", 5))
    with ledger.judging() as transaction:
        assert transaction.due_cases(clocks_at(T0 + 99, "b") | {"a": T0 + 4}, 9) == []


def test_a_case_may_be_due_on_the_clock_over_all_offices_too(ledger: Ledger) -> None:
    """Once for each, when they do not pass at the same time."""
    append(ledger, encounter("E", 5), clocks=(ALL_OFFICES,))
    with ledger.judging() as transaction:
        assert len(transaction.due_cases({ALL_OFFICES: T0 + 4, "a": T0 + 5}, 9)) == 1
    assert ledger.next_due() == {ALL_OFFICES: T0 + 4}
    assert len(due_at(ledger, 5)) == 1


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_no_case_is_lost_and_none_is_given_twice_at_a_time(ledger: Ledger, limit: int) -> None:
    """Whatever the limit, over three clocks, with facts of equal times and several facts a case."""
    events = [encounter(f"{n}", n // 3, case=f"{n % 7}", office="ab"[n % 2]) for n in range(20)]
    append(ledger, *events, clocks=(ALL_OFFICES,))
    given: Counter[str] = Counter()
    while cases := [case.case_id for case in due_at(ledger, 99, limit)]:
        assert len(set(cases)) == len(cases) <= limit
        given.update(cases)
    assert set(given) == set("0123456")
    assert ledger.next_due() == {}


def test_the_earliest_come_first(ledger: Ledger) -> None:
    """A backlog is worked off from its old end."""
    append(ledger, encounter("E", 7, case="later"), report("S", 3, case="sooner"))
    assert [case.case_id for case in due_at(ledger, 99, limit=1)] == ["sooner"]


def test_a_case_comes_with_its_facts_in_fact_order(ledger: Ledger) -> None:
    """At equal times the streams' names decide, not which of them the ledger saw first."""
    incident = append(ledger, report("S", 5))
    others = append(ledger, encounter("F", 5, office="b"), encounter("E", 5), encounter("G", 4, case="other"))
    case, other = due_at(ledger, 99)
    assert case.facts == sorted([*incident, *(fact for fact in others if fact not in other.facts)])
    assert [fact.stream for fact in case.facts] == [A, "field.a.incidents", B]


def test_a_case_comes_with_what_was_said_of_it(ledger: Ledger) -> None:
    """Verdicts by what makes them the same, obligations by all but their opening."""
    case = case_of(ledger)
    missed, outstanding = verdict_on(case.facts[0]), obligation_on(case.facts[0], "OUTSTANDING")
    record(ledger, case, [missed], opened=[outstanding], due=[("a", 50)])
    (again,) = due_at(ledger, 51)
    assert (again.given, again.obligations) == ({missed[:6]}, {outstanding[:9]})
    assert again.case_id == case.case_id


def test_verdicts_are_read_as_the_audit_writes_them(ledger: Ledger) -> None:
    """Sorted, with their evidence."""
    second, first = case_of(ledger, "2"), case_of(ledger, "1", office="b")
    given = [
        ("case-1", verdict_on(first.facts[0], "MISSED", 10)),
        ("case-1", verdict_on(first.facts[0], "LATE", 12)._replace(received_at=T0 + 12)),
        ("case-2", verdict_on(second.facts[0], "MISSED", 10, occurrence=1)),
        ("case-2", verdict_on(second.facts[0], "MISSED", 5, occurrence=2)),
    ]
    record(ledger, second, [given[3][1], given[2][1]])
    record(ledger, first, [given[1][1], given[0][1]])
    assert list(ledger.verdicts()) == given


def test_tallies_equal_a_recount(ledger: Ledger) -> None:
    """Of verdicts over all time, of obligations as they stand."""
    one, two = case_of(ledger, "1"), case_of(ledger, "2", office="b")
    first, second = obligation_on(one.facts[0]), obligation_on(two.facts[0])
    record(ledger, one, opened=[first])
    record(ledger, two, opened=[second])
    assert ledger.obligation_counts() == {("a", "report", "OPEN"): 1, ("b", "report", "OPEN"): 1}
    outstanding = obligation_on(one.facts[0], "OUTSTANDING")
    record(ledger, one, [verdict_on(one.facts[0])], opened=[outstanding], closed=[first])
    record(ledger, two, [verdict_on(two.facts[0], "ON_TIME"), verdict_on(two.facts[0], "MISSED")], closed=[second])
    assert ledger.obligation_counts() == {("a", "report", "OUTSTANDING"): 1}
    recount = Counter((v.office_id, v.requirement, v.verdict) for _, v in ledger.verdicts())
    assert ledger.verdict_counts() == recount


def test_the_outstanding_list_begins_with_the_oldest(ledger: Ledger) -> None:
    """From an instant on, inclusive; an open obligation is not on it, a resolved one no longer."""
    cases = {due: case_of(ledger, str(due)) for due in (30, 10, 20)}
    listed = {due: obligation_on(case.facts[0], "OUTSTANDING", due) for due, case in cases.items()}
    for due, case in cases.items():
        record(ledger, case, opened=[listed[due], obligation_on(case.facts[0], "OPEN", due, occurrence=2)])
    expected = [(f"case-{due}", listed[due]) for due in (10, 20, 30)]
    assert list(ledger.outstanding()) == expected
    assert list(ledger.outstanding(T0 + 20)) == expected[1:]
    assert list(ledger.outstanding(T0 + 21)) == expected[2:]
    assert ledger.oldest_outstanding() == {"a": T0 + 10}
    record(ledger, cases[10], closed=[listed[10]])
    assert list(ledger.outstanding()) == expected[1:]
    assert ledger.oldest_outstanding() == {"a": T0 + 20}


def test_what_is_due_between_two_instants(ledger: Ledger) -> None:
    """Inclusive; also what waits behind a case's first instant, an excuse's end, and nothing that waits for none."""
    cases = {due: case_of(ledger, str(due)) for due in (10, 20, 30)}
    for due, case in cases.items():
        second = obligation_on(case.facts[0], "UNDETERMINED", due + 5, occurrence=2)
        third = obligation_on(case.facts[0], "OUTSTANDING", 1, occurrence=3)
        record(ledger, case, opened=[obligation_on(case.facts[0], "OPEN", due), second, third], due=[("a", due)])
    append(ledger, encounter("E", 12, case="case-30"))

    def instants(start: int, end: int, limit: int = 99) -> list[int]:
        found = ledger.due_between(T0 + start, T0 + end, limit)
        assert {(office, requirement) for office, requirement, _ in found} <= {("a", "report")}
        return sorted(at - T0 for *_, at in found)

    assert instants(10, 30) == [10, 15, 20, 25, 30]
    assert (instants(11, 14), instants(20, 24), instants(36, 99)) == ([], [20], [])
    assert instants(10, 30, limit=1) == [10, 15]


def test_an_obligation_is_replaced_in_one_go(ledger: Ledger) -> None:
    """What is closed and opened again keeps its key."""
    case = case_of(ledger)
    open_, outstanding = obligation_on(case.facts[0]), obligation_on(case.facts[0], "OUTSTANDING")
    record(ledger, case, opened=[open_])
    record(ledger, case, opened=[outstanding], closed=[open_])
    assert [obligation for _, obligation in ledger.outstanding()] == [outstanding]


def test_a_case_is_due_again_once_an_instant_has_passed(ledger: Ledger) -> None:
    """Passed, not reached: a due time is inclusive."""
    case = case_of(ledger)
    record(ledger, case, due=[("a", 30), (ALL_OFFICES, 40)])
    assert ledger.next_due() == {"a": T0 + 30, ALL_OFFICES: T0 + 40}
    assert due_at(ledger, 30) == []
    assert [again.case_no for again in due_at(ledger, 31)] == [case.case_no]


def test_an_instant_that_no_longer_matters_is_taken_off(ledger: Ledger) -> None:
    """And one that is both taken off and put on is on."""
    case = case_of(ledger)
    record(ledger, case, due=[("a", 30), (ALL_OFFICES, 30)])
    record(ledger, case, due=[(ALL_OFFICES, 30)], stale=[("a", 30), (ALL_OFFICES, 30)])
    assert ledger.next_due() == {ALL_OFFICES: T0 + 30}


def test_a_case_stays_due_when_its_judging_was_undone(ledger: Ledger, kind: LedgerKind) -> None:
    """A crash between taking it off the list and committing its verdicts loses neither."""
    append(ledger, encounter("E", 5))

    def crash() -> None:
        with ledger.judging() as transaction:
            assert transaction.due_cases(clocks_at(T0 + 9, "a"), 9)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crash()
    ledger.close()
    again = kind.open()
    assert [case.case_id for case in due_at(again, 9)] == ["c"]
    again.close()


def test_judging_reads_the_clocks_that_readers_see(ledger: Ledger) -> None:
    """Those of registered offices."""
    with ledger.judging() as transaction:
        assert transaction.clocks() == ledger.clocks() == {"a": -1, "b": -1, ALL_OFFICES: -1}
