"""Every ledger: what an intake transaction enters, whole or not at all, and what anybody reads of it.

A new kind of ledger is a parameter of ``kind`` in conftest.py. Judging is in test_ledger_judging.py.
"""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

import pytest

from muster_contract.topics import DIRECTIVES, incidents, streams_of
from muster_hq.entries import Counts, FindingRow, Heartbeat, QuarantinedRecord, StreamState
from muster_hq.ledger_port import Ledger, Outrun
from muster_hq.verdicts import ALL_OFFICES, Evidence, Outage
from tests.builders import clocks_at, move, new_facts
from tests.cases.builders import T0, encounter, report
from tests.ports.ledgers import A, B, LedgerKind, always, append, due_at, heard

EPOCH = UUID(int=1)


def finding(at: int, detail: str = "offset 3") -> FindingRow:
    """Build a finding with one record behind it."""
    return FindingRow("WRONG_OFFICE", "a", A, T0 + at, detail, (Evidence(T0 + at, A, 3, None),))


def quarantined(offset: int = 0, stream: str = A, value: bytes | None = b"junk") -> QuarantinedRecord:
    """Build a quarantined record."""
    digest = sha256(b"junk").digest()
    return QuarantinedRecord(stream, offset, T0, "NOT_FRAMED", "no marker", value, 4, digest, EPOCH, 7)


def heartbeat(encounters: int = 0, incidents: int = 0, pending: int = 0, epoch: UUID = EPOCH) -> Heartbeat:
    """Build a heartbeat of office a."""
    return Heartbeat("a", T0, epoch, encounters, incidents, pending)


def test_a_new_ledger_says_nothing(ledger: Ledger) -> None:
    """Before the first record there is no clock to believe."""
    assert ledger.streams() == {}
    assert ledger.clocks() == {ALL_OFFICES: -1}
    assert (list(ledger.verdicts()), ledger.findings(), ledger.outgoing(0, 9), ledger.next_due()) == ([], [], [], {})


def test_a_position_moves_with_its_clock_and_its_counts(ledger: Ledger) -> None:
    """Counts add up; the state is the latest."""
    with ledger.intake() as transaction:
        transaction.move([move(A, 0, 3, counts=Counts(1, 1, 1, 0)), move(B, 0, 1)])
    with ledger.intake() as transaction:
        transaction.move([move(A, 3, 5, counts=Counts(1, 0, 0, 1))._replace(state=StreamState(5, T0, "id", b"\xff"))])
    assert ledger.streams() == {
        A: (StreamState(5, T0, "id", b"\xff"), Counts(2, 1, 1, 1)),
        B: (StreamState(1, T0), Counts(pulse=1)),
    }


@pytest.mark.parametrize("start", [0, 2, 4])
def test_who_starts_from_another_position_is_outrun(ledger: Ledger, start: int) -> None:
    """A zombie's batch moves no row, whether it is behind or ahead."""
    with ledger.intake() as transaction:
        transaction.move([move(A, 0, 3)])
    with pytest.raises(Outrun) as outrun, ledger.intake() as transaction:
        transaction.move([move(A, start, 9)])
    assert outrun.value.stream == A
    assert ledger.streams()[A][0].next_offset == 3


def test_nothing_of_an_outrun_batch_stays(ledger: Ledger) -> None:
    """Neither what came before the move that failed, nor the streams that had not moved."""

    def batch() -> None:
        with ledger.intake() as transaction:
            transaction.append(new_facts(encounter("E", 0)), [ALL_OFFICES], always)
            transaction.note_ids([(DIRECTIVES, b"1" * 16, b"12345678")])
            transaction.note_heard([heard(A, 5)])
            transaction.hear([heartbeat()])
            transaction.quarantine([quarantined()])
            transaction.find([finding(0)])
            transaction.note_gaps([("a", T0, T0 + 9)])
            transaction.count_delays({0.1: 1}, 0.05)
            transaction.count_declined({("a", "US-CA"): 1})
            transaction.publish([("hq.verdicts", b"1")])
            transaction.move([move(B, 0, 1), move(A, 7, 8)])

    with pytest.raises(Outrun):
        batch()
    assert (ledger.streams(), ledger.next_due(), due_at(ledger, 99)) == ({}, {}, [])
    assert (ledger.next_call(), ledger.heartbeats(), ledger.findings(), ledger.finding_counts()) == ({}, {}, [], {})
    assert (list(ledger.quarantined()), ledger.quarantine_counts(), ledger.outgoing(0, 9)) == ([], {}, [])
    assert (ledger.delays(), ledger.declined_counts()) == (({}, 0.0), {})
    with ledger.intake() as intake:
        assert intake.known([(A, new_facts(encounter("E", 0))[0].fact.event_id), (DIRECTIVES, b"1" * 16)]) == {}
    with ledger.judging() as judging:
        assert judging.outages() == {}


