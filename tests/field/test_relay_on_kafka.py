"""The relay on Apache Kafka: what only a real broker can refuse, and what only a real one can lose by restarting."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Event, Thread

import pytest
from confluent_kafka import Consumer, TopicPartition

from muster_contract.codec import decode
from muster_field.kafka import KafkaSender
from muster_field.outbox import Outbox
from muster_field.relay import Relay, RelayOptions
from muster_field.state import Reason
from muster_field.wiring import new_id
from tests.field.offices import ENCOUNTERS, INCIDENTS, Clock, office_at
from tests.kafka_broker import KafkaBroker
from tests.ports.kafka_backends import Real
from tests.schemas.builders import event_of

pytestmark = pytest.mark.kafka

SMALL = event_of("EncounterReported", case_id="c", encounter_id="e")
LARGE = event_of("EncounterReported", case_id="c" * 64, encounter_id="e" * 64)
LIMIT = 440
"""Bytes of a batch of one: SMALL fits with its headers, LARGE does not."""


def relay_on(folder: Path, broker: KafkaBroker) -> Relay:
    """Put a relay on the outbox in a folder."""
    return Relay(
        Outbox.open(folder / "outbox.db"),
        lambda: KafkaSender(broker.bootstrap, {}),
        clock=Clock(),
        new_id=new_id,
        options=RelayOptions(heartbeat_seconds=None),
    )


def sequences(broker: KafkaBroker, stream: str) -> list[int]:
    """Read the numbers on a stream, in order."""
    reader = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "reads"})
    partition = TopicPartition(stream, 0, 0)
    _, end = reader.get_watermark_offsets(partition, timeout=10)
    reader.assign([partition])
    messages = reader.consume(end, 10)
    reader.close()
    assert len(messages) == end
    return [decode(message.value()).fields["sequence"] for message in messages]


def test_a_record_too_large_for_the_topic_is_set_aside_alone(tmp_path: Path, broker: KafkaBroker) -> None:
    """Kafka refuses the batch that it is in; the relay finds the one to blame, and the rest goes in order."""
    Real(broker).create(ENCOUNTERS, config={"max.message.bytes": str(LIMIT)})
    with office_at(tmp_path) as office:
        office.accept_many([SMALL, SMALL, LARGE, SMALL, SMALL, LARGE])
        assert relay_on(tmp_path, broker).drain(60)
        assert sequences(broker, ENCOUNTERS) == [1, 2, 4, 5]
        asides = [(one.sequence, one.reason, one.detail) for one in office.state().encounters.set_aside]
        assert asides == [(n, Reason.REFUSED, "MSG_SIZE_TOO_LARGE") for n in (3, 6)]


@pytest.mark.long
def test_a_broker_that_is_killed_and_restarted_gets_everything_in_order(
    tmp_path: Path, own_broker: KafkaBroker
) -> None:
    """First arrivals are complete and in order, whatever was acknowledged when it died."""
    for stream in (ENCOUNTERS, INCIDENTS):
        Real(own_broker).create(stream)
    stop = Event()
    with office_at(tmp_path) as office:
        relay = Thread(target=relay_on(tmp_path, own_broker).run, args=(stop,))
        relay.start()
        for number in range(60):
            office.accept_many([SMALL] * 20 + [event_of("IncidentReported")] * 5)
            if number in {20, 40}:
                own_broker.restart(hard=True)
        wait_until_empty(tmp_path)
    stop.set()
    relay.join(10)
    assert list(dict.fromkeys(sequences(own_broker, ENCOUNTERS))) == list(range(1, 1201))
    assert list(dict.fromkeys(sequences(own_broker, INCIDENTS))) == list(range(1, 301))


def wait_until_empty(folder: Path, seconds: float = 60) -> None:
    """Wait until nothing is pending."""
    outbox = Outbox.open(folder / "outbox.db")
    end = time.monotonic() + seconds
    while outbox.state().pending:
        assert time.monotonic() < end, "the relay did not empty the outbox"
        time.sleep(0.05)
    outbox.close()
