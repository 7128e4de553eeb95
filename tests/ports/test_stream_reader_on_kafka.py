"""The reader on Apache Kafka alone: what the embedded broker has not, such as credentials, crashes and disks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from muster_contract.errors import MusterError
from tests.kafka_broker import SASL_PASSWORD, KafkaBroker
from tests.ports.kafka_backends import DAL, ELP, Reading, Real, publish, sasl

pytestmark = pytest.mark.kafka


@pytest.fixture
def kafka(broker: KafkaBroker) -> Real:
    """Give the session's broker with two streams."""
    return _with_streams(broker)


def test_credentials_of_the_client_properties_open_the_streams(broker: KafkaBroker, kafka: Real) -> None:
    """What --kafka-config says goes to the consumer and to the admin client."""
    publish(kafka, DAL, b"a")
    reading = Reading.of(broker.bootstrap_sasl, user=sasl(SASL_PASSWORD))
    with reading.reader:
        reading.until(lambda: reading.values() == [b"a"])


def test_wrong_credentials_end_the_reader_and_do_not_show(broker: KafkaBroker) -> None:
    """Only an operator can help: no endless retry, and no password in the message."""
    reading = Reading.of(broker.bootstrap_sasl, user=sasl("not-the-one"))
    with reading.reader, pytest.raises(MusterError, match="--kafka-config") as refused:
        reading.settle(10)
    assert "not-the-one" not in str(refused.value)


CRASHING = """
import sys
from tests.ports.kafka_backends import DAL, Reading
reading = Reading.of(sys.argv[1], group="crash", member="hq-1", user={"session.timeout.ms": "60000"})
reading.until(lambda: DAL in reading.reader.topic_ids)
print("reading", flush=True)
reading.settle(60)
"""


def test_a_member_that_starts_again_after_a_crash_waits_for_nobody(broker: KafkaBroker, kafka: Real) -> None:
    """With a name of its own it has its streams back long before its dead self's session ends, in a minute."""
    publish(kafka, DAL, b"a")
    with subprocess.Popen([sys.executable, "-c", CRASHING, broker.bootstrap], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"reading\n"
        process.kill()
    again = Reading.of(broker.bootstrap, group="crash", member="hq-1", user={"session.timeout.ms": "60000"})
    with again.reader:
        again.until(lambda: again.values() == [b"a"])


def test_of_two_members_with_one_name_the_later_one_reads(broker: KafkaBroker, kafka: Real) -> None:
    """The earlier one ends with a refusal that says why."""
    publish(kafka, DAL, b"a")
    first = Reading.of(broker.bootstrap, group="fence", member="hq-1")
    with first.reader:
        first.until(lambda: first.values() == [b"a"])
        second = Reading.of(broker.bootstrap, group="fence", member="hq-1")
        with second.reader:
            second.until(lambda: second.values() == [b"a"])
            with pytest.raises(MusterError, match="--member"):
                first.settle(10)


def test_a_broker_that_restarts_interrupts_and_a_damaged_log_breaks_its_stream(broker: KafkaBroker) -> None:
    """Reading goes on by itself after the restart; of the stream whose bytes a disk has changed nothing is given."""
    kafka = _with_streams(broker)
    publish(kafka, DAL, b"as it was written")
    reading = Reading.of(broker.bootstrap)
    with reading.reader:
        reading.until(lambda: bool(reading.values(DAL)))
        broker.stop()
        _overwrite(broker.data / f"{DAL}-0" / f"{0:020}.log", b"as it was", b"AS IT WAS")
        broker.start()
        publish(kafka, ELP, b"x")
        reading.until(lambda: reading.values(ELP) == [b"x"])
    later = Reading.of(broker.bootstrap)
    with later.reader:
        later.until(lambda: DAL in later.broken() and later.values(ELP) == [b"x"])
        assert later.values(DAL) == []


def _with_streams(broker: KafkaBroker) -> Real:
    kafka = Real(broker)
    for topic in ("hq.directives", DAL, ELP):
        kafka.create(topic)
    return kafka


def _overwrite(path: Path, was: bytes, now: bytes) -> None:
    content = path.read_bytes()
    assert was in content
    path.write_bytes(content.replace(was, now))