def test_a_ledger_goes_on_after_a_batch_was_undone(ledger: Ledger) -> None:
    """The names that the batch brought along are forgotten with it, and learnt again."""

    def batch() -> None:
        with ledger.intake() as transaction:
            transaction.append(new_facts(encounter("E", 0, case="lost", office="b")), [], always)
            transaction.move([move(B, 7, 8)])

    with pytest.raises(Outrun):
        batch()
    append(ledger, encounter("F", 0, case="kept"))
    append(ledger, encounter("E", 1, case="lost", office="b"))
    assert [(case.case_id, case.facts[0].office) for case in due_at(ledger, 99)] == [("kept", "a"), ("lost", "b")]


def test_whatever_stops_a_transaction_undoes_it(ledger: Ledger) -> None:
    """An exception of ours, or Ctrl-C."""

    def stopped() -> None:
        with ledger.intake() as transaction:
            transaction.move([move(A)])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert ledger.streams() == {}


def test_transactions_together_are_committed_as_one(ledger: Ledger, kind: LedgerKind) -> None:
    """Nobody beside sees the first of them before the last is done."""
    ledger.register(["a"])
    reader = kind.open_reader()
    with ledger.together():
        append(ledger, encounter("E", 0))
        assert reader.next_due() == {}
        with ledger.judging() as transaction:
            assert len(transaction.due_cases(clocks_at(T0 + 1, "a"), 9)) == 1
            transaction.publish([("hq.verdicts", b"v")])
    assert (len(ledger.outgoing(0, 9)), reader.next_due()) == (1, {})
    reader.close()


def test_of_transactions_together_one_that_fails_is_undone_alone(ledger: Ledger) -> None:
    """What the one before did stays, and so does what the next does."""

    def outrun() -> None:
        with ledger.intake() as transaction:
            transaction.append(new_facts(encounter("F", 1, case="undone", office="b")), [], always)
            transaction.move([move(B, 7, 8)])

    with ledger.together():
        append(ledger, encounter("E", 0, case="before"))
        with pytest.raises(Outrun):
            outrun()
        append(ledger, encounter("G", 2, case="after", office="b"))
    assert [case.case_id for case in due_at(ledger, 99)] == ["before", "after"]


def test_what_stops_transactions_together_undoes_them_all(ledger: Ledger) -> None:
    """Also those that were done."""

    def stopped() -> None:
        with ledger.together():
            append(ledger, encounter("E", 0))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert due_at(ledger, 99) == []


def test_applied_events_are_known_by_stream_and_id(ledger: Ledger) -> None:
    """With the digest of their bytes; so are events that are no facts of a case."""
    (fact,) = append(ledger, encounter("E", 0))
    with ledger.intake() as transaction:
        transaction.note_ids([(DIRECTIVES, b"1" * 16, b"12345678")])
    with ledger.intake() as transaction:
        asked = [(A, fact.event_id), (DIRECTIVES, b"1" * 16), (B, fact.event_id), (A, b"2" * 16)]
        assert transaction.known(asked) == {(A, fact.event_id): fact.event_id[:8], (DIRECTIVES, b"1" * 16): b"12345678"}


def test_an_intake_clock_is_the_smallest_of_its_streams_less_a_millisecond(ledger: Ledger) -> None:
    """Over all offices, the smallest of theirs."""
    ledger.register(["a", "b"])
    times = dict(zip(streams_of("ab"), [20, 12, 13, 17, 15], strict=True))
    with ledger.intake() as transaction:
        transaction.move([move(stream, at=at) for stream, at in times.items()])
    assert ledger.clocks() == {"a": T0 + 11, "b": T0 + 14, ALL_OFFICES: T0 + 11}


def test_the_stream_of_directives_counts_for_every_office(ledger: Ledger) -> None:
    """It may hold back what none of theirs does."""
    ledger.register(["a"])
    with ledger.intake() as transaction:
        transaction.move([move(stream, at=20) for stream in streams_of("a")[1:]] + [move(DIRECTIVES, at=5)])
    assert ledger.clocks() == {"a": T0 + 4, ALL_OFFICES: T0 + 4}


def test_a_registered_stream_that_was_never_read_holds_back(ledger: Ledger) -> None:
    """Nobody knows what stands on it: its office waits, and so does what any office may report."""
    ledger.register(["a", "b"])
    with ledger.intake() as transaction:
        transaction.move([move(stream, at=20) for stream in streams_of("ab") if stream != incidents("b")])
    assert ledger.clocks() == {"a": T0 + 19, "b": -1, ALL_OFFICES: -1}


def test_a_stream_that_is_not_registered_holds_nothing_back(ledger: Ledger) -> None:
    """Its records are accounted for, and no more; one that leaves the register is freed from then on."""
    ledger.register(["a", "b"])
    with ledger.intake() as transaction:
        transaction.move([move(stream, at=20) for stream in streams_of("a")] + [move("field.c.encounters", at=1)])
    ledger.register(["a"])
    assert ledger.clocks() == {"a": T0 + 19, ALL_OFFICES: T0 + 19}
    assert ledger.streams()["field.c.encounters"][1] == Counts(pulse=1)


