"""The producer of what headquarters publishes, on both brokers: a token comes back for what the broker has."""

from __future__ import annotations

import pytest

from muster_contract.errors import MusterError
from muster_hq.kafka import OutputProducer
from tests.kafka_broker import KafkaBroker
from tests.ports.kafka_backends import DAL, Backend, Reading, sasl

TOPIC = DAL


def producer(bootstrap: str, *, expire_after: float = 0, **properties: str) -> OutputProducer[int]:
    """Build a producer; properties of the client have underscores for dots."""
    user = {name.replace("_", "."): value for name, value in properties.items()}
    return OutputProducer(user, bootstrap=bootstrap, expire_after=expire_after)


def test_tokens_come_back_in_order_once_the_broker_has_the_records(backend: Backend) -> None:
    """And each token once."""
    backend.create(TOPIC)
    output = producer(backend.bootstrap)
    assert all(output.send(TOPIC, b"%d" % token, token) for token in range(100))
    assert output.flush(10) == 0
    assert output.acknowledged() == list(range(100))
    assert output.acknowledged() == []
    reading = Reading.of(backend.bootstrap, trust_create_time=not backend.keeps_append_time)
    with reading.reader:
        reading.until(lambda: reading.values(TOPIC) == [b"%d" % token for token in range(100)])


def test_a_topic_that_is_not_there_gives_its_record_back(request: pytest.FixtureRequest, backend: Backend) -> None:
    """It is told, not lost, and others go on."""
    if not backend.keeps_append_time:
        reason = "the mock cluster makes any topic that a producer names"
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    backend.create(TOPIC)
    output = producer(backend.bootstrap, topic_metadata_propagation_max_ms="300")
    output.send("hq.nowhere", b"a", 1)
    output.send(TOPIC, b"b", 2)
    assert output.flush(10) == 0
    assert [(unsent.token, unsent.topic) for unsent in output.unsent()] == [(1, "hq.nowhere")]
    assert output.acknowledged() == [2]


def test_a_record_that_is_too_large_for_any_broker_is_given_back(backend: Backend) -> None:
    """The client refuses it at once, and that is told as every other refusal is."""
    output = producer(backend.bootstrap)
    assert output.send(TOPIC, bytes(2_000_000), 1)
    assert [unsent.reason for unsent in output.unsent()] == ["MSG_SIZE_TOO_LARGE"]


def test_without_a_broker_a_record_waits_unless_it_expires() -> None:
    """A verdict waits for good; a pulse is given back, since the next one says more."""
    waiting, expiring = producer("127.0.0.1:1"), producer("127.0.0.1:1", expire_after=0.2)
    for output in (waiting, expiring):
        output.send(TOPIC, b"a", 1)
    assert expiring.flush(5) == 0
    assert [(unsent.token, unsent.reason) for unsent in expiring.unsent()] == [(1, "_MSG_TIMED_OUT")]
    assert (waiting.flush(0.2), waiting.unsent(), waiting.acknowledged()) == (1, [], [])


def test_a_full_queue_is_said_and_not_waited_for() -> None:
    """The caller's loop keeps turning."""
    output = producer("127.0.0.1:1", queue_buffering_max_messages="2")
    assert [output.send(TOPIC, b"a", token) for token in range(3)] == [True, True, False]


@pytest.mark.kafka
def test_wrong_credentials_raise_at_the_next_poll(broker: KafkaBroker) -> None:
    """Only an operator can help."""
    output: OutputProducer[int] = OutputProducer(sasl("not-the-one"), bootstrap=broker.bootstrap_sasl)
    output.send(TOPIC, b"a", 1)
    with pytest.raises(MusterError, match="--kafka-config"):
        _poll_on(output)


def _poll_on(output: OutputProducer[int]) -> None:
    for _ in range(100):
        output.poll(0.1)
