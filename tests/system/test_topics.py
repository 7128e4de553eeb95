"""``headquarters topics`` on Apache Kafka: what it creates, what it finds, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from muster_contract.topics import topics
from muster_hq.embedded import EmbeddedBroker
from tests.kafka_broker import KafkaBroker
from tests.ports.kafka_backends import APPEND_TIME, Real, sasl

HEADQUARTERS = str(Path(sys.executable).with_name("headquarters"))
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Give the command, with a register of two offices."""
    offices = tmp_path / "offices.toml"
    offices.write_text('[[office]]\nid = "dal"\n\n[[office]]\nid = "elp"\n', "utf-8")

    def run(bootstrap: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [HEADQUARTERS, "topics", "--bootstrap", bootstrap, "--offices", str(offices), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.mark.kafka
def test_what_is_missing_is_created_once_and_is_as_it_must_be(broker: KafkaBroker, run: Run) -> None:
    """One creation makes all topics of the register; a second finds nothing to do, and nothing wrong."""
    expected = {name for topic in topics() for name in topic.names(["dal", "elp"])}
    first, second = run(broker.bootstrap, "--create"), run(broker.bootstrap, "--create")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert f"{len(expected)} topics, {len(expected)} created, 0 wrong" in first.stdout
    assert f"{len(expected)} topics, 0 created, 0 wrong" in second.stdout
    assert expected <= set(first.stdout.split())


@pytest.mark.kafka
def test_everything_that_is_wrong_is_told_at_once(broker: KafkaBroker, run: Run) -> None:
    """Missing, partitions, timestamps, retention, and a topic of nobody's: each a line with what to do; exit 1."""
    kafka = Real(broker)
    kafka.create("field.dal.encounters", partitions=2)
    kafka.create("field.dal.incidents", config={"retention.ms": "-1"})
    kafka.create("field.elp.encounters", config=APPEND_TIME)
    kafka.create("field.rogue.incidents", config=APPEND_TIME)
    told = run(broker.bootstrap)
    lines = told.stderr.splitlines()
    assert told.returncode == 1
    for start in (
        "hq.directives: does not exist",
        "field.dal.encounters: has 2 partitions, must have 1",
        "field.dal.incidents: message.timestamp.type is CreateTime, must be LogAppendTime",
        "field.elp.encounters: retention.ms is 604800000, must be -1",
        "field.rogue.incidents: its office rogue is not in the register",
    ):
        assert len([line for line in lines if line.startswith(start) and line.endswith(")")]) == 1, start


@pytest.mark.kafka
def test_a_wrong_password_is_a_refusal_that_does_not_show_it(broker: KafkaBroker, run: Run, tmp_path: Path) -> None:
    """The client only says that it cannot reach the broker; we say why."""
    properties = tmp_path / "client.properties"
    lines = [f"{name} = {value}\n" for name, value in sasl("not-the-one").items()]
    properties.write_text("".join(lines), "utf-8")
    told = run(broker.bootstrap_sasl, "--kafka-config", str(properties))
    assert told.returncode == 2
    assert "check --kafka-config" in told.stderr
    assert "not-the-one" not in told.stderr


def test_a_broker_that_is_not_there_is_a_refusal(run: Run) -> None:
    """No traceback, and a hint at what the user can check."""
    told = run("127.0.0.1:1")
    assert told.returncode == 2
    assert "is --bootstrap right" in told.stderr
    assert "Traceback" not in told.stderr


def test_the_embedded_broker_says_that_it_has_no_topic_administration(run: Run) -> None:
    """It creates its topics itself; the command says so and does not wait for a time-out."""
    with EmbeddedBroker() as broker:
        broker.create_topic("hq.directives")
        told = run(broker.bootstrap, "--create")
    assert told.returncode == 2
    assert "this broker does not administer topics" in told.stderr