def test_stretches_without_records_are_kept_by_office(ledger: Ledger) -> None:
    """Both streams of an office may have the same one: it counts once."""
    with ledger.intake() as transaction:
        transaction.note_gaps([("a", T0, T0 + 9), ("b", T0, T0 + 9), ("a", T0, T0 + 9), ("a", T0 + 20, T0 + 30)])
    with ledger.judging() as transaction_:
        assert transaction_.outages() == {
            "a": [Outage(T0, T0 + 9), Outage(T0 + 20, T0 + 30)],
            "b": [Outage(T0, T0 + 9)],
        }


def test_a_finding_is_there_once(ledger: Ledger) -> None:
    """In order of their instants, with their evidence."""
    with ledger.intake() as transaction:
        transaction.find([finding(5), finding(3)])
    with ledger.intake() as transaction:
        transaction.find([finding(5)._replace(evidence=()), finding(3, "offset 4")])
    assert ledger.findings() == [finding(3), finding(3, "offset 4"), finding(5)]


def test_quarantined_records_are_kept_with_their_bytes(ledger: Ledger) -> None:
    """By stream and offset, whatever came first; without them where a label forbids it."""
    spill = quarantined(2, value=None)._replace(reason="LABEL_ABOVE_CEILING", epoch=None, sequence=None)
    with ledger.intake() as transaction:
        transaction.quarantine([quarantined(1, B), spill, quarantined(1)])
    assert list(ledger.quarantined()) == [quarantined(1), spill, quarantined(1, B)]
    assert ledger.quarantine_counts() == {"NOT_FRAMED": 2, "LABEL_ABOVE_CEILING": 1}


def test_delays_add_up(ledger: Ledger) -> None:
    """By bound; what is above all of them has the bound infinity."""
    for _ in range(2):
        with ledger.intake() as transaction:
            transaction.count_delays({0.1: 2, float("inf"): 1}, 90.5)
    assert ledger.delays() == ({0.1: 4, float("inf"): 2}, 181.0)


def test_declined_transfers_add_up_by_office_and_jurisdiction(ledger: Ledger) -> None:
    """The metrics show the offices only; the ledger knows the jurisdictions."""
    for _ in range(2):
        with ledger.intake() as transaction:
            transaction.count_declined({("a", "US-CA"): 1, ("b", "US-CA"): 2})
    with ledger.intake() as transaction:
        transaction.count_declined({("a", "US-TX"): 1})
        transaction.count_declined({})
    assert ledger.declined_counts() == {("a", "US-CA"): 2, ("a", "US-TX"): 1, ("b", "US-CA"): 4}


def test_outgoing_records_wait_in_order_until_they_are_forgotten(ledger: Ledger) -> None:
    """From a number on, up to a limit; a number is never given again."""
    with ledger.intake() as transaction:
        transaction.publish([("hq.quarantine", b"1"), ("hq.verdicts", b"2")])
    with ledger.judging() as judging:
        judging.publish([("hq.verdicts", b"3")])
    first, second, third = ledger.outgoing(0, 9)
    assert [(o.topic, o.value) for o in (first, second, third)] == [
        ("hq.quarantine", b"1"),
        ("hq.verdicts", b"2"),
        ("hq.verdicts", b"3"),
    ]
    assert ledger.outgoing(first.number, 1) == [second]
    ledger.forget([first.number, third.number])
    assert ledger.outgoing(0, 9) == [second]
    with ledger.intake() as transaction:
        transaction.publish([("hq.verdicts", b"4")])
    assert ledger.outgoing(second.number, 9)[0].number > third.number


def test_a_reader_sees_what_was_committed(ledger: Ledger, kind: LedgerKind) -> None:
    """And nothing of a transaction under way, nor after it was undone."""
    ledger.register(["a", "b"])
    append(ledger, encounter("E", 0))
    reader = kind.open_reader()
    with ledger.intake() as transaction:
        transaction.move([move(A)])
        transaction.append(new_facts(report("S", 1, office="b")), [], always)
        assert (reader.streams()[A][0].next_offset, reader.next_due()) == (0, {"a": T0 - 1})
    assert (reader.streams()[A][0].next_offset, reader.next_due()) == (1, {"a": T0 - 1, "b": T0})
    reader.close()


def test_a_snapshot_holds_still(ledger: Ledger, kind: LedgerKind) -> None:
    """All that is read within is of one instant."""
    reader = kind.open_reader()
    with reader.snapshot():
        assert reader.streams() == {}
        with ledger.intake() as transaction:
            transaction.move([move(A)])
        assert reader.streams() == {}
    assert list(reader.streams()) == [A]
    reader.close()
