"""Every ledger: what reports name and what is lodged, in either order; on PostgreSQL also two at once."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

import pytest

from muster_hq.entries import FiledReport
from muster_hq.facts import Fact
from muster_hq.ledger.postgres import PostgresLedger
from muster_hq.ledger_port import Ledger
from muster_hq.lodgings import Claim, Lodging
from tests.builders import new_facts
from tests.cases.builders import T0, report
from tests.ports.ledgers import always, due_at

HERE, THERE = bytes(32), bytes([1] * 32)


def lodging(at: int, offset: int = 0, digest: bytes = HERE, reference: str = "r") -> Lodging:
    """Lodge a report at so many milliseconds after T0."""
    return Lodging(T0 + at, offset, bytes([offset] * 16), reference, digest)


def file(ledger: Ledger, at: int, name: str = "I", case: str = "c") -> Fact:
    """Take in a report that names r."""
    (new,) = new_facts(report(name, at, case=case))
    with ledger.intake() as transaction:
        transaction.meet(alone=False)
        transaction.append([new], (), always)
        transaction.file([FiledReport(new.case_id, new.fact, "r", HERE)], ())
    return new.fact


def take_in(ledger: Ledger, at: int) -> None:
    """Take in a report, and want nothing of it."""
    file(ledger, at)


def lodge(ledger: Ledger, *lodgings: Lodging) -> None:
    """Take lodgings in."""
    with ledger.intake() as transaction:
        transaction.meet(alone=True)
        transaction.lodge(lodgings, ())


def claims(ledger: Ledger, at: int) -> list[Claim]:
    """Take up the cases that are due then, and give what their reports claim."""
    numbers = [case.case_no for case in due_at(ledger, at)]
    with ledger.judging() as transaction:
        found = transaction.claims(numbers) if numbers else {}
    return sorted(claim for of_case in found.values() for claim in of_case)


def test_a_case_is_due_when_its_report_is_lodged(ledger: Ledger) -> None:
    """And was, when it came."""
    fact = file(ledger, 1)
    assert claims(ledger, 9) == []
    lodge(ledger, lodging(5), lodging(6, 1, reference="q"))
    assert claims(ledger, 4) == []
    assert claims(ledger, 5) == [Claim(fact.stream, fact.offset, True, lodging(5))]  # noqa: FBT003 - it matches
    assert due_at(ledger, 99) == []


def test_a_case_whose_report_is_read_later_is_due_again_at_the_lodging(ledger: Ledger) -> None:
    """Though the lodging was read first: it stands later in time."""
    lodge(ledger, lodging(5))
    file(ledger, 1)
    assert [len(due_at(ledger, at)) for at in (1, 4, 5, 99)] == [1, 0, 1, 0]


def test_the_first_of_each_digest_counts(ledger: Ledger) -> None:
    """Another digest is no match."""
    fact = file(ledger, 1)
    lodge(ledger, lodging(5), lodging(6, 1, THERE))
    lodge(ledger, lodging(7, 2), lodging(8, 3, THERE))
    place = fact.stream, fact.offset
    assert claims(ledger, 99) == [Claim(*place, False, lodging(6, 1, THERE)), Claim(*place, True, lodging(5))]  # noqa: FBT003 - as above
    assert due_at(ledger, 99) == []


@pytest.mark.parametrize("first", ["report", "lodging"])
def test_of_two_transactions_at_once_the_second_finds_what_the_first_took_in(database: str, first: str) -> None:
    """Neither could see the other: so one waits."""
    with (
        closing(PostgresLedger(database)) as one,
        closing(PostgresLedger(database)) as other,
        ThreadPoolExecutor() as pool,
    ):
        waiting: Future[None]
        (new,) = new_facts(report("I", 1))
        with one.intake() as transaction:
            transaction.meet(alone=first == "lodging")
            if first == "report":
                waiting = pool.submit(lodge, other, lodging(5))
                transaction.append([new], (), always)
                transaction.file([FiledReport(new.case_id, new.fact, "r", HERE)], ())
            else:
                waiting = pool.submit(take_in, other, 1)
                transaction.lodge([lodging(5)], ())
            assert not waiting.done()
        waiting.result(timeout=60)
        assert len(claims(one, 1)) == 1
        assert len(claims(other, 5)) == 1
