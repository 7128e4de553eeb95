"""The reader, on the embedded broker and on Apache Kafka: it reads on from the ledger, faithfully or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from confluent_kafka import Consumer, TopicPartition

from muster_contract.errors import ConfigurationError
from muster_hq.kafka.positions import Unread
from tests.ports.kafka_backends import DAL, ELP, Backend, Positions, Reading, Real, new_group, publish, until

NewReader = Callable[..., Reading]


@pytest.fixture
def backend(backend: Backend) -> Backend:
    """Give a broker with hq.directives and two streams."""
    for topic in ("hq.directives", DAL, ELP):
        backend.create(topic)
    return backend


@pytest.fixture
def new_reader(backend: Backend) -> Iterator[NewReader]:
    """Give a builder of readers, which are closed at the end."""
    with ExitStack() as stack:

        def build(positions: Positions | None = None, group: str | None = None, **properties: str) -> Reading:
            user = {name.replace("_", "."): value for name, value in properties.items()}
            trust = not backend.keeps_append_time
            reading = Reading.of(backend.bootstrap, positions, group, trust_create_time=trust, user=user)
            stack.enter_context(reading.reader)
            return reading

        yield build


def test_a_stream_is_read_in_order_with_all_that_intake_needs(backend: Backend, new_reader: NewReader) -> None:
    """Values, offsets and headers come as they were appended, from the beginning."""
    publish(backend, DAL, b"a", b"b", b"c")
    reading = new_reader()
    reading.until(lambda: len(reading.values()) == 3)
    records = [record for batch in reading.batches for record in batch.records]
    assert [(r.stream, r.offset, r.value, r.headers()) for r in records] == [
        (DAL, offset, value, [("n", value)]) for offset, value in enumerate([b"a", b"b", b"c"])
    ]


def test_an_empty_value_is_a_record_too(backend: Backend, new_reader: NewReader) -> None:
    """Nothing vanishes: quarantine needs the zero-length ones."""
    publish(backend, DAL, b"", b"b")
    reading = new_reader()
    reading.until(lambda: reading.values() == [b"", b"b"])


def test_the_append_time_is_the_brokers(
    request: pytest.FixtureRequest, backend: Backend, new_reader: NewReader
) -> None:
    """What the producer says of the time counts for nothing."""
    if not backend.keeps_append_time:
        reason = "the mock cluster has no LogAppendTime: it keeps the producer's times"
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    publish(backend, DAL, b"a", timestamp=1_456_833_600_000)
    reading = new_reader()
    reading.until(lambda: bool(reading.values()))
    (record,) = reading.batches[-1].records
    assert record.appended_at > 1_700_000_000_000


def test_the_ledgers_position_counts_and_not_the_groups(backend: Backend, new_reader: NewReader) -> None:
    """Offsets committed to Kafka are a hint for lag tools: reading goes on where the ledger stands."""
    publish(backend, DAL, b"a", b"b", b"c", b"d")
    first = new_reader(group="hint")
    first.until(lambda: len(first.values()) == 4)
    first.reader.commit_hint({DAL: 4})
    until(lambda: _hint(backend, "hint") == 4)
    first.reader.close()
    positions = Positions()
    positions.at[DAL] = Unread(2, first.positions.at[DAL].topic_id)
    second = new_reader(positions, group="hint")
    second.until(lambda: second.values() == [b"c", b"d"])


def test_a_stream_of_an_office_that_nobody_registered_is_read(backend: Backend, new_reader: NewReader) -> None:
    """Topics are found by their name, also those that appear while we read: intake quarantines what is on them."""
    reading = new_reader()
    reading.until(lambda: DAL in reading.reader.topic_ids)
    backend.create("field.rogue.incidents")
    publish(backend, "field.rogue.incidents", b"r")
    reading.until(lambda: reading.values("field.rogue.incidents") == [b"r"])


def test_a_topic_whose_name_no_office_can_have_is_not_read(backend: Backend, new_reader: NewReader) -> None:
    """An id must not end in a hyphen, so this is nobody's stream."""
    backend.create("field.dal-.incidents")
    publish(backend, "field.dal-.incidents", b"x")
    publish(backend, DAL, b"a")
    reading = new_reader()
    reading.until(lambda: bool(reading.values()))
    reading.settle(0.5)
    assert reading.values("field.dal-.incidents") == []


