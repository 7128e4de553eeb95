"""What the publisher does when a broker does not take its records: faults that only a fake has at will."""

from __future__ import annotations

from collections.abc import Sequence

from muster_hq.ledger_port import Outgoing
from muster_hq.publisher import AGAIN_SECONDS, MOST_REFUSED, Publisher
from tests.ports.senders import FakeSender


class Queue:
    """A ledger's outgoing records and nothing else."""

    def __init__(self, *numbers: int) -> None:
        self.rows = {number: Outgoing(number, "hq.verdicts", b"%d" % number) for number in numbers}
        self.forgotten: list[int] = []

    def outgoing(self, after: int, limit: int) -> list[Outgoing]:
        """Give the next records."""
        return [self.rows[number] for number in sorted(self.rows) if number > after][:limit]

    def forget(self, numbers: Sequence[int]) -> None:
        """Forget records."""
        self.forgotten += numbers
        for number in numbers:
            del self.rows[number]


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Give the time in seconds."""
        return self.now


def build(queue: Queue, sender: FakeSender[int], clock: Clock | None = None, in_flight: int = 100) -> Publisher:
    """Build a publisher whose time stands still, unless a test moves it."""
    return Publisher(queue, sender, in_flight=in_flight, clock=clock or Clock())


def test_what_was_refused_rests_and_is_sent_again() -> None:
    """Not a moment before its rest is over, and as often as it takes."""
    queue, sender, clock = Queue(1), FakeSender[int](), Clock()
    sender.refuses.add("hq.verdicts")
    publisher = build(queue, sender, clock)
    publisher.step()
    publisher.step()
    sender.refuses.clear()
    clock.now = AGAIN_SECONDS - 0.001
    assert publisher.step() == 0
    clock.now = AGAIN_SECONDS
    assert publisher.step() == 1
    publisher.step()
    assert (sender.topics, queue.forgotten) == ({"hq.verdicts": [b"1"]}, [1])


def test_a_topic_that_is_missing_keeps_no_other_waiting() -> None:
    """However much is queued for it; and once it is there, it gets all of that."""
    many = 3 * MOST_REFUSED
    queue, sender, clock = Queue(*range(1, many + 3)), FakeSender[int](), Clock()
    for number in range(1, many + 1):
        queue.rows[number] = Outgoing(number, "hq.receipts.gone", b"%d" % number)
    sender.refuses.add("hq.receipts.gone")
    publisher = build(queue, sender, clock, in_flight=MOST_REFUSED)
    for _ in range(20):
        publisher.step()
        clock.now += 1
    assert sender.topics == {"hq.verdicts": [b"%d" % (many + 1), b"%d" % (many + 2)]}
    assert publisher.pending >= MOST_REFUSED
    sender.refuses.clear()
    for _ in range(20):
        publisher.step()
        clock.now += 1
    assert sender.topics["hq.receipts.gone"] == [b"%d" % number for number in range(1, many + 1)]
    assert (publisher.pending, queue.rows) == (0, {})


def test_a_broker_that_is_down_gets_no_more_than_fits_in_flight() -> None:
    """And all of it once it is up."""
    queue, sender = Queue(1, 2, 3, 4, 5), FakeSender[int]()
    publisher = build(queue, sender, in_flight=3)
    sender.down = True
    for _ in range(10):
        publisher.step()
    assert publisher.pending == 3
    sender.down = False
    while publisher.step():
        pass
    assert sender.topics == {"hq.verdicts": [b"1", b"2", b"3", b"4", b"5"]}


def test_a_client_without_room_is_tried_again() -> None:
    """Nothing is left out by its saying no."""
    queue, sender = Queue(1, 2, 3), FakeSender[int](room=1)
    publisher = build(queue, sender)
    while publisher.step():
        pass
    assert sender.topics == {"hq.verdicts": [b"1", b"2", b"3"]}


def test_a_record_that_was_committed_out_of_order_is_not_left_out() -> None:
    """Two workers' transactions end in another order than their numbers were given in."""
    queue, sender = Queue(1, 3), FakeSender[int]()
    publisher = build(queue, sender)
    publisher.step()
    queue.rows[2] = Outgoing(2, "hq.verdicts", b"2")
    for _ in range(5):
        publisher.step()
    assert sender.topics == {"hq.verdicts": [b"1", b"3", b"2"]}
    assert not queue.rows


def test_draining_ends_when_its_time_is_up() -> None:
    """Whatever is left is in the ledger still."""
    queue, sender = Queue(1), FakeSender[int]()
    sender.down = True
    assert Publisher(queue, sender, clock=lambda: sender.waited).drain(1.0) == 1
    assert queue.rows
