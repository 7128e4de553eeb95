"""Publishing: what the ledger's transactions queued goes to Kafka, and is forgotten once the broker has it.

A record is sent at least once: a crash between the acknowledgement and the forgetting sends it again, and
its id (of the verdict, of the finding; topic and offset of what was quarantined) tells a reader so.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from muster_hq.kafka import Unsent
from muster_hq.ledger_port import Outgoing

IN_FLIGHT = 10_000
"""Records that are sent and not answered, at most: what a crash sends again."""
AGAIN_SECONDS = 2.0
"""How long a record rests that the broker did not take."""
MOST_REFUSED = 1_000
"""Records of one topic that rest, from which on no more of it are taken up until the broker takes one: a receipts topic
that is missing must not keep verdicts from being published."""

_log = structlog.get_logger(__name__)


class Queue(Protocol):
    """What a publisher needs of a Ledger."""

    def outgoing(self, after: int, limit: int) -> list[Outgoing]:
        """Give the next records to publish, whose number is greater than ``after``."""

    def forget(self, numbers: Sequence[int]) -> None:
        """Forget published records."""


class Sender(Protocol):
    """What a publisher needs of an OutputProducer, with the records' numbers for tokens."""

    def send(self, topic: str, value: bytes, token: int) -> bool:
        """Queue a record; False when there is no room now."""

    def poll(self, timeout: float = 0) -> None:
        """Serve acknowledgements for up to ``timeout`` seconds."""

    def acknowledged(self) -> list[int]:
        """Take the tokens of the records that the broker has."""

    def unsent(self) -> list[Unsent[int]]:
        """Take the records that the broker does not have."""


class Publisher:
    """Publishes a ledger's outgoing records. It never waits, so that one thread can do its other work between."""

    def __init__(
        self, queue: Queue, sender: Sender, *, in_flight: int = IN_FLIGHT, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._queue = queue
        self._sender = sender
        self._most = in_flight
        self._clock = clock
        self._sent: dict[int, Outgoing] = {}
        self._again: deque[tuple[float, Outgoing]] = deque()
        self._resting: set[int] = set()  # their numbers
        self._refused: Counter[str] = Counter()  # how many they are, by topic
        self._closed: set[str] = set()  # topics of which no more are taken up
        self._after = 0
        self._told = ""
        self.published = 0

    @property
    def pending(self) -> int:
        """The number of records that were taken up and that the broker does not have yet."""
        return len(self._sent) + len(self._again)

    def step(self) -> int:
        """Forget what the broker has, send what there is room for; give the number of records sent or forgotten."""
        self._sender.poll()
        return self._forget() + self._send_again() + self._send_new()

    def drain(self, seconds: float) -> int:
        """Step until all is published, or the time is up; give the number of records that are pending then."""
        deadline = self._clock() + seconds
        while (self.step() or self.pending) and self._clock() < deadline:
            self._sender.poll(_PAUSE)
        return self.pending

    def _forget(self) -> int:
        acknowledged = self._sender.acknowledged()
        if acknowledged:
            self._queue.forget(acknowledged)
            self.published += len(acknowledged)
            topics = {self._sent.pop(number).topic for number in acknowledged}
            if open_again := self._closed & topics:
                self._closed -= open_again
                self._after = 0  # what was passed over stands before
            self._told = ""
        for number, topic, reason in self._sender.unsent():
            self._again.append((self._clock() + AGAIN_SECONDS, self._sent.pop(number)))
            self._resting.add(number)
            self._refused[topic] += 1
            if self._refused[topic] >= MOST_REFUSED:
                self._closed.add(topic)
            self._tell(topic, reason)
        return len(acknowledged)

    def _send_again(self) -> int:
        sent = 0
        while self._again and self._again[0][0] <= self._clock() and self._send(self._again[0][1]):
            _, record = self._again.popleft()
            self._resting.discard(record.number)
            self._refused[record.topic] -= 1
            sent += 1
        return sent

    def _send_new(self) -> int:
        """Send the next ones. After the last comes the first again: one may have been committed out of order."""
        room = self._most - len(self._sent)
        if room <= 0:
            return 0
        sent = 0
        for record in self._queue.outgoing(self._after, room):
            if not self._is_passed_over(record):
                if not self._send(record):
                    return sent
                sent += 1
            self._after = record.number
        if not sent and not self.pending:
            self._after = 0
        return sent

    def _is_passed_over(self, record: Outgoing) -> bool:
        """Tell whether a record is to be passed over now: it is under way, it rests, or its topic takes none."""
        return record.topic in self._closed or record.number in self._sent or record.number in self._resting

    def _send(self, record: Outgoing) -> bool:
        if not self._sender.send(record.topic, record.value, record.number):
            return False
        self._sent[record.number] = record
        return True

    def _tell(self, topic: str, reason: str) -> None:
        """Say that a topic does not take records, once until it does."""
        if self._told != (told := f"{topic} {reason}"):
            self._told = told
            hint = "headquarters topics --verify; it is sent again until the broker takes it"
            _log.warning("not_published", topic=topic, reason=reason, hint=hint)


_PAUSE: Final = 0.02
