"""The topics that workers read: events, with pulses on every stream between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from confluent_kafka import KafkaError, Message, Producer

from muster_contract.codec import PULSE
from muster_contract.topics import streams_of
from muster_hq.kafka import Admin
from tests.bench.workload import Event

PULSE_EVERY = 20_000
"""Events between two pulses of every stream: time passes while a backlog is taken in, as it does in life."""


def fill(bootstrap: str, events: Iterable[Event], offices: Sequence[str]) -> int:
    """Write the events, with pulses on every stream between them; give the number of records."""
    Admin({}, bootstrap).create_topics(offices)
    # A broker refuses a batch above the topic's limit whole (max.message.bytes): stay below it.
    producer = Producer(
        {"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 20, "batch.size": 100_000}
    )
    written = 0

    def write(stream: str, value: bytes) -> None:
        nonlocal written
        while True:
            try:
                producer.produce(stream, value, partition=0, on_delivery=_acknowledged)
            except BufferError:
                producer.poll(0.1)
            else:
                written += 1
                return

    def pulse() -> None:
        for stream in streams_of(offices):
            write(stream, PULSE)

    pulse()
    for number, event in enumerate(events, 1):
        write(event.stream, event.value)
        if number % PULSE_EVERY == 0:
            pulse()
    assert producer.flush(60) == 0
    pulse()
    assert producer.flush(60) == 0
    return written


def _acknowledged(error: KafkaError | None, _message: Message) -> None:
    assert error is None, error.str()