def test_create_time_is_refused_by_name(backend: Backend) -> None:
    """A producer's clock proves no arrival: the refusal names the topic and what to do."""
    if isinstance(backend, Real):
        backend.create("field.old.incidents", config={})
    else:
        backend.create("field.old.incidents")
    publish(backend, "field.old.incidents", b"a")
    reading = Reading.of(backend.bootstrap, trust_create_time=False)
    with reading.reader, pytest.raises(ConfigurationError, match=r"field\.old\.incidents.*LogAppendTime"):
        reading.settle(10)


def test_a_head_that_is_gone_breaks_its_stream_alone(backend: Backend, new_reader: NewReader) -> None:
    """Retention took records that were never read: that stream stops, the other goes on."""
    publish(backend, DAL, b"a", b"b", b"c")
    publish(backend, ELP, b"x")
    backend.delete_records(DAL, 2)
    reading = new_reader()
    reading.until(lambda: bool(reading.broken()) and reading.values(ELP) == [b"x"])
    assert "starts at offset 2, 2 records from 0 on are gone" in reading.broken()[DAL]
    publish(backend, DAL, b"d")
    reading.settle()
    assert reading.values(DAL) == []


def test_a_head_that_goes_while_we_read_breaks_the_stream(backend: Backend, new_reader: NewReader) -> None:
    """The broker's OFFSET_OUT_OF_RANGE ends in the same finding, with the ledger's position."""
    publish(backend, DAL, *[b"%d" % number * 500 for number in range(200)])
    slow = {
        "queued_min_messages": "1",
        "queued_max_messages_kbytes": "1",
        "fetch_message_max_bytes": "2000",
        "fetch_queue_backoff_ms": "20",
    }
    reading = new_reader(**slow)
    reading.max_records = 1
    reading.until(lambda: len(reading.values()) == 1)
    backend.delete_records(DAL, 200)
    reading.until(lambda: bool(reading.broken()))
    assert reading.broken()[DAL].startswith(f"the log starts at offset 200, {200 - len(reading.values())} records")


def test_an_end_below_the_position_breaks_the_stream(backend: Backend, new_reader: NewReader) -> None:
    """What was applied is not in the log any more."""
    publish(backend, DAL, b"a")
    positions = Positions()
    positions.at[DAL] = Unread(2)
    reading = new_reader(positions)
    reading.until(lambda: bool(reading.broken()))
    assert reading.broken()[DAL] == "the log ends at offset 1, before the position 2"


def test_a_topic_made_anew_while_we_were_away_breaks_the_stream(backend: Backend, new_reader: NewReader) -> None:
    """The position belongs to another topic, however many records the new one has."""
    publish(backend, DAL, b"a", b"b")
    first = new_reader()
    first.until(lambda: len(first.values()) == 2)
    first.reader.close()
    _make_anew(backend, DAL)
    publish(backend, DAL, b"A", b"B", b"C")
    second = new_reader(first.positions)
    second.until(lambda: bool(second.broken()))
    assert second.broken()[DAL].startswith("the topic was made anew")
    assert second.values() == []


def test_a_topic_made_anew_while_we_read_breaks_the_stream(backend: Backend, new_reader: NewReader) -> None:
    """Quicker than any metadata refresh, and longer than the old one: not one record of it is given out."""
    publish(backend, DAL, b"a", b"b")
    reading = new_reader(topic_metadata_refresh_interval_ms="60000")
    reading.until(lambda: len(reading.values()) == 2)
    _make_anew(backend, DAL)
    publish(backend, DAL, b"A", b"B", b"C", b"D")
    reading.until(lambda: DAL in reading.broken())
    assert reading.values() == [b"a", b"b"]


