"""The producers under one suite: the real one on either broker, and the fake that the unit tests use."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from muster_hq.kafka import OutputProducer, Scan, Unsent
from tests.ports.kafka_backends import Backend

Token = TypeVar("Token")

LARGEST = 1_000_000
"""Bytes of a record that the client still takes."""


class FakeSender(Generic[Token]):
    """A producer and its broker in memory: what is sent is appended, and acknowledged at the next poll."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.topics: dict[str, list[bytes]] = {}
        self.refuses: set[str] = set()
        self.room = room
        self.down = False
        self.waited = 0.0
        self.timestamps: set[int] = set()
        self._waiting: list[tuple[Token, str, bytes]] = []
        self._acknowledged: list[Token] = []
        self._unsent: list[Unsent[Token]] = []

    def send(self, topic: str, value: bytes, token: Token, *, timestamp: int = 0) -> bool:
        """Queue a record; False when there is no room now."""
        if len(self._waiting) >= self.room:
            return False
        self.timestamps.add(timestamp)
        if len(value) > LARGEST:
            self._unsent.append(Unsent(token, topic, "MSG_SIZE_TOO_LARGE"))
        else:
            self._waiting.append((token, topic, value))
        return True

    def poll(self, timeout: float = 0) -> None:
        """Have the broker take what waits, unless it is down."""
        self.waited += timeout
        if self.down:
            return
        for token, topic, value in self._waiting:
            if topic in self.refuses:
                self._unsent.append(Unsent(token, topic, "UNKNOWN_TOPIC_OR_PART"))
            else:
                self.topics.setdefault(topic, []).append(value)
                self._acknowledged.append(token)
        self._waiting.clear()

    def acknowledged(self) -> list[Token]:
        """Take the tokens of the records that the broker has."""
        taken, self._acknowledged = self._acknowledged, []
        return taken

    def unsent(self) -> list[Unsent[Token]]:
        """Take the records that the broker does not have."""
        taken, self._unsent = self._unsent, []
        return taken


class Broker(Protocol):
    """Where published records can be seen."""

    def sender(self) -> FakeSender[int] | OutputProducer[int]:
        """Give a new producer."""

    def published(self, topic: str) -> list[bytes | None]:
        """Give all that stands on a topic."""


class Fake:
    """The fake's own topics."""

    def __init__(self) -> None:
        self._sender: FakeSender[int] = FakeSender()

    def sender(self) -> FakeSender[int]:
        """Give the fake, which outlives a publisher as a broker does."""
        return self._sender

    def published(self, topic: str) -> list[bytes | None]:
        """Give all that stands on a topic."""
        return list(self._sender.topics.get(topic, []))


class OverKafka:
    """A broker's topics."""

    def __init__(self, backend: Backend, *topics: str) -> None:
        self._backend = backend
        for topic in topics:
            backend.create(topic)

    def sender(self) -> OutputProducer[int]:
        """Give a new producer."""
        return OutputProducer({}, bootstrap=self._backend.bootstrap)

    def published(self, topic: str) -> list[bytes | None]:
        """Give all that stands on a topic."""
        with Scan({}, bootstrap=self._backend.bootstrap, topics=[topic], trust_create_time=True) as scan:
            return [record.value for record in scan]
