"""Topics as the broker has them: created and verified against ``topics.toml``, and where their logs stand."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, OffsetSpec, ResourceType

from muster_contract.errors import ConfigurationError, Fault, MusterError
from muster_contract.topics import Topic, parse_stream, topics
from muster_hq.kafka.client import Kind, Listener, final, kind_of, make

TIMEOUT = 5.0
"""How long a request may take, in seconds, before the broker counts as not there."""
CREATION_TIMEOUT = 30.0
"""The same for the creation of all topics."""

_NO_TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAAA"
CREATE_HINT = "headquarters topics --create"


class LogState(NamedTuple):
    """A topic's identity (None from brokers before 2.8), and the first and the next offset of its partition 0."""

    topic_id: str | None
    partitions: int
    start: int
    end: int


class Admin:
    """What headquarters asks the broker about topics; every answer is in our words, every failure a MusterError."""

    def __init__(self, user: Mapping[str, str], bootstrap: str) -> None:
        self._listener = Listener()
        ours = {"bootstrap.servers": bootstrap, "log_level": 2}
        self._client = make(AdminClient, user, ours, error_cb=self._listener.hear)

    def existing(self) -> Mapping[str, int]:
        """Give the number of partitions of every topic that these credentials may see."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            try:
                metadata = self._client.list_topics(timeout=1)
                break
            except KafkaException as failed:
                self._client.poll(0)  # the reason, such as a wrong password, comes this way and before
                self._listener.raise_final()
                if time.monotonic() > deadline:
                    raise refusal_of(failed.args[0]) from None
        return {name: len(topic.partitions) for name, topic in metadata.topics.items() if topic.error is None}

    def create_topics(self, offices: Collection[str], replication: int = -1) -> list[str]:
        """Create what these offices and headquarters need and is missing, and wait until it is there.

        A replication of -1 leaves the number to the broker's default.
        """
        existing = self.existing()
        wanted = {name: topic for name, topic in _topics_of(offices) if name not in existing}
        if not wanted:
            return []
        news = [NewTopic(name, 1, replication, config=dict(topic.config)) for name, topic in wanted.items()]
        faults = []
        for name, answer in self._client.create_topics(news, request_timeout=CREATION_TIMEOUT).items():
            error = error_of(answer)
            if error is not None and error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                faults.append(refusal_of(error, name).faults[0])
        if faults:
            raise MusterError(dict.fromkeys(faults))
        self._wait_for(wanted)
        return list(wanted)

    def verify_topics(self, offices: Collection[str]) -> list[Fault]:
        """Compare the broker's topics with ``topics.toml``; name every difference, and topics that nobody owns."""
        existing = self.existing()
        expected = dict(_topics_of(offices))
        faults = [Fault(name, "does not exist", CREATE_HINT) for name in expected if name not in existing]
        present = {name: topic for name, topic in expected.items() if name in existing}
        faults += [
            Fault(name, f"has {existing[name]} partitions, must have 1", "make it anew with one")
            for name in present
            if existing[name] != 1
        ]
        faults += self._faults_of_configuration(present)
        for name in sorted(existing):
            stream = parse_stream(name)
            if stream is not None and stream.office is not None and stream.office not in offices:
                hint = "register the office, or delete the topic: its records are quarantined"
                faults.append(Fault(name, f"its office {stream.office} is not in the register", hint))
        return faults

    def log_states(self, streams: Collection[str]) -> dict[str, LogState]:
        """Give where these topics' logs stand; a topic that cannot be asked about now is left out."""
        described = self.describe(streams)
        partitions = [TopicPartition(stream, 0) for stream in streams]
        ends = [
            self._client.list_offsets(dict.fromkeys(partitions, spec), request_timeout=TIMEOUT)
            for spec in (OffsetSpec.earliest(), OffsetSpec.latest())
        ]
        states = {}
        for partition, stream in zip(partitions, streams, strict=True):
            topic, (start, end) = result_of(described[stream]), (result_of(answers[partition]) for answers in ends)
            if topic is None or start is None or end is None:
                continue
            if min(start.offset, end.offset) >= 0:  # less means that nobody leads it now, and comes without an error
                states[stream] = LogState(topic_id_of(topic), len(topic.partitions), start.offset, end.offset)
        return states

    def describe(self, streams: Collection[str]) -> Mapping[str, Future[Any]]:
        """Begin to ask who these topics are: read each with ``result_of``, and that with ``topic_id_of``."""
        if not streams:
            return {}
        return self._client.describe_topics(TopicCollection(list(streams)), request_timeout=TIMEOUT)

    def _faults_of_configuration(self, present: Mapping[str, Topic]) -> Iterable[Fault]:
        for resource, answer in self._configurations(present).items():
            error = error_of(answer)
            if error is not None:
                raise refusal_of(error, resource.name)
            found = answer.result()
            for setting, value in present[resource.name].config.items():
                if found[setting].value != value:
                    hint = f"kafka-configs --alter --add-config {setting}={value}"
                    yield Fault(resource.name, f"{setting} is {found[setting].value}, must be {value}", hint)

    def _configurations(self, present: Collection[str]) -> Mapping[ConfigResource, Future[Any]]:
        """Ask for these topics' settings, again where a broker has not heard yet of a topic that another has."""
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in present]
        deadline = time.monotonic() + TIMEOUT
        while resources:
            answers = self._client.describe_configs(resources, request_timeout=TIMEOUT)
            errors = [error for answer in answers.values() if (error := error_of(answer)) is not None]
            unheard = errors and all(error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART for error in errors)
            if not unheard or time.monotonic() > deadline:
                return answers
            time.sleep(0.05)
        return {}

    def _wait_for(self, created: Mapping[str, Topic]) -> None:
        """Return once every broker's answer would have them, as they were made.

        Creation is acknowledged before it has spread, and a topic is seen a moment before its settings are.
        """
        deadline = time.monotonic() + CREATION_TIMEOUT
        while any(result_of(answer) is None for answer in self.describe(created).values()):
            if time.monotonic() > deadline:
                raise MusterError.of("Kafka", "created topics have not appeared", "try again: what exists is kept")
            time.sleep(0.05)
        deadline = time.monotonic() + TIMEOUT  # a broker that insists on other settings is for verify to tell
        while any(self._faults_of_configuration(created)) and time.monotonic() < deadline:
            time.sleep(0.05)


