"""Reading topics once, on the embedded broker and on Apache Kafka: all that stood there, or a refusal."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from muster_contract.errors import ConfigurationError, MusterError
from muster_hq.kafka import Scan
from muster_hq.records import Record
from tests.ports.kafka_backends import Backend, Real, publish

DAL, ELP = "field.dal.encounters", "field.elp.incidents"


def scan(backend: Backend, *topics: str) -> Scan:
    """Open a scan that takes the backend's kind of time."""
    trusting = not backend.keeps_append_time
    return Scan({}, bootstrap=backend.bootstrap, topics=topics, trust_create_time=trusting)


def of(stream: str, records: Sequence[Record]) -> list[tuple[int, bytes | None]]:
    """Give the offsets and values of a stream's records."""
    return [(record.offset, record.value) for record in records if record.stream == stream]


def test_every_record_from_the_beginning(backend: Backend) -> None:
    """Of each topic in its order, the empty value too; a topic without records is no error."""
    for topic in (DAL, ELP, "hq.directives"):
        backend.create(topic)
    publish(backend, DAL, b"a", b"", b"c")
    publish(backend, ELP, b"x")
    with scan(backend, DAL, ELP, "hq.directives") as opened:
        records = list(opened)
        assert opened.total == len(records) == 4
    assert of(DAL, records) == [(0, b"a"), (1, b""), (2, b"c")]
    assert of(ELP, records) == [(0, b"x")]


def test_it_ends_where_the_topic_ended_when_it_began(backend: Backend) -> None:
    """A topic that grows while it is read is not read forever."""
    backend.create(DAL)
    publish(backend, DAL, b"a", b"b")
    with scan(backend, DAL) as opened:
        publish(backend, DAL, b"c")
        assert of(DAL, list(opened)) == [(0, b"a"), (1, b"b")]


def test_topics_without_records_are_read_at_once(backend: Backend) -> None:
    """There is nothing to wait for."""
    backend.create(DAL)
    with scan(backend, DAL) as opened:
        assert list(opened) == []


def test_a_topic_whose_head_is_gone_is_refused(backend: Backend) -> None:
    """Half a log must not pass for a whole one; a topic that does not exist is named with it."""
    backend.create(DAL)
    publish(backend, DAL, b"a", b"b", b"c")
    backend.delete_records(DAL, 2)
    with pytest.raises(MusterError) as refused:
        scan(backend, DAL, ELP)
    assert [(f.place, f.cause) for f in refused.value.faults] == [
        (DAL, "begins at offset 2: the records before it are gone"),
        (ELP, "does not exist"),
    ]


def test_times_that_prove_nothing_are_refused(backend: Backend) -> None:
    """Unless told to trust them: the producer could have claimed any."""
    if isinstance(backend, Real):
        backend.create(DAL, config={"message.timestamp.type": "CreateTime"})
    else:
        backend.create(DAL)
    publish(backend, DAL, b"a")
    with (
        Scan({}, bootstrap=backend.bootstrap, topics=[DAL]) as opened,
        pytest.raises(ConfigurationError, match="no append time"),
    ):
        list(opened)
