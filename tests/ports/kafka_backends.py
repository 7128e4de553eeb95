"""The two brokers under one suite: what a test does to topics, on the embedded one and on Apache Kafka."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from itertools import count
from typing import Protocol

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ConfigSource, NewTopic, ResourceType

from muster_hq.embedded import EmbeddedBroker
from muster_hq.kafka import Batch, StreamReader
from muster_hq.kafka.positions import Unread
from tests.kafka_broker import SASL_USER, KafkaBroker

APPEND_TIME = {"message.timestamp.type": "LogAppendTime"}
QUICK = {"session.timeout.ms": "1200", "heartbeat.interval.ms": "200", "topic.metadata.refresh.interval.ms": "400"}
"""Client properties with which a test sees new topics, and the embedded broker rebalances, in a second."""


DAL, ELP = "field.dal.encounters", "field.elp.incidents"

_groups = (f"group-{number}" for number in count())


def new_group() -> str:
    """Name a consumer group that no other test has."""
    return next(_groups)


class Addressed(Protocol):
    """A broker that clients can connect to."""

    bootstrap: str


class Backend(Addressed, Protocol):
    """What a test may do to a broker's topics."""

    keeps_append_time: bool

    def create(self, topic: str, partitions: int = 1) -> None:
        """Create a topic, of LogAppendTime where the broker has it."""

    def delete(self, topic: str) -> None:
        """Delete a topic."""

    def delete_records(self, topic: str, before: int) -> None:
        """Delete the records below an offset."""


class Embedded:
    """The mock cluster, in this process."""

    keeps_append_time = False

    def __init__(self, broker: EmbeddedBroker) -> None:
        self.bootstrap = broker.bootstrap
        self.create = broker.create_topic
        self.delete = broker.delete_topic
        self.delete_records = broker.delete_records

    def forget_topics(self) -> None:
        """Delete every topic, also those that a client's asking made."""
        for topic in AdminClient({"bootstrap.servers": self.bootstrap}).list_topics(timeout=5).topics:
            self.delete(topic)


class Real:
    """Apache Kafka, through its admin client."""

    keeps_append_time = True

    def __init__(self, broker: KafkaBroker) -> None:
        self.bootstrap = broker.bootstrap
        self._admin = AdminClient({"bootstrap.servers": broker.bootstrap})

    def create(self, topic: str, partitions: int = 1, config: Mapping[str, str] = APPEND_TIME) -> None:
        """Create a topic and wait until the broker's metadata have it, with its own settings.

        A topic is seen a moment before its settings. Those of a deleted one of this name may still be there beside
        them, and then for long: they are let be.
        """
        self._admin.create_topics([NewTopic(topic, partitions, 1, config=dict(config))])[topic].result()
        until(lambda: topic in self._admin.list_topics(timeout=5).topics and self._has_settings(topic, config))

    def _has_settings(self, topic: str, config: Mapping[str, str]) -> bool:
        return config.items() <= self._settings(topic).items()

    def _settings(self, topic: str) -> dict[str, str]:
        (answer,) = self._admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
        own = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
        return {name: entry.value for name, entry in answer.result().items() if entry.source == own}

    def delete(self, topic: str) -> None:
        """Delete a topic and wait until the broker's metadata have forgotten it."""
        self._admin.delete_topics([topic])[topic].result()
        until(lambda: topic not in self._admin.list_topics(timeout=5).topics)

    def delete_records(self, topic: str, before: int) -> None:
        """Delete the records below an offset."""
        (answer,) = self._admin.delete_records([TopicPartition(topic, 0, before)]).values()
        answer.result()


class Positions:
    """A ledger's positions and nothing else: what readers ask for, and what a test moves."""

    def __init__(self) -> None:
        self.at: dict[str, Unread] = {}
        self.asked: list[str] = []

    def __call__(self, streams: Collection[str]) -> Mapping[str, Unread]:
        """Give the positions of these streams."""
        self.asked += streams
        return {stream: self.at[stream] for stream in streams if stream in self.at}

    def apply(self, batch: Batch, reader: StreamReader) -> None:
        """Move each stream past its records, as a commit would."""
        for record in batch.records:
            assert record.offset == self.at.get(record.stream, Unread()).next_offset
            self.at[record.stream] = Unread(record.offset + 1, reader.topic_ids[record.stream])


class Reading:
    """A reader and what it has given so far."""

    def __init__(self, reader: StreamReader, positions: Positions) -> None:
        self.reader, self.positions = reader, positions
        self.batches: list[Batch] = []
        self.max_records = 1000

    @classmethod
    def of(  # noqa: PLR0913 - as StreamReader has them
        cls,
        bootstrap: str,
        positions: Positions | None = None,
        group: str | None = None,
        *,
        trust_create_time: bool = False,
        member: str | None = None,
        user: Mapping[str, str] = {},
    ) -> Reading:
        """Begin to read."""
        positions = positions or Positions()
        reader = StreamReader(
            {**QUICK, **user},
            bootstrap=bootstrap,
            group=group or new_group(),
            positions=positions,
            trust_create_time=trust_create_time,
            member=member,
        )
        return cls(reader, positions)

    def read(self, timeout: float = 0.05) -> Batch:
        """Read once, and apply it."""
        batch = self.reader.read(self.max_records, timeout)
        self.positions.apply(batch, self.reader)
        self.batches.append(batch)
        return batch

    def values(self, stream: str = DAL) -> list[bytes | None]:
        """Give the values read from a stream so far."""
        return [record.value for batch in self.batches for record in batch.records if record.stream == stream]

    def broken(self) -> dict[str, str]:
        """Give the causes of the streams that broke so far; each may be told once."""
        told = [broken for batch in self.batches for broken in batch.broken]
        assert len({broken.stream for broken in told}) == len(told)
        return {broken.stream: broken.cause for broken in told}

    def lost(self) -> set[str]:
        """Give the streams that went to others so far."""
        return set().union(*(batch.lost for batch in self.batches))

    def until(self, holds: Callable[[], bool]) -> None:
        """Read until something holds."""
        until(lambda: holds() or (self.read(), False)[1] or holds())

    def settle(self, seconds: float = 1.0) -> None:
        """Read for a while, so that what must not come has had its chance."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read()


def sasl(password: str) -> dict[str, str]:
    """Give the client properties of headquarters with a password."""
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": SASL_USER,
        "sasl.password": password,
    }


def publish(backend: Addressed, topic: str, *values: bytes, timestamp: int = 0) -> None:
    """Append values to partition 0, each in a batch of its own, and wait for them."""
    producer = Producer({"bootstrap.servers": backend.bootstrap, "linger.ms": 0})
    for value in values:
        producer.produce(topic, value, partition=0, timestamp=timestamp, headers=[("n", value)])
        assert producer.flush(10) == 0


def until(holds: Callable[[], bool], seconds: float = 15) -> None:
    """Wait until something holds; fail when it does not come to."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.02)
