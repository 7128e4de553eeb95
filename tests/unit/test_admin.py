"""What headquarters asks about topics, of brokers that do not all know the same yet."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException

from muster_contract.topics import topics
from muster_hq.kafka import Admin
from muster_hq.kafka.admin import LogState

TOPICS = {name: topic for topic in topics() for name in topic.names(["dal"])}


class Lagging:
    """A cluster that answers for all topics, but through a broker that has not heard of one at first."""

    def __init__(self, unheard: int) -> None:
        self.unheard = unheard

    def list_topics(self, **_: object) -> Any:  # noqa: ANN401 - the vendor's
        """Name all topics."""
        topic = SimpleNamespace(error=None, partitions=[0])
        return SimpleNamespace(topics=dict.fromkeys(TOPICS, topic))

    def describe_configs(self, resources: list[Any], **_: object) -> dict[Any, Future[Any]]:
        """Answer as configured, but for the first topic when it is still unheard of."""
        answers = {}
        for number, resource in enumerate(resources):
            answer: Future[Any] = Future()
            if number == 0 and self.unheard > 0:
                answer.set_exception(KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)))
            else:
                settings = TOPICS[resource.name].config.items()
                answer.set_result({name: SimpleNamespace(value=value) for name, value in settings})
            answers[resource] = answer
        self.unheard -= 1
        return answers


def test_a_broker_that_has_not_heard_of_a_topic_yet_is_asked_again() -> None:
    """Creation spreads over a cluster; verifying right after it asked another node, and was refused."""
    admin = Admin({}, "127.0.0.1:1")
    admin._client = Lagging(unheard=2)  # type: ignore[assignment]  # noqa: SLF001 - no other seam
    assert admin.verify_topics(["dal"]) == []


class Leaderless:
    """A cluster that knows its topics, and not where their logs end: no node leads them now."""

    def __init__(self, offset: int) -> None:
        self.offset = offset

    def describe_topics(self, asked: Any, **_: object) -> dict[str, Future[Any]]:  # noqa: ANN401 - the vendor's
        """Say who they are."""
        return {name: done(SimpleNamespace(topic_id="id", partitions=[0])) for name in asked.__dict__["topic_names"]}

    def list_offsets(self, asked: dict[Any, Any], **_: object) -> dict[Any, Future[Any]]:
        """Give the offset that the client gives for a partition that nobody answered for."""
        return {partition: done(SimpleNamespace(offset=self.offset)) for partition in asked}


def done(result: object) -> Future[Any]:
    """Give an answer that is there."""
    answer: Future[Any] = Future()
    answer.set_result(result)
    return answer


def test_a_log_that_nobody_leads_does_not_end_anywhere() -> None:
    """The client answers OFFSET_INVALID, without an error: taken for an end, it was a LOG_BROKEN that is not."""
    admin = Admin({}, "127.0.0.1:1")
    admin._client = Leaderless(OFFSET_INVALID)  # type: ignore[assignment]  # noqa: SLF001 - no other seam
    assert admin.log_states(["field.dal.encounters"]) == {}
    admin._client = Leaderless(7)  # type: ignore[assignment]  # noqa: SLF001 - the same
    assert admin.log_states(["field.dal.encounters"]) == {"field.dal.encounters": LogState("id", 1, 7, 7)}
