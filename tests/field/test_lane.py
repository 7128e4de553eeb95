"""A lane: how much may be under way, what goes alone, and what may be stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from muster_field.lane import Lane
from muster_field.outbox import Outbox, Progress, Run
from muster_field.outbox_care import ask_again
from muster_field.state import Reason
from tests.field.offices import NOW, Clock, office_at
from tests.schemas.builders import event_of


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    """Open an outbox with six encounters."""
    with office_at(tmp_path) as office:
        office.accept_many([event_of("EncounterReported")] * 6)
    outbox = Outbox.open(tmp_path / "outbox.db")
    yield outbox
    outbox.close()


def lane_of(outbox: Outbox, window: int = 4) -> Lane:
    """Begin at the first number undecided."""
    return Lane(outbox, "encounters", window, Clock())


def taken(lane: Lane) -> list[int]:
    """Take what may go."""
    return [row.sequence for row in lane.take()]


def test_no_more_than_the_window_is_under_way(outbox: Outbox) -> None:
    """What is acknowledged makes room."""
    lane = lane_of(outbox)
    assert (taken(lane), taken(lane)) == ([1, 2, 3, 4], [])
    lane.acknowledge(2, 7, covers=2)
    assert taken(lane) == [5, 6]


def test_what_could_not_be_sent_comes_first_again(outbox: Outbox) -> None:
    """In its order."""
    lane = lane_of(outbox)
    rows = lane.take()
    lane.give_back(rows[1:])
    assert taken(lane) == [2, 3, 4]


def test_a_suspect_goes_alone(outbox: Outbox) -> None:
    """Nothing is under way when it goes, and nothing follows before it is decided."""
    lane = lane_of(outbox)
    taken(lane)
    lane.suspect(2)
    lane.rewind()
    assert (taken(lane), taken(lane)) == ([1], [])
    lane.acknowledge(1, 7)
    assert (taken(lane), taken(lane), lane.was_alone(2)) == ([2], [], True)
    lane.acknowledge(2, 8)
    assert taken(lane) == [3, 4, 5, 6]


def test_only_what_has_nothing_undecided_before_it_is_stored(outbox: Outbox) -> None:
    """A number that was decided ahead waits for those before it."""
    lane = lane_of(outbox)
    taken(lane)
    lane.acknowledge(3, 9)
    lane.set_aside(2, Reason.REFUSED, "INVALID_RECORD")
    assert lane.progress() is None
    lane.acknowledge(1, 7)
    progress = lane.progress()
    assert progress is not None
    assert (progress.sent_through, progress.acknowledged) == (3, [Run(3, 3, 9), Run(1, 1, 7)])
    assert [(one.sequence, one.at) for one in progress.set_aside] == [(2, NOW)]
    assert lane.progress() is None


def test_what_was_decided_ahead_is_not_sent_again(outbox: Outbox) -> None:
    """After a rewind too."""
    lane = lane_of(outbox)
    taken(lane)
    lane.acknowledge(3, 9)
    lane.rewind()
    assert taken(lane) == [1, 2, 4, 5]


def test_what_is_asked_for_again_goes_first_and_once(outbox: Outbox) -> None:
    """It is not taken a second time while it is under way, nor before that is stored."""
    outbox.mark([Progress("encounters", 3, [Run(1, 3, 7)])], NOW)
    ask_again(outbox, "encounters", 2, 2)
    lane = lane_of(outbox)
    assert (taken(lane), taken(lane)) == ([2, 4, 5, 6], [])
    lane.acknowledge(2, 20)
    assert taken(lane) == []
    progress = lane.progress()
    assert progress is not None
    outbox.mark([progress], NOW)
    assert (taken(lane), outbox.asked_again("encounters")) == ([], [])
