"""Every ledger: what is still open or undetermined, earliest due first."""

from __future__ import annotations

from contextlib import closing

import pytest

from muster_hq.ledger_port import Ledger
from muster_hq.verdicts import NEVER
from tests.builders import obligation_on
from tests.cases.builders import T0, encounter
from tests.ports.ledgers import LedgerKind, append, due_at, record
from tests.ports.test_ledger_cases import UUID_CASE


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    """Give a ledger of two offices that owe something in three cases; one report of it is outstanding."""
    ledger.register(["a", "b"])
    facts = append(
        ledger,
        encounter("E1", 0, case="first"),
        encounter("E2", 1, case=UUID_CASE),
        encounter("E3", 2, case=UUID_CASE, office="b", enc="f"),
        encounter("E4", 3, case="last"),
    )
    cases = {case.case_id: case for case in due_at(ledger, 9)}
    first, second, of_b, last = facts
    record(ledger, cases["first"], opened=[obligation_on(first, due=18)])
    undetermined = obligation_on(of_b, "UNDETERMINED", due=10)._replace(next_at=NEVER)
    later = obligation_on(second, "DUE_SOON", due=20, occurrence=2)
    record(ledger, cases[UUID_CASE], opened=[undetermined, later, obligation_on(second, "OUTSTANDING", due=5)])
    record(ledger, cases["last"], opened=[obligation_on(last, due=15)])
    return ledger


def found(
    ledger: Ledger, limit: int = 9, by: int = 99, offices: tuple[str, ...] | None = None
) -> list[tuple[str, int]]:
    """Give what is open by case and due time after T0."""
    return [(case_id, one.due_at - T0) for case_id, one in ledger.still_open(limit, T0 + by, offices)]


ALL = [(UUID_CASE, 10), ("last", 15), ("first", 18), (UUID_CASE, 20)]


def test_it_is_whole_and_in_order_of_due_time(filled: Ledger, kind: LedgerKind) -> None:
    """Also from beside the writer. What is outstanding is not in it."""
    assert found(filled) == ALL
    with closing(kind.open_reader()) as reader, reader.snapshot():
        (_, one), *_, (_, other) = reader.still_open(9)
    assert (one.office_id, one.encounter_id, one.state, one.next_at) == ("b", "f", "UNDETERMINED", NEVER)
    assert (other.state, other.occurrence, other.opening.office) == ("DUE_SOON", 2, "a")


def test_it_ends_with_the_limit(filled: Ledger) -> None:
    """The earliest, however many there are."""
    assert found(filled, limit=3) == ALL[:3]


@pytest.mark.parametrize(("by", "n"), [(9, 0), (10, 1), (14, 1), (15, 2), (19, 3), (20, 4)])
def test_what_is_due_at_that_instant_is_in_it(filled: Ledger, by: int, n: int) -> None:
    """And nothing that is due a millisecond later."""
    assert found(filled, by=by) == ALL[:n]


def test_it_may_be_of_some_offices_alone(filled: Ledger) -> None:
    """Before the limit is applied; a case may be several offices'."""
    assert found(filled, offices=("b",)) == ALL[:1]
    assert found(filled, offices=("a",), limit=2) == ALL[1:3]
    assert found(filled, offices=("a", "b")) == ALL
    assert found(filled, offices=("nobody",)) == []
