"""The receiver keeps each answer with its position, passes over what it cannot read, and lives through losses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from muster_field.inbox import Inbox
from muster_field.receiver import Receiver, SourceLost
from tests.field.answer_sources import FakeAnswers
from tests.field.test_answers import EPOCH, notice, receipt, verdict


class Scene:
    """A receiver on a topic in memory, at a time of the test's."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox, self.topic, self.time = inbox, FakeAnswers(), 0.0
        self.receiver = Receiver(inbox, "dal", self.topic.connect, clock=lambda: 1234, pace=lambda: self.time)

    def turn(self) -> int:
        """Take one turn, later than any delay."""
        self.time += 100
        return self.receiver.turn(Event())


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Build one on a new inbox."""
    with closing(Inbox(tmp_path / "inbox", "dal")) as inbox:
        yield Scene(inbox)


def test_answers_are_kept_with_their_position(scene: Scene) -> None:
    """And the time at which headquarters was heard."""
    scene.topic.answer(receipt(through_sequence=5), notice("OPENED"))
    assert scene.turn() == 2
    state = scene.inbox.state(EPOCH)
    assert (state.received, state.next_offset, state.answered_at) == ({"incidents": 3}, 2, 1234)
    assert [due.requirement for due in scene.inbox.due()] == ["initial-report"]
    scene.topic.answer(verdict("ON_TIME"))
    assert scene.turn() == 1
    assert scene.inbox.due() == []


class Log(list[tuple[str, dict[str, object]]]):
    """What was logged."""

    def warning(self, event: str, **keys: object) -> None:
        """Keep a line."""
        self.append((event, keys))


def test_an_answer_that_cannot_be_read_is_passed_over_and_told(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps no later one from being read."""
    monkeypatch.setattr("muster_field.receiver._log", log := Log())
    scene.topic.answer(b"junk", receipt())
    scene.turn()
    assert log == [("answer_not_read", {"reason": "NOT_FRAMED", "offset": 0})]
    assert scene.inbox.state(EPOCH).received == {"incidents": 1}


def test_a_lost_source_is_built_anew_at_the_position(scene: Scene) -> None:
    """After a while, and nothing is read twice."""
    scene.topic.answer(receipt(), receipt(sequence=4))
    scene.turn()
    scene.topic.lost = SourceLost("_TRANSPORT")
    assert scene.turn() == 0
    scene.topic.answer(receipt(sequence=5))
    assert scene.receiver.turn(Event()) == 0  # it waits
    assert scene.turn() == 1
    assert scene.topic.opened == [0, 2]
    assert scene.inbox.state(EPOCH).received == {"incidents": 3}


def test_a_topic_that_was_made_anew_is_read_from_its_beginning(scene: Scene) -> None:
    """What the old one said is forgotten."""
    scene.topic.answer(receipt(), receipt(sequence=4))
    scene.turn()
    scene.topic.values = []
    scene.topic.answer(receipt(sequence=9))
    scene.topic.lost = None
    scene.receiver = Receiver(scene.inbox, "dal", scene.topic.connect, clock=lambda: 1, pace=lambda: scene.time)
    assert scene.turn() == 0
    assert scene.turn() == 1
    assert scene.inbox.state(EPOCH).received == {"incidents": 1}


def test_catching_up_ends_at_the_end_of_the_topic(scene: Scene) -> None:
    """Or when it is stopped."""
    scene.topic.answer(*[receipt(sequence=n) for n in range(1, 2_500)])
    assert scene.receiver.catch_up(10, Event())
    assert scene.inbox.state(EPOCH).received == {"incidents": 2_499}
    stopped = Event()
    stopped.set()
    assert not scene.receiver.catch_up(10, stopped)
