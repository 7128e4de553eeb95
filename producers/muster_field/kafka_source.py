"""An office's answers from Kafka: partition 0 of its receipts topic, from the inbox's own position.

There is no consumer group and nothing is committed: the inbox holds the position beside what it is the position of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from muster_contract.errors import ConfigurationError
from muster_contract.topics import receipts
from muster_field.receiver import Record, SourceLost

_OURS = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "enable.partition.eof": True,
    "group.id": "muster-field-receiver",  # the client wants one; no group is joined
}
_DEFAULTS = {"client.id": "muster-receiver"}
_GONE = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})  # noqa: SLF001 - names of codes
_PASSING = frozenset({KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._RESOLVE})  # noqa: SLF001 - the same


class KafkaSource:
    """See Source."""

    def __init__(self, bootstrap: str, client_config: Mapping[str, str], office: str, offset: int) -> None:
        config = {**_DEFAULTS, **client_config, **_OURS, "bootstrap.servers": bootstrap, "log_level": 0}
        try:
            self._consumer = Consumer(config)
        except KafkaException as fault:
            hint = "librdkafka's names and values"
            raise ConfigurationError.of("Kafka client properties", fault.args[0].name(), hint) from None
        self._consumer.assign([TopicPartition(receipts(office), 0, offset)])
        self._ended = False

    def read(self, most: int, seconds: float) -> Sequence[Record]:
        """Wait at most so long for records."""
        self._ended = False
        records = []
        for message in self._consumer.consume(most, seconds):
            error = message.error()
            if error is None:
                offset = message.offset()
                records.append(Record(0 if offset is None else offset, message.value()))
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the public name of a code
                self._ended = True
            elif error.code() not in _PASSING:
                raise SourceLost(error.name(), gone=error.code() in _GONE)
        return records

    def at_end(self) -> bool:
        """Tell whether the last read came to the end."""
        return self._ended

    def close(self) -> None:
        """Let go of it."""
        self._consumer.close()
