"""Every ledger: what was heard of offices, their rolls, heartbeats, and findings by kind."""

from __future__ import annotations

from uuid import UUID

import pytest

from muster_contract.topics import DIRECTIVES, incidents
from muster_hq.case_files import RollChange, RollFile
from muster_hq.entries import FindingRow, Heartbeat
from muster_hq.heard import HeardRows, rows_of
from muster_hq.ledger_port import Ledger
from muster_hq.roll import Gap, Roll, Series
from muster_hq.verdicts import Evidence
from tests.builders import clocks_at, move
from tests.cases.builders import T0
from tests.ports.ledgers import A, B, heard

EPOCH = UUID(int=1)
PLACE = Evidence(T0 + 3, A, 7, b"7" * 16)
ROLL = Roll(
    heard=PLACE,
    silent=T0 + 9,
    epoch=EPOCH.bytes,
    series={
        (A, EPOCH.bytes): Series(9, 12, [Gap(3, 7, T0 + 63, PLACE, [(3, 4), (7, 7)], missing=True)], [(2, 2)]),
        (incidents("a"), EPOCH.bytes): Series(2, 2, [Gap(1, 1, T0 + 70, PLACE._replace(event_id=None), [(1, 1)])]),
    },
)


def note(ledger: Ledger, *rows: HeardRows) -> None:
    """Write down what was heard."""
    with ledger.intake() as transaction:
        transaction.note_heard(rows)


def due(ledger: Ledger, at: int, offices: str = "ab") -> list[RollFile]:
    """Take up the rolls that are due when every clock stands at so many milliseconds after T0."""
    with ledger.judging() as transaction:
        return transaction.due_rolls(clocks_at(T0 + at, offices))


def keep(ledger: Ledger, *changes: RollChange) -> None:
    """Keep rolls."""
    with ledger.judging() as transaction:
        transaction.record_rolls(changes)


@pytest.fixture(autouse=True)
def _registered(ledger: Ledger) -> None:
    ledger.register(["a", "b"])


def test_an_office_that_was_heard_is_due_once_its_clock_is_there(ledger: Ledger) -> None:
    """At that very instant; each with what is its own, as it was written down."""
    of_a, of_b = heard(A, 1, at=5), heard(B, 1, at=6)
    note(ledger, of_a, of_b)
    assert ledger.next_call() == {"a": T0 + 4, "b": T0 + 5}
    assert due(ledger, 4) == []
    assert due(ledger, 5) == [RollFile("a", Roll(), [of_a])]
    assert due(ledger, 6) == [RollFile("b", Roll(), [of_b])]
    assert due(ledger, 99) == []


def test_what_was_heard_later_stays_for_the_next_call(ledger: Ledger) -> None:
    """So does what a call puts back."""
    first, second, later = heard(A, 1, at=1), heard(incidents("a"), 1, at=5), heard(A, 2, at=6)
    note(ledger, first, second, later)
    (taken,) = due(ledger, 5)
    assert sorted(taken.heard) == sorted([first, second])
    keep(ledger, RollChange("a", ROLL, None, [second]))
    (taken,) = due(ledger, 9)
    assert sorted(taken.heard) == sorted([second, later])


def test_a_roll_is_kept_word_by_word(ledger: Ledger) -> None:
    """And is due again once the clock is past the instant that it waits for; the pulses help there."""
    keep(ledger, RollChange("a", ROLL, T0 + 70, []))
    assert ledger.rolls() == {"a": ROLL}
    assert ledger.next_due() == ledger.next_call() == {"a": T0 + 70}
    assert due(ledger, 70) == []
    assert due(ledger, 71) == [RollFile("a", ROLL, [])]
    keep(ledger, RollChange("a", Roll(), None, []))
    assert (ledger.rolls(), ledger.next_due()) == ({"a": Roll()}, {})


def test_pulses_do_not_hurry_for_what_was_merely_heard(ledger: Ledger) -> None:
    """Every record of an office would have them; it is read when the clock comes there by itself."""
    note(ledger, heard(A, 1, at=5))
    assert ledger.next_due() == {}


def test_an_office_that_is_not_registered_has_no_clock_and_waits(ledger: Ledger) -> None:
    """Until it is: then its numbers count."""
    with ledger.intake() as transaction:
        transaction.move([move("field.z.encounters")])
    note(ledger, heard("field.z.encounters", 1, at=5))
    assert ledger.next_call() == {}
    ledger.register(["z"])
    assert [file.office_id for file in due(ledger, 9, "z")] == ["z"]


def test_rows_are_packed_and_come_back_as_they_were(ledger: Ledger) -> None:
    """Whatever the numbers."""
    note(ledger, heard(A, 2**62, at=5))
    ((_, _, (rows,)),) = due(ledger, 9)
    assert [row[2] for row in rows_of(rows)] == [2**62]


def test_findings_are_counted_by_kind_once_each(ledger: Ledger) -> None:
    """Whichever transaction appends them."""
    gap = FindingRow("SEQUENCE_GAP", "a", A, T0 + 63, "open: 3-4 of an epoch", (PLACE,))
    closed = gap._replace(at=T0 + 99, detail="closed: 3-4 of an epoch")
    broken = FindingRow("LOG_BROKEN", "", DIRECTIVES, T0, "offset 1", ())
    with ledger.judging() as transaction:
        transaction.find([closed, gap])
    with ledger.intake() as transaction:
        transaction.find([gap, broken])
    assert ledger.findings() == [broken, gap, closed]
    assert ledger.finding_counts() == {"SEQUENCE_GAP": 2, "LOG_BROKEN": 1}


def test_findings_stand_in_order_of_at_kind_stream_and_detail(ledger: Ledger) -> None:
    """However they came in; stream names count, not their numbers."""
    one = FindingRow("CLOCK_AHEAD", "a", A, T0, "offset 1", ())
    rows = [one, one._replace(stream=B, office_id="b"), one._replace(kind="WRONG_OFFICE"), one._replace(at=T0 + 1)]
    with ledger.intake() as transaction:
        transaction.find(list(reversed(rows)))
    assert ledger.findings() == rows


def test_the_latest_heartbeat_counts(ledger: Ledger) -> None:
    """It is kept word by word."""
    first = Heartbeat("a", T0, EPOCH, 5, 0, 0)
    with ledger.intake() as transaction:
        transaction.hear([first])
        transaction.hear([first._replace(last_encounter_sequence=3, pending=2)])
    assert ledger.heartbeats() == {"a": Heartbeat("a", T0, EPOCH, 3, 0, 2)}
