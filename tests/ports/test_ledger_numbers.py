"""Every ledger: sequence numbers and heartbeats, and the numbers that never came."""

from __future__ import annotations

from uuid import UUID

from muster_contract.topics import incidents
from muster_hq.entries import Heartbeat, Numbers
from muster_hq.ledger_port import Ledger
from tests.builders import move
from tests.cases.builders import T0
from tests.ports.ledgers import A, B

EPOCH, OTHER_EPOCH = UUID(int=1), UUID(int=2)


def heartbeat(encounters: int = 0, incidents: int = 0, pending: int = 0, epoch: UUID = EPOCH) -> Heartbeat:
    """Build a heartbeat of office a."""
    return Heartbeat("a", T0, epoch, encounters, incidents, pending)


def count(ledger: Ledger, *numbers: Numbers, heard: Heartbeat | None = None) -> dict[str, int]:
    """Count numbers, hear a heartbeat, and give the gaps of offices that have one."""
    with ledger.intake() as transaction:
        transaction.move([move(n.stream, end=0) for n in numbers if n.stream not in ledger.streams()])
        transaction.count_numbers(numbers)
        transaction.hear([heard] if heard else [])
    return {office: gaps for office, gaps in ledger.sequence_gaps().items() if gaps}


def test_a_number_below_the_highest_that_never_came_is_a_gap(ledger: Ledger) -> None:
    """It closes when the number comes after all."""
    assert count(ledger, Numbers(A, EPOCH, 5, 3), Numbers(B, EPOCH, 2, 2)) == {"a": 2}
    assert count(ledger, Numbers(A, EPOCH, 3, 1)) == {"a": 1}
    assert count(ledger, Numbers(A, EPOCH, 4, 1)) == {}


def test_each_epoch_and_stream_has_numbers_of_its_own(ledger: Ledger) -> None:
    """The gaps of an office are those of all of them."""
    assert count(
        ledger, Numbers(A, EPOCH, 3, 2), Numbers(A, OTHER_EPOCH, 2, 1), Numbers(incidents("a"), EPOCH, 4, 1)
    ) == {"a": 5}


def test_a_heartbeat_tells_of_a_tail_that_never_came(ledger: Ledger) -> None:
    """On both streams, and on one of which nothing ever came."""
    assert count(ledger, Numbers(A, EPOCH, 3, 3), heard=heartbeat(encounters=5, incidents=2)) == {"a": 4}


def test_what_still_waits_in_the_outbox_is_no_gap(ledger: Ledger) -> None:
    """Nor is what an earlier epoch had recorded, as far as anybody knows."""
    assert count(ledger, Numbers(A, EPOCH, 3, 3), heard=heartbeat(encounters=5, pending=1)) == {}
    assert count(ledger, heard=heartbeat(encounters=1, epoch=OTHER_EPOCH)) == {"a": 1}


def test_the_latest_heartbeat_counts(ledger: Ledger) -> None:
    """It is kept word by word."""
    count(ledger, heard=heartbeat(encounters=5))
    count(ledger, heard=heartbeat(encounters=3, incidents=1, pending=2))
    assert ledger.heartbeats() == {"a": heartbeat(encounters=3, incidents=1, pending=2)}
