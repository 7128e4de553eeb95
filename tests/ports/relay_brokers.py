"""The brokers that a relay's sender is tried on: the fake, the embedded one and Apache Kafka."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from confluent_kafka import Consumer, KafkaError, TopicPartition

from muster_field.fakes import FakeBroker
from muster_field.kafka import KafkaSender
from muster_field.sender import Parcel, Refusal, Report, Sender, SenderLost
from muster_hq.embedded import EmbeddedBroker
from tests.ports.kafka_backends import Backend, Real

STREAM = "field.dal.encounters"
SMALL, LARGE = b"small", b"large" * 400
LARGEST = 1_000
"""Bytes of a batch that a broker takes which was told to refuse large records."""


class Appended(NamedTuple):
    """A record as it stands on a stream."""

    value: bytes
    headers: list[tuple[str, bytes]]
    timestamp: int | None


class Broker(Protocol):
    """What the suite does to a broker."""

    def connect(self, queue: int = 10_000) -> Sender:
        """Give a sender, whose local queue takes so many records."""

    def refuse_large(self) -> None:
        """Refuse records that are LARGE, for good."""

    def appended(self, count: int) -> list[Appended]:
        """Read the stream, which has so many records."""


class Fake:
    """The fake."""

    def __init__(self) -> None:
        self.broker = FakeBroker()

    def connect(self, queue: int = 10_000) -> Sender:
        """Give a sender."""
        self.broker.queue_size = queue
        return self.broker.connect()

    def refuse_large(self) -> None:
        """Refuse by size."""
        self.broker.refuses = lambda parcel: (
            Refusal("MSG_SIZE_TOO_LARGE", for_good=True) if parcel.value == LARGE else None
        )

    def appended(self, count: int) -> list[Appended]:
        """Look into its log."""
        log = self.broker.log.get(STREAM, [])
        assert len(log) == count
        return [Appended(parcel.value, parcel.headers, parcel.timestamp) for parcel in log]


class OnKafka:
    """What both real brokers have in common: the real client."""

    def __init__(self, backend: Backend) -> None:
        self._bootstrap = backend.bootstrap

    def connect(self, queue: int = 10_000) -> Sender:
        """Give a sender."""
        return KafkaSender(self._bootstrap, {"queue.buffering.max.messages": str(queue)})

    def appended(self, count: int) -> list[Appended]:
        """Read the stream from its beginning."""
        reader = Consumer({"bootstrap.servers": self._bootstrap, "group.id": "reads"})
        reader.assign([TopicPartition(STREAM, 0, 0)])
        messages = reader.consume(count, 10) if count else []
        reader.close()
        assert len(messages) == count
        return [
            Appended(message.value() or b"", message.headers() or [], message.timestamp()[1])  # type: ignore[arg-type]  # ours are bytes
            for message in messages
        ]


class Embedded(OnKafka):
    """The embedded broker: it checks no size, and is told to fail the next produce request instead."""

    def __init__(self, backend: Backend, broker: EmbeddedBroker) -> None:
        super().__init__(backend)
        self._broker = broker
        backend.create(STREAM)

    def refuse_large(self) -> None:
        """Fail the next batch, which the suite makes one with a large record."""
        push = self._broker._library.rd_kafka_mock_push_request_errors_array  # noqa: SLF001 - for tests alone
        codes = (ctypes.c_int * 1)(KafkaError.MSG_SIZE_TOO_LARGE)
        push(ctypes.c_void_p(self._broker._cluster), ctypes.c_int16(0), ctypes.c_size_t(1), codes)  # noqa: SLF001


class Apache(OnKafka):
    """Apache Kafka."""

    def __init__(self, backend: Real) -> None:
        super().__init__(backend)
        self._backend = backend
        backend.create(STREAM)

    def refuse_large(self) -> None:
        """Make the topic anew with a limit."""
        self._backend.delete(STREAM)
        self._backend.create(STREAM, config={"max.message.bytes": str(LARGEST)})


def reports_of(sender: Sender, enough: Callable[[list[Report]], bool], seconds: float = 15) -> list[Report]:
    """Poll until the reports are enough, or the sender is lost."""
    reports: list[Report] = []
    end = time.monotonic() + seconds
    while not enough(reports):
        assert time.monotonic() < end, f"only {reports}"
        try:
            reports += sender.poll(0.1)
        except SenderLost:
            break
    return reports


def parcel(sequence: int, value: bytes = SMALL, timestamp: int | None = None) -> Parcel:
    """Pack a record."""
    return Parcel(STREAM, sequence, value, [("sequence", b"%d" % sequence)], timestamp)
