"""What an office is told of its events: accepted (a run of numbers at once), a duplicate, quarantined and why."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_contract.codec import decode
from muster_hq.published import receipt_record
from muster_hq.receipts import Receipt, accepted

EPOCH = UUID(int=7).bytes
STREAM = "field.a.encounters"


def rows(*numbers: int) -> list[tuple[int, int, int, bytes]]:
    """Give accepted events with these numbers, one a millisecond, at offsets from 0."""
    return [(1000 + place, place, number, UUID(int=number).bytes) for place, number in enumerate(numbers)]


def runs(*numbers: int) -> list[tuple[int | None, int | None]]:
    """Give the first and the last number of each receipt."""
    return [(receipt.sequence, receipt.through) for receipt in accepted("a", STREAM, EPOCH, rows(*numbers))]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((), []),
        ((4,), [(4, None)]),
        ((4, 5), [(4, 5)]),
        ((1, 2, 3, 4, 5), [(1, 5)]),
        ((1, 2, 4, 5), [(1, 2), (4, 5)]),
        ((1, 3), [(1, None), (3, None)]),
        ((2, 1), [(2, None), (1, None)]),
        ((1, 1), [(1, None), (1, None)]),
    ],
)
def test_a_run_of_numbers_is_one_receipt(
    numbers: tuple[int, ...], expected: list[tuple[int | None, int | None]]
) -> None:
    """What is missing between them is not acknowledged."""
    assert runs(*numbers) == expected


@given(st.lists(st.integers(1, 12), max_size=12))
def test_receipts_acknowledge_what_was_accepted_and_nothing_else(numbers: list[int]) -> None:
    """Every number as often as it came."""
    acknowledged = [n for first, last in runs(*numbers) if first for n in range(first, (last or first) + 1)]
    assert acknowledged == numbers


def test_a_receipt_of_several_stands_at_the_last_one() -> None:
    """Its time and its place are those of the last, and no single event is named."""
    (receipt,) = accepted("a", STREAM, EPOCH, rows(1, 2, 3))
    assert receipt == Receipt("a", STREAM, "ACCEPTED", 1002, 2, None, EPOCH, 1, 3)


def test_a_receipt_is_a_record_of_the_contract() -> None:
    """With all that it says."""
    (receipt,) = accepted("a", STREAM, EPOCH, rows(3))
    schema, fields = decode(receipt_record(receipt))
    assert schema.name == "Receipt"
    assert fields == {
        "event_id": UUID(int=3).bytes,
        "office_id": "a",
        "epoch": EPOCH,
        "sequence": 3,
        "outcome": "ACCEPTED",
        "reason": None,
        "at": 1000,
        "topic": STREAM,
        "offset": 0,
        "through_sequence": None,
    }
