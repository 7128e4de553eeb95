"""What each suite of an edge runs on: the embedded broker and Apache Kafka, and every kind of ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from muster_hq.embedded import EmbeddedBroker
from muster_hq.ledger_port import Ledger
from tests.ports.kafka_backends import Backend, Embedded, Real
from tests.ports.ledgers import LedgerKind, Postgres, Sqlite


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


@pytest.fixture(params=["sqlite", "postgres"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> LedgerKind:
    """Give a ledger of each kind that is not there yet."""
    if request.param == "postgres":
        return Postgres(request.getfixturevalue("database"))
    return Sqlite(tmp_path / "ledger.db")


@pytest.fixture
def ledger(kind: LedgerKind) -> Iterator[Ledger]:
    """Give a new ledger, open for writing."""
    opened = kind.open()
    yield opened
    opened.close()
