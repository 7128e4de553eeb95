"""Which of Kafka's two kinds of timestamp headquarters believes: the broker's append time proves an arrival."""

from __future__ import annotations

from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_LOG_APPEND_TIME

from muster_contract.errors import ConfigurationError


def accepted_kinds(*, trust_create_time: bool) -> tuple[int, ...]:
    """Give the kinds that a record may have; a message that reports an error has neither."""
    return (TIMESTAMP_LOG_APPEND_TIME, TIMESTAMP_CREATE_TIME) if trust_create_time else (TIMESTAMP_LOG_APPEND_TIME,)


def no_append_time(topic: str, offset: int | None) -> ConfigurationError:
    """Refuse a topic for a record whose time is its producer's."""
    return ConfigurationError.of(
        topic,
        f"the record at offset {offset} has no append time of the broker's",
        "set message.timestamp.type=LogAppendTime and make the topic anew (headquarters topics --verify); "
        "only a replay or the demonstration may --trust-create-time",
    )
