"""What several suites share: how properties are tried, and the real broker, started once a session."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from muster_contract.shell.log_filter import OnlyListed
from muster_contract.shell.logging import STRICT
from tests.kafka_broker import KafkaBroker
from tests.postgres import Postgres

# The same examples in every run, so that a red build is somebody's change. New ones are looked for on purpose:
# pytest --hypothesis-profile=hunt tests/unit/test_properties.py
settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.register_profile("hunt", deadline=None, max_examples=5_000)
settings.load_profile("fixed")

# A log call that the closed list does not name raises, here and in the programs that tests start.
os.environ[STRICT] = "1"
structlog.configure(processors=[OnlyListed(b"a key for tests", strict=True), *structlog.get_config()["processors"]])


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """Undo what a command that runs in a test does to the logs of the whole process, such as its level."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


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


@pytest.fixture(scope="session")
def one_postgres() -> Iterator[Postgres]:
    """Run one real PostgreSQL for the whole session."""
    yield from _running_postgres()


@pytest.fixture
def database(one_postgres: Postgres) -> Iterator[str]:
    """Give the URL of an empty database of the session's PostgreSQL."""
    if not one_postgres.running:
        one_postgres.start()
    name = one_postgres.new_database()
    yield one_postgres.url(name)
    one_postgres.drop(name)


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """Run a real PostgreSQL for one test alone, such as one that kills it."""
    yield from _running_postgres()


def _running_postgres() -> Iterator[Postgres]:
    postgres = Postgres()
    try:
        postgres.start()
        yield postgres
    finally:
        postgres.remove()
