"""What several suites share: the real broker, started once a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kafka_broker import KafkaBroker


@pytest.fixture(scope="session")
def one_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """Run one real Kafka for the whole session."""
    yield from _running(KafkaBroker(tmp_path_factory.mktemp("kafka")))


@pytest.fixture
def broker(one_broker: KafkaBroker) -> KafkaBroker:
    """Give the session's Kafka, running and without any topic of an earlier test."""
    if not one_broker.running:
        one_broker.start()
    one_broker.forget_topics()
    return one_broker


@pytest.fixture
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """Run a real Kafka for one test alone, such as one that takes its disk away."""
    yield from _running(KafkaBroker(tmp_path_factory.mktemp("own-kafka")))


def _running(broker: KafkaBroker) -> Iterator[KafkaBroker]:
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
