"""Whether a log still fits the ledger's position, on both sides of each boundary."""

from __future__ import annotations

import pytest

from muster_hq.kafka.admin import LogState
from muster_hq.kafka.positions import Broken, Unread, broken_log

STREAM = "field.dal.encounters"


def broken(
    position: Unread, *, topic_id: str | None = "T1", partitions: int = 1, start: int = 0, end: int = 10
) -> Broken | None:
    """Compare a position with a log that is sound unless a test says otherwise."""
    return broken_log(STREAM, position, LogState(topic_id, partitions, start, end))


@pytest.mark.parametrize("at", [0, 5, 10])
def test_a_position_from_start_to_end_is_read_on_from(at: int) -> None:
    """At the end is caught up, not broken."""
    assert broken(Unread(at, "T1")) is None


def test_a_start_at_the_position_is_sound_and_one_above_is_not() -> None:
    """The finding counts what is gone."""
    assert broken(Unread(4, "T1"), start=4) is None
    found = broken(Unread(4, "T1"), start=5)
    assert found is not None
    assert (found.stream, found.next_offset) == (STREAM, 4)
    assert found.cause == "the log starts at offset 5, 1 records from 4 on are gone unread"


def test_a_stream_that_was_never_read_must_begin_at_0() -> None:
    """What retention took before we came is gone unread too."""
    assert broken(Unread(), start=0) is None
    assert broken(Unread(), start=1) is not None


def test_an_end_at_the_position_is_sound_and_one_below_is_not() -> None:
    """An end that went back has lost what was applied."""
    assert broken(Unread(10, "T1"), end=10) is None
    assert broken(Unread(10, "T1"), end=9) is not None


@pytest.mark.parametrize(
    ("known", "found", "sound"), [("T1", "T1", True), ("T1", "T2", False), (None, "T2", True), ("T1", None, True)]
)
def test_a_position_belongs_to_one_topic(known: str | None, found: str | None, *, sound: bool) -> None:
    """Where either side has no id (a new stream, an old broker) there is nothing to compare."""
    assert (broken(Unread(3, known), topic_id=found) is None) is sound


@pytest.mark.parametrize(("partitions", "sound"), [(1, True), (2, False)])
def test_a_stream_has_one_partition(partitions: int, *, sound: bool) -> None:
    """Two have no common order."""
    assert (broken(Unread(), partitions=partitions) is None) is sound
