"""What an office makes of headquarters' answers: which numbers are there, and what is due."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from muster_contract.codec import Undecodable, encode
from muster_field.answers import Due, DueState, Received, read_answer

EPOCH = UUID(int=7).bytes
UUID_BRANCH = "muster.Uuid"


def receipt(**changes: Any) -> bytes:  # noqa: ANN401 - any field's value
    """Encode a receipt of number 3 on the incidents stream."""
    fields: dict[str, Any] = {
        "event_id": None,
        "office_id": "dal",
        "epoch": (UUID_BRANCH, EPOCH),
        "sequence": 3,
        "outcome": "ACCEPTED",
        "reason": None,
        "at": 1000,
        "topic": "field.dal.incidents",
        "offset": 2,
        "through_sequence": None,
    }
    return encode("Receipt", fields | changes)


def notice(kind: str) -> bytes:
    """Encode a notice."""
    return encode("Notice", OBLIGATION | {"kind": kind})


def verdict(kind: str) -> bytes:
    """Encode a verdict on the same obligation."""
    more = {"verdict_id": bytes(16), "verdict": kind, "at": 2000, "received_at": None, "evidence": []}
    return encode("Verdict", OBLIGATION | more)


FINDING = encode(
    "Finding",
    {
        "finding_id": bytes(16),
        "kind": "CLOCK_AHEAD",
        "office_id": "dal",
        "stream": "s",
        "at": 0,
        "detail": "",
        "evidence": [],
    },
)
OBLIGATION = {
    "office_id": "dal",
    "case_id": "c-1",
    "encounter_id": "e-1",
    "requirement": "initial-report",
    "occurrence": 1,
    "policy": "p@1",
    "due_at": 2000,
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Received("incidents", EPOCH, 3, 3, 1000, None)),
        ({"through_sequence": 9}, Received("incidents", EPOCH, 3, 9, 1000, None)),
        ({"outcome": "DUPLICATE"}, Received("incidents", EPOCH, 3, 3, 1000, None)),
        (
            {"outcome": "QUARANTINED", "reason": "UNDECODABLE"},
            Received("incidents", EPOCH, 3, 3, 1000, "UNDECODABLE"),
        ),
        ({"sequence": None}, None),
        ({"epoch": None}, None),
    ],
)
def test_a_receipt_says_which_numbers_are_there(changes: dict[str, Any], expected: Received | None) -> None:
    """Or why one was not applied; without a number it says nothing of any event."""
    assert read_answer(receipt(**changes), "dal") == expected


@pytest.mark.parametrize(("kind", "state"), [("OPENED", DueState.OPEN), ("REMINDER", DueState.REMINDED)])
def test_a_notice_says_what_is_due(kind: str, state: DueState) -> None:
    """Of which case, and when."""
    assert read_answer(notice(kind), "dal") == Due("c-1", "e-1", "initial-report", 1, 2000, "p@1", state)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("MISSED", DueState.MISSED),
        ("UNDETERMINED", DueState.UNDETERMINED),
        ("RETRACTED", DueState.OPEN),
        *((kind, None) for kind in ("ON_TIME", "LATE", "EXCUSED", "WAIVED", "CLEARED", "VOIDED", "ENDED")),
    ],
)
def test_a_verdict_settles_what_was_due_or_leaves_it_due(kind: str, state: DueState | None) -> None:
    """What was missed stays due until it comes; what was withdrawn is due again."""
    answer = read_answer(verdict(kind), "dal")
    assert isinstance(answer, Due)
    assert answer.state is state


def test_what_is_due_of_a_case_that_was_moved_here_names_the_office_before() -> None:
    """Only headquarters writes this topic, and it says so to the office that is in charge."""
    expected = Due("c-1", "e-1", "initial-report", 1, 2000, "p@1", DueState.OPEN, "dal")
    assert read_answer(notice("OPENED"), "hou") == expected
    assert read_answer(verdict("ON_TIME"), "hou") == expected._replace(state=None)
    assert read_answer(verdict("ORPHANED"), "hou") is None


def test_an_orphan_report_is_nothing_that_is_due() -> None:
    """Its encounter is missing, not a report."""
    assert read_answer(verdict("ORPHANED"), "dal") is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "EMPTY_VALUE"),
        (b"junk", "NOT_FRAMED"),
        (receipt(office_id="hou"), "WRONG_OFFICE"),
        (encode("ClockPulse", {}), "WRONG_STREAM"),
        (FINDING, "WRONG_STREAM"),
    ],
)
def test_what_is_no_answer_is_told_apart(value: bytes | None, reason: str) -> None:
    """By its reason, and without showing what it says."""
    with pytest.raises(Undecodable) as refusal:
        read_answer(value, "dal")
    assert refusal.value.reason == reason
