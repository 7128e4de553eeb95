"""What several suites share: how properties are tried, and the real broker, started once a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.kafka_broker import KafkaBroker

# The same examples in every run, so that a red build is somebody's change. New ones are looked for on purpose:
# pytest --hypothesis-profile=hunt tests/unit/test_properties.py
settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.register_profile("hunt", deadline=None, max_examples=5_000)
settings.load_profile("fixed")


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
