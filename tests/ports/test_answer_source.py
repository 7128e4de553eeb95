"""One suite for what gives an office its answers: the real broker, and the fake that stands for it in unit tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Protocol

import pytest
from confluent_kafka import Producer

from muster_contract.topics import receipts
from muster_field.kafka_source import KafkaSource
from muster_field.receiver import Record, Source, SourceLost
from muster_hq.kafka import Admin
from tests.field.answer_sources import FakeAnswers
from tests.kafka_broker import KafkaBroker

PATIENCE = 60.0


class Answers(Protocol):
    """A receipts topic."""

    def answer(self, *values: bytes) -> None:
        """Append answers."""

    def connect(self, offset: int) -> Source:
        """Give a source from an offset on."""


class KafkaAnswers:
    """The topic of one office on the real broker."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._sources: list[KafkaSource] = []
        Admin({}, bootstrap).create_topics(["dal"])

    def answer(self, *values: bytes) -> None:
        """Append answers."""
        producer = Producer({"bootstrap.servers": self._bootstrap})
        for value in values:
            producer.produce(receipts("dal"), value, partition=0)
        assert producer.flush(PATIENCE) == 0

    def connect(self, offset: int) -> Source:
        """Give a source from an offset on."""
        self._sources.append(KafkaSource(self._bootstrap, {}, "dal", offset))
        return self._sources[-1]


@pytest.fixture(params=["fake", pytest.param("kafka", marks=pytest.mark.kafka)])
def answers(request: pytest.FixtureRequest) -> Answers:
    """Give an empty topic of each kind."""
    if request.param == "fake":
        return FakeAnswers()
    broker: KafkaBroker = request.getfixturevalue("broker")
    return KafkaAnswers(broker.bootstrap)


@pytest.fixture
def connect(answers: Answers) -> Iterator[Callable[[int], Source]]:
    """Give what opens a source; each is closed at the end."""
    opened: list[Source] = []

    def build(offset: int) -> Source:
        opened.append(answers.connect(offset))
        return opened[-1]

    yield build
    for source in opened:
        source.close()


def read(source: Source, count: int) -> list[Record]:
    """Read so many records, or what there was when patience ended."""
    found: list[Record] = []
    end = time.monotonic() + PATIENCE
    while len(found) < count and time.monotonic() < end:
        found += source.read(100, 0.2)
    return found


def until_end(source: Source) -> bool:
    """Read until the source says that it is at the end; what comes on the way is dropped."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        source.read(100, 0.2)
        if source.at_end():
            return True
    return False


def test_answers_come_in_order_from_the_offset_on(answers: Answers, connect: Callable[[int], Source]) -> None:
    """Each with its own offset."""
    answers.answer(b"a", b"b", b"c")
    assert read(connect(0), 3) == [Record(0, b"a"), Record(1, b"b"), Record(2, b"c")]
    assert read(connect(2), 1) == [Record(2, b"c")]


def test_what_comes_later_is_read_later(answers: Answers, connect: Callable[[int], Source]) -> None:
    """From the end on a source waits."""
    source = connect(0)
    assert until_end(source)
    answers.answer(b"a")
    assert read(source, 1) == [Record(0, b"a")]


def test_no_more_are_given_than_were_asked_for(answers: Answers, connect: Callable[[int], Source]) -> None:
    """The rest comes with the next read."""
    answers.answer(*(bytes([n]) for n in range(5)))
    source = connect(0)
    found: list[Record] = []
    end = time.monotonic() + PATIENCE
    while len(found) < 5 and time.monotonic() < end:
        batch = source.read(2, 0.2)
        assert len(batch) <= 2
        found += batch
    assert [record.offset for record in found] == [0, 1, 2, 3, 4]


def test_a_position_that_is_none_of_the_topic_s_is_told(answers: Answers, connect: Callable[[int], Source]) -> None:
    """The topic was made anew: whoever reads must begin again."""
    answers.answer(b"a")
    with pytest.raises(SourceLost) as lost:
        until_end(connect(9))
    assert lost.value.gone
