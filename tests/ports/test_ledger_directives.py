"""Every ledger: directives, and what becomes of the quarantined records that they name."""

from __future__ import annotations

from hashlib import sha256

from muster_contract.topics import DIRECTIVES, incidents
from muster_hq.entries import QuarantinedRecord, Settled
from muster_hq.ledger_port import Ledger
from muster_hq.orders import Order
from muster_hq.verdicts import NEVER, Outage
from tests.builders import move, new_facts, obligation_on
from tests.cases.builders import T0, Event, encounter, report
from tests.ports.ledgers import A, B, append, due_at, record

TARGET = f"{incidents('a')}@3"


def order(offset: int, action: str = "READMIT", target: str = TARGET, at: int = 9, ignored: str | None = None) -> Order:
    """Build a directive; ``at`` is in milliseconds after T0."""
    return Order(T0 + at, offset, bytes([offset] * 16), action, target, "HQ-1", "R-1", None, ignored)


def held(offset: int = 3, at: int = 5, stream: str = incidents("a")) -> QuarantinedRecord:
    """Build a record that waits for a directive."""
    digest = sha256(b"junk").digest()
    return QuarantinedRecord(stream, offset, T0 + at, "UNDECODABLE", "torn", b"junk", 4, digest, None, None)


def quarantine(ledger: Ledger, *records: QuarantinedRecord) -> None:
    """Put records into quarantine, of streams that are known."""
    ledger.register(["a", "b"])
    with ledger.intake() as transaction:
        transaction.quarantine(records)


def give(ledger: Ledger, *orders: Order, clocks: tuple[str, ...] = ()) -> None:
    """Take directives in."""
    with ledger.intake() as transaction:
        transaction.give_orders(orders, clocks)


def settle(ledger: Ledger, one: QuarantinedRecord, by: Order, event: Event | None = None) -> None:
    """End a record's quarantine, with the fact of an event or without one."""
    facts = [(new.case_id, new.fact) for new in new_facts(*([event] if event else []))]
    with ledger.intake() as transaction:
        transaction.settle([Settled(one, by, facts[0] if facts else None)], [])


def test_directives_are_kept_as_they_stand_in_the_log(ledger: Ledger) -> None:
    """Those that are ignored as well."""
    orders = [order(1), order(2, "HOLD", "nothing", ignored="TARGET_MALFORMED"), order(10)]
    give(ledger, *orders[1:])
    give(ledger, orders[0])
    assert list(ledger.directives()) == orders


def test_a_directive_about_a_record_is_found_by_it(ledger: Ledger) -> None:
    """By its stream and offset, unless it is ignored."""
    give(ledger, order(1), order(2, "REJECT"), order(3, target=f"{A}@3"), order(4, ignored="UNTIL_UNFIT"))
    with ledger.intake() as transaction:
        assert sorted(transaction.orders_on([(incidents("a"), 3), (A, 4)])) == [order(1), order(2, "REJECT")]
        assert transaction.orders_on([]) == []


def test_a_record_waits_until_a_directive_ends_its_quarantine(ledger: Ledger) -> None:
    """From then on it says when that was, and by which."""
    quarantine(ledger, held(), held(4), held(0, stream=B))
    with ledger.intake() as transaction:
        assert transaction.waiting([(incidents("a"), 3), (A, 3)]) == {(incidents("a"), 3): held()}
    assert ledger.quarantine_waiting() == {"a": 2, "b": 1}
    settle(ledger, held(), order(7, "REJECT"))
    with ledger.intake() as transaction:
        assert transaction.waiting([(incidents("a"), 3), (incidents("a"), 4)]) == {(incidents("a"), 4): held(4)}
    assert ledger.quarantine_waiting() == {"a": 1, "b": 1}
    assert [(r.offset, r.ended_at, r.ended_by) for r in ledger.quarantined() if r.stream != B] == [
        (3, T0 + 9, 7),
        (4, None, None),
    ]


def test_what_was_not_read_is_an_outage_from_a_millisecond_before(ledger: Ledger) -> None:
    """Each until its directive; of those that wait, the first is enough."""
    quarantine(ledger, held(), held(4, at=7), held(5, at=8), held(0, stream=DIRECTIVES))
    settle(ledger, held(), order(7, "REJECT"))
    with ledger.judging() as transaction:
        found = transaction.unread()
        assert sorted(found["a"]) == [Outage(T0 + 4, T0 + 9, unread=True), Outage(T0 + 6, NEVER, unread=True)]
        assert found.keys() == {"a"}
        assert dict(transaction.outages()) == {}


