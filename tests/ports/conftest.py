"""The brokers that each suite of Kafka's edge runs on: the embedded one, and Apache Kafka."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from muster_hq.embedded import EmbeddedBroker
from tests.ports.kafka_backends import Backend, Embedded, Real


@pytest.fixture(scope="session")
def embedded_broker() -> Iterator[EmbeddedBroker]:
    """Run one embedded broker for the session: it takes a second to start."""
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """Give a broker without topics."""
    if request.param == "embedded":
        embedded = Embedded(request.getfixturevalue("embedded_broker"))
        yield embedded
        embedded.forget_topics()
    else:
        yield Real(request.getfixturevalue("broker"))
