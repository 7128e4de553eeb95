"""The publisher, with the fake and with the real producer: all that the ledger queued, at least once, in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from muster_hq.embedded import EmbeddedBroker
from muster_hq.ledger.sqlite import SqliteLedger
from muster_hq.ledger_port import Ledger
from muster_hq.publisher import Publisher
from tests.ports.kafka_backends import Embedded, Real, until
from tests.ports.senders import LARGEST, Broker, Fake, OverKafka

VERDICTS, QUARANTINE = "hq.verdicts", "hq.quarantine"
VALUES = [b"%d" % n for n in range(7)]


@pytest.fixture(params=["fake", "embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """Give a broker with headquarters' output topics."""
    if request.param == "fake":
        yield Fake()
    elif request.param == "embedded":
        with EmbeddedBroker() as embedded:
            yield OverKafka(Embedded(embedded), VERDICTS, QUARANTINE)
    else:
        yield OverKafka(Real(request.getfixturevalue("broker")), VERDICTS, QUARANTINE)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Give an empty ledger."""
    with closing(SqliteLedger(tmp_path / "ledger.db")) as opened:
        yield opened


def queue(ledger: Ledger, *values: bytes, topic: str = VERDICTS) -> None:
    """Queue records, as the transactions of intake and judging do."""
    with ledger.intake() as transaction:
        transaction.publish((topic, value) for value in values)


def queued(ledger: Ledger) -> list[bytes]:
    """Give the values that the ledger has not forgotten."""
    return [record.value for record in ledger.outgoing(0, 1_000)]


def test_all_that_is_queued_is_published_in_its_order_and_forgotten(broker: Broker, ledger: Ledger) -> None:
    """Each on its topic."""
    queue(ledger, *VALUES)
    queue(ledger, b"q", topic=QUARANTINE)
    assert Publisher(ledger, broker.sender()).drain(20) == 0
    assert broker.published(VERDICTS) == VALUES
    assert broker.published(QUARANTINE) == [b"q"]
    assert queued(ledger) == []


def test_what_is_queued_later_is_published_too(broker: Broker, ledger: Ledger) -> None:
    """A publisher goes on for as long as headquarters does."""
    publisher = Publisher(ledger, broker.sender())
    for value in VALUES:
        queue(ledger, value)
        assert publisher.drain(20) == 0
    assert broker.published(VERDICTS) == VALUES


def test_nothing_is_forgotten_before_the_broker_has_it(broker: Broker, ledger: Ledger) -> None:
    """A step sends, and a later one, after the acknowledgement, forgets."""
    queue(ledger, *VALUES)
    publisher = Publisher(ledger, broker.sender())
    assert publisher.step() == publisher.pending == len(VALUES)
    assert queued(ledger) == VALUES
    assert publisher.drain(20) == 0
    assert queued(ledger) == []


def test_a_crash_before_the_forgetting_sends_again(broker: Broker, ledger: Ledger) -> None:
    """The same bytes, with the same ids in them: a reader can tell."""
    queue(ledger, *VALUES)
    sender = broker.sender()
    Publisher(ledger, sender).step()
    acknowledged: list[int] = []
    while len(acknowledged) < len(VALUES):
        sender.poll(0.05)
        acknowledged += sender.acknowledged()
    assert Publisher(ledger, broker.sender()).drain(20) == 0
    assert sorted(filter(None, broker.published(VERDICTS))) == sorted(VALUES * 2)


def test_no_more_than_so_many_are_in_flight(broker: Broker, ledger: Ledger) -> None:
    """What waits beyond them waits in the ledger, not in memory."""
    queue(ledger, *VALUES)
    publisher = Publisher(ledger, broker.sender(), in_flight=2)
    seen = []
    while queued(ledger):
        publisher.step()
        seen.append(publisher.pending)
    assert max(seen) == 2
    assert broker.published(VERDICTS) == VALUES


def test_a_record_that_nobody_takes_is_kept_and_the_others_go_on(broker: Broker, ledger: Ledger) -> None:
    """It is larger than any client sends."""
    poison = bytes(LARGEST + 1)
    queue(ledger, b"a", poison, b"c")
    publisher = Publisher(ledger, broker.sender())
    until(lambda: publisher.drain(1) == 1)  # a new producer may take longer to be given its first answer
    assert broker.published(VERDICTS) == [b"a", b"c"]
    assert queued(ledger) == [poison]