def test_a_stream_with_two_partitions_is_broken(backend: Backend, new_reader: NewReader) -> None:
    """Two partitions have no common order; neither is read."""
    backend.create("field.two.incidents", partitions=2)
    publish(backend, "field.two.incidents", b"a")
    reading = new_reader()
    reading.until(lambda: bool(reading.broken()))
    assert reading.broken() == {"field.two.incidents": "the topic has 2 partitions, a stream has 1"}
    assert reading.values("field.two.incidents") == []


def test_two_readers_share_the_streams(backend: Backend, new_reader: NewReader) -> None:
    """A second worker takes some over, the first says which and does not take them back; nothing is read twice."""
    positions, group = Positions(), new_group()
    for stream in (DAL, ELP):
        publish(backend, stream, b"a")
    first = new_reader(positions, group)
    first.until(lambda: first.values(DAL) == first.values(ELP) == [b"a"])
    second = new_reader(positions, group)
    until(lambda: (first.read(), second.read(), bool(second.reader.topic_ids))[2])
    for stream in (DAL, ELP):
        publish(backend, stream, b"b")
    until(lambda: (first.read(), second.read(), _both(first, second, "b"))[2])
    assert first.lost() >= second.reader.topic_ids.keys()
    first.reader.rewind(second.reader.topic_ids.keys())
    first.settle(0.3)
    assert not first.reader.topic_ids.keys() & second.reader.topic_ids.keys()
    assert len(first.values(DAL) + first.values(ELP) + second.values(DAL) + second.values(ELP)) == 4


def test_a_reader_that_slept_too_long_loses_its_streams_and_comes_back(backend: Backend, new_reader: NewReader) -> None:
    """After max.poll.interval.ms the group has given them away; they are opened again at the ledger's position."""
    publish(backend, DAL, b"a")
    reading = new_reader(max_poll_interval_ms="1200")
    reading.until(lambda: len(reading.values()) == 1)
    time.sleep(2)
    publish(backend, DAL, b"b")
    reading.until(lambda: len(reading.values()) == 2)
    assert DAL in reading.lost()
    assert reading.positions.asked.count(DAL) == 2


def test_a_rewound_stream_is_read_again_from_the_ledger(backend: Backend, new_reader: NewReader) -> None:
    """Outrun by another worker: what we read is thrown away, and read from where the ledger stands."""
    publish(backend, DAL, b"a", b"b", b"c")
    reading = new_reader()
    reading.until(lambda: len(reading.values()) == 3)
    reading.positions.at[DAL] = Unread(1, reading.reader.topic_ids[DAL])
    reading.reader.rewind([DAL])
    reading.until(lambda: len(reading.values()) == 5)
    assert reading.values() == [b"a", b"b", b"c", b"b", b"c"]


def test_a_halted_stream_gives_nothing_until_it_is_rewound(backend: Backend, new_reader: NewReader) -> None:
    """What intake refuses to believe is read no further, while others are; it may be looked at again."""
    publish(backend, DAL, b"a")
    reading = new_reader()
    reading.until(lambda: reading.values() == [b"a"])
    reading.reader.halt(DAL)
    publish(backend, DAL, b"b")
    publish(backend, ELP, b"x")
    reading.until(lambda: reading.values(ELP) == [b"x"])
    reading.settle(0.5)
    assert reading.values() == [b"a"]
    reading.reader.rewind([DAL])
    reading.until(lambda: reading.values() == [b"a", b"b"])


def _make_anew(backend: Backend, topic: str) -> None:
    backend.delete(topic)
    backend.create(topic)


def _both(first: Reading, second: Reading, value: str) -> bool:
    return all(value.encode() in first.values(stream) + second.values(stream) for stream in (DAL, ELP))


def _hint(backend: Backend, group: str) -> int:
    consumer = Consumer({"bootstrap.servers": backend.bootstrap, "group.id": group})
    (partition,) = consumer.committed([TopicPartition(DAL, 0)], timeout=5)
    consumer.close()
    return partition.offset
