"""The inbox keeps what headquarters answered with the position it was read up to, and any order comes to the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_contract.errors import ConfigurationError
from muster_field.answers import Answer, Due, DueState, Received, Refused
from muster_field.inbox import Inbox

EPOCH, OTHER = bytes(16), b"\1" * 16


@contextmanager
def an_inbox(path: Path) -> Iterator[Inbox]:
    """Open an inbox of dal."""
    with closing(Inbox(path, "dal")) as inbox:
        yield inbox


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    """Open a new inbox."""
    with an_inbox(tmp_path / "inbox") as opened:
        yield opened


def received(first: int, last: int, refused: str | None = None, kind: str = "encounters") -> Received:
    """Give the answer for these numbers."""
    return Received(kind, EPOCH, first, last, 1000, refused)


def due(requirement: str, at: int, state: DueState | None = DueState.OPEN) -> Due:
    """Give an obligation."""
    return Due("c", "e", requirement, 1, at, "p@1", state)


numbers = st.tuples(st.integers(1, 30), st.integers(0, 6)).map(lambda n: received(n[0], n[0] + n[1]))


@given(st.lists(numbers, max_size=12))
def test_numbers_count_once_in_any_order(answers: list[Answer]) -> None:
    """However they overlap."""
    wanted = {n for answer in answers if isinstance(answer, Received) for n in range(answer.first, answer.last + 1)}
    with closing(Inbox(Path(":memory:"), "dal")) as inbox:
        for place, answer in enumerate(answers):
            inbox.take([answer], place + 1, 0)
        assert inbox.state(EPOCH).received.get("encounters", 0) == len(wanted)


def test_streams_and_epochs_are_told_apart(inbox: Inbox) -> None:
    """A number of another outbox is another number."""
    inbox.take([received(1, 4), received(1, 2, kind="incidents"), received(1, 9)._replace(epoch=OTHER)], 3, 5)
    assert inbox.state(EPOCH).received == {"encounters": 4, "incidents": 2}
    assert inbox.state(OTHER).received == {"encounters": 9}


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_a_number_that_was_refused_is_so_until_it_is_received(inbox: Inbox, order: list[int]) -> None:
    """Whichever answer comes first: one copy that was applied is enough."""
    answers = [received(2, 2, refused="UNDECODABLE"), received(1, 3)]
    inbox.take([answers[0]], 1, 0)
    assert inbox.state(EPOCH).refused == [Refused("encounters", EPOCH, 2, "UNDECODABLE", 1000)]
    inbox.take([answers[place] for place in order], 3, 0)
    assert inbox.state(EPOCH).refused == []


def test_what_is_settled_is_due_no_more(inbox: Inbox) -> None:
    """And what is due stands earliest first."""
    inbox.take([due("b", 20), due("a", 30), due("c", 10)], 3, 0)
    inbox.take([due("c", 10, None), due("b", 20, DueState.MISSED)], 5, 0)
    assert inbox.due() == [due("b", 20, DueState.MISSED), due("a", 30)]


def test_an_encounter_of_the_same_name_may_have_been_moved_here(inbox: Inbox) -> None:
    """What another office owed is kept beside what this one owes, and settled apart."""
    own, moved = due("a", 20), due("a", 30)._replace(moved_from="hou")
    inbox.take([own, moved], 1, 0)
    assert inbox.due() == [own, moved]
    inbox.take([moved._replace(state=None)], 2, 0)
    assert inbox.due() == [own]


def test_answers_twice_do_no_harm(inbox: Inbox) -> None:
    """They are sent at least once."""
    answers: list[Answer] = [due("a", 1), received(1, 3), due("a", 1, None), due("b", 2), received(2, 5)]
    inbox.take(answers, 5, 0)
    once = inbox.due(), inbox.state(EPOCH)
    inbox.take(answers, 5, 0)
    assert (inbox.due(), inbox.state(EPOCH)) == once


def test_the_position_is_kept_with_what_it_is_the_position_of(tmp_path: Path) -> None:
    """Also by whoever opens it next."""
    with an_inbox(tmp_path / "inbox") as inbox:
        assert inbox.position() == 0
        inbox.take([received(1, 1)], 7, 1234)
    with an_inbox(tmp_path / "inbox") as inbox:
        assert (inbox.position(), inbox.state(EPOCH).answered_at) == (7, 1234)
        inbox.restart()
        assert (inbox.position(), inbox.state(EPOCH).received, inbox.due()) == (0, {}, [])


def test_what_cannot_be_kept_moves_no_position(inbox: Inbox) -> None:
    """All of a batch, or nothing."""
    with pytest.raises(TypeError):
        inbox.take([received(1, 1), due("a", 1)._replace(due_at=object())], 2, 0)  # type: ignore[arg-type]  # what no file takes
    assert (inbox.position(), inbox.state(EPOCH).received) == (0, {})


def another_office(path: Path) -> None:
    """Make the inbox of another office."""
    Inbox(path, "hou").close()


def another_file(path: Path) -> None:
    """Write something else there."""
    path.write_bytes(b"not a database" * 100)


def nothing(_: Path) -> None:
    """Leave the place empty."""


@pytest.mark.parametrize(
    ("prepare", "cause"),
    [(another_office, "is the inbox of hou"), (another_file, "cannot be opened"), (nothing, "has not answered yet")],
)
def test_what_is_no_inbox_of_this_office_is_refused(
    tmp_path: Path, prepare: Callable[[Path], None], cause: str
) -> None:
    """With what to do."""
    prepare(tmp_path / "inbox")
    with pytest.raises(ConfigurationError, match=cause):
        Inbox(tmp_path / "inbox", "dal", write=False)