def result_of(answer: Future[Any]) -> Any:  # noqa: ANN401 - the vendor's futures are untyped
    """Wait for an answer; None for a passing failure, a MusterError for one that only an operator can mend."""
    error = error_of(answer)
    if error is None:
        return answer.result()
    if kind_of(error) is Kind.FINAL:
        raise final(error)
    return None


def topic_id_of(description: Any) -> str | None:  # noqa: ANN401 - the same
    """Give a topic's id as text; None when the broker is too old to have ids."""
    text = str(description.topic_id)
    return None if text == _NO_TOPIC_ID else text


def _topics_of(offices: Collection[str]) -> Iterable[tuple[str, Topic]]:
    return ((name, topic) for topic in topics() for name in topic.names(offices))


def error_of(answer: Future[Any]) -> KafkaError | None:
    """Wait for an answer, and give the error in it, if there is one."""
    failed = answer.exception()
    if failed is None:
        return None
    if isinstance(failed, KafkaException):
        error: KafkaError = failed.args[0]
        return error
    raise failed


def refusal_of(error: KafkaError, place: str = "Kafka") -> MusterError:
    """Turn an administration request's failure into a refusal that says what to do."""
    if kind_of(error) is Kind.FINAL:
        return final(error)
    if error.code() == KafkaError._UNSUPPORTED_FEATURE:  # noqa: SLF001 - the public name of a code
        hint = "the embedded broker makes its topics itself, and has no settings to verify"
        return ConfigurationError.of("Kafka", "this broker does not administer topics", hint)
    return MusterError.of(place, f"{error.name()}: {error.str()}", "is --bootstrap right, and the broker up?")