def test_a_record_that_is_readmitted_is_a_fact_and_its_case_is_due(ledger: Ledger) -> None:
    """When the clock has reached the directive, not before; the directive is then one of the case."""
    late = report("S", 9)
    by = order(7)
    quarantine(ledger, held())
    append(ledger, encounter("E", 0))
    (case,) = due_at(ledger, 5)
    give(ledger, by)
    settle(ledger, held(), by, late)
    assert due_at(ledger, 8) == []
    (case,) = due_at(ledger, 9)
    (_, fact) = case.facts
    assert (fact.received_at, fact.stream, fact.encounter_id) == (T0 + 9, incidents("a"), "e")
    with ledger.judging() as transaction:
        assert dict(transaction.orders([case.case_no])) == {case.case_no: [by]}
        assert dict(transaction.orders([case.case_no + 1])) == {}


def test_the_event_of_a_readmitted_record_can_be_applied_again(ledger: Ledger) -> None:
    """Whether a record is a duplicate is said by its stream alone."""
    fact = new_facts(report("S", 9))[0]
    quarantine(ledger, held(fact.fact.offset))
    settle(ledger, held(fact.fact.offset), order(7), report("S", 9))
    with ledger.intake() as transaction:
        assert transaction.known([(fact.fact.stream, fact.fact.event_id)]) == {}


def test_what_waits_for_a_directive_is_due_with_it(ledger: Ledger) -> None:
    """Every case of the office that has such an obligation, and no other."""
    quarantine(ledger, held())
    waiting, other = append(ledger, encounter("E", 0), encounter("F", 0, case="d"))
    append(ledger, encounter("G", 0, case="x", office="b"))
    numbers = {case.case_id: case for case in due_at(ledger, 5)}
    excused = obligation_on(waiting, "UNDETERMINED")._replace(next_at=NEVER)
    record(ledger, numbers["c"], opened=[excused])
    record(ledger, numbers["d"], opened=[obligation_on(other)])
    settle(ledger, held(), order(7, "REJECT"))
    assert due_at(ledger, 8) == []
    assert [case.case_id for case in due_at(ledger, 9)] == ["c"]
    assert due_at(ledger, 10) == []


def test_what_waits_in_a_case_that_was_moved_is_due_with_any_offices_record(ledger: Ledger) -> None:
    """It may be the record of the office in charge that it waits for."""
    quarantine(ledger, held(0, stream=B))
    waiting, _ = append(ledger, encounter("E", 0), encounter("F", 0, case="d"))
    numbers = {case.case_id: case for case in due_at(ledger, 5)}
    record(ledger, numbers["c"], opened=[obligation_on(waiting, "UNDETERMINED")._replace(next_at=NEVER)])
    give(ledger, order(6, "MOVE_CASE", "move:c/a/b", at=6))
    assert [case.case_id for case in due_at(ledger, 6)] == ["c"]
    settle(ledger, held(0, stream=B), order(7, "REJECT"))
    assert due_at(ledger, 8) == []
    assert [case.case_id for case in due_at(ledger, 9)] == ["c"]


def test_a_move_makes_the_case_due_on_both_offices_clocks(ledger: Ledger) -> None:
    """Whichever of them comes to it first."""
    ledger.register(["a", "b"])
    give(ledger, order(7, "MOVE_CASE", "move:c/a/b", at=9))
    for office in ("a", "b"):
        with ledger.judging() as transaction:
            assert len(transaction.due_cases({office: T0 + 9}, 9)) == 1


def test_a_directive_makes_the_case_that_it_concerns_due(ledger: Ledger) -> None:
    """Known or not, on the clock of the office that it names and on those that are asked for."""
    ledger.register(["a", "b"])
    about = order(7, "HOLD", "encounter:unheard/b/e", at=9)
    give(ledger, about, clocks=("",))
    assert due_at(ledger, 8) == []
    (case,) = due_at(ledger, 9)
    assert (case.case_id, case.facts) == ("unheard", [])
    with ledger.judging() as transaction:
        assert dict(transaction.orders([case.case_no])) == {case.case_no: [about]}


def test_a_ledger_that_knows_positions_only_has_no_directives(ledger: Ledger) -> None:
    """Nothing is made up."""
    with ledger.intake() as transaction:
        transaction.move([move(A)])
    with ledger.judging() as transaction:
        assert (dict(transaction.unread()), dict(transaction.orders([1]))) == ({}, {})
    assert (ledger.quarantine_waiting(), list(ledger.directives())) == ({}, [])


def test_activations_are_told_apart(ledger: Ledger) -> None:
    """As they stand in the log; not those that are ignored."""
    target = f"policy:p@2#{'0' * 64}"
    first = order(3, "ACTIVATE_POLICY", target)
    second = order(12, "ACTIVATE_REGISTER", f"register:2#{'0' * 64}")
    give(ledger, second, order(4), order(5, "ACTIVATE_POLICY", "p@2", ignored="TARGET_MALFORMED"))
    give(ledger, first)
    with ledger.judging() as transaction:
        assert transaction.activations() == [first, second]
