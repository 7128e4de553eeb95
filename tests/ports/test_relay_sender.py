"""The Sender port of the relay: one suite, on the fake and on two real brokers."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from muster_field.kafka import KafkaSender
from muster_field.sender import Report, SenderLost
from muster_hq.embedded import EmbeddedBroker
from tests.kafka_broker import KafkaBroker
from tests.ports import kafka_backends
from tests.ports.relay_brokers import LARGE, SMALL, STREAM, Apache, Broker, Embedded, Fake, parcel, reports_of

AT = 1_456_833_600_000


@pytest.fixture(params=["fake", "embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def relay_broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """Give a broker whose stream is empty."""
    if request.param == "fake":
        yield Fake()
    elif request.param == "embedded":
        broker: EmbeddedBroker = request.getfixturevalue("embedded_broker")
        backend = kafka_backends.Embedded(broker)
        yield Embedded(backend, broker)
        backend.forget_topics()
    else:
        yield Apache(kafka_backends.Real(request.getfixturevalue("broker")))


def covered(reports: list[Report]) -> int:
    """Count the records that reports speak for."""
    return sum(report.covers for report in reports)


def acknowledged(reports: list[Report]) -> list[tuple[int, int]]:
    """Give each number that was acknowledged, with its offset."""
    return [
        ((report.sequence or 0) - before, report.offset - before)
        for report in reports
        for before in reversed(range(report.covers))
        if report.refusal is None
    ]


def test_records_are_acknowledged_in_order_with_their_offsets(relay_broker: Broker) -> None:
    """What was sent first is appended and reported first."""
    sender = relay_broker.connect()
    assert all(sender.send(parcel(sequence)) for sequence in (1, 2, 3))
    assert acknowledged(reports_of(sender, lambda reports: covered(reports) == 3)) == [(1, 0), (2, 1), (3, 2)]
    sender.close(1)


def test_a_heartbeat_among_them_breaks_no_count(relay_broker: Broker) -> None:
    """Offsets skip what has no number, and each number still has its own."""
    sender = relay_broker.connect()
    for one in (parcel(1), parcel(2), parcel(9)._replace(sequence=None), parcel(3)):
        sender.send(one)
    reports = reports_of(sender, lambda reports: covered(reports) == 4)
    assert acknowledged([report for report in reports if report.sequence is not None]) == [(1, 0), (2, 1), (3, 3)]
    sender.close(1)


def test_a_record_is_appended_as_it_was_given(relay_broker: Broker) -> None:
    """Value, headers and, where a time is trusted, the time."""
    sender = relay_broker.connect()
    sender.send(parcel(1, b"bytes", AT))
    sender.close(10)
    (record,) = relay_broker.appended(1)
    assert record.value == b"bytes"
    assert record.headers == [("sequence", b"1")]
    assert record.timestamp is not None
    assert record.timestamp >= AT


def test_a_record_refused_for_good_stops_the_sender(relay_broker: Broker) -> None:
    """The refusal is told first, then the loss; nothing overtakes, and another sender goes on."""
    relay_broker.refuse_large()
    sender = relay_broker.connect()
    sender.send(parcel(1, LARGE))
    sender.send(parcel(2))
    (refused, *_) = reports_of(sender, lambda _: False)
    assert (refused.sequence, refused.refusal and refused.refusal.for_good) == (1, True)
    with pytest.raises(SenderLost):
        sender.poll(0)
    assert not sender.send(parcel(3))
    sender.close(0)
    again = relay_broker.connect()
    again.send(parcel(2))
    again.close(10)
    assert [record.value for record in relay_broker.appended(1)] == [SMALL]


def test_a_full_queue_takes_no_more_until_it_is_polled(relay_broker: Broker) -> None:
    """The relay learns that it must wait, and loses nothing."""
    sender = relay_broker.connect(queue=2)
    assert [sender.send(parcel(n)) for n in (1, 2, 3)] == [True, True, False]
    reports_of(sender, lambda reports: covered(reports) == 2)
    assert sender.send(parcel(3))
    sender.close(10)
    assert len(relay_broker.appended(3)) == 3


def test_close_waits_for_what_is_under_way(relay_broker: Broker) -> None:
    """The last reports come with it."""
    sender = relay_broker.connect()
    sender.send(parcel(1))
    assert list(sender.close(10)) == [Report(STREAM, 1, 0)]


def test_a_broker_that_is_not_there_holds_nobody_up() -> None:
    """Nothing is reported, nothing expires, and closing is quick."""
    sender = KafkaSender("127.0.0.1:9", {})
    sender.send(parcel(1))
    begun = time.monotonic()
    assert list(sender.poll(0.2)) == []
    assert [report.refusal and report.refusal.for_good for report in sender.close(0.2)] == [False]
    assert time.monotonic() - begun < 2


@pytest.mark.kafka
def test_a_topic_that_does_not_exist_is_no_fault_of_the_record(broker: KafkaBroker) -> None:
    """It is to be sent again later, not set aside."""
    sender = KafkaSender(broker.bootstrap, {"topic.metadata.propagation.max.ms": "100"})
    sender.send(parcel(1)._replace(stream="field.nowhere.encounters"))
    (report,) = reports_of(sender, lambda reports: len(reports) == 1)
    assert report.refusal is not None
    assert (report.refusal.code, report.refusal.for_good) == ("UNKNOWN_TOPIC_OR_PART", False)
    sender.close(0)
