"""The Kafka client, touched here and nowhere else: an idempotent producer behind the Sender port.

Order within a stream is the client's to keep: ``enable.idempotence`` keeps it through retries,
``message.timeout.ms`` 0 lets no record expire while a later one goes, and ``enable.gapless.guarantee`` makes
a record that fails for good stop the producer, instead of letting the next one overtake it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from muster_contract.errors import ConfigurationError
from muster_contract.topics import topic_of_kind
from muster_field.sender import Parcel, Refusal, Report, SenderLost

_PROMISES = {
    "acks": "all",
    "enable.idempotence": True,
    "enable.gapless.guarantee": True,
    "message.timeout.ms": 0,
    "max.in.flight.requests.per.connection": 5,
    # A broker refuses a batch above the topic's limit whole: stay well below it.
    "batch.size": int(topic_of_kind("encounters").config["max.message.bytes"]) * 3 // 4,
}
_DEFAULTS = {"client.id": "muster-relay", "linger.ms": "10", "log_level": "0"}

_FOR_GOOD = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_TIMESTAMP,
    }
)

_log = structlog.get_logger()


class KafkaSender:
    """Sends to partition 0 of each stream, in order, and reports what the broker acknowledged."""

    def __init__(self, bootstrap: str, client_config: Mapping[str, str]) -> None:
        self._reports: list[Report] = []
        self._lost: str | None = None
        self._trouble: str | None = None
        config = {**_DEFAULTS, **client_config, **_PROMISES, "bootstrap.servers": bootstrap, "error_cb": self._on_error}
        try:
            self._producer = Producer(config)
        except KafkaException as fault:
            cause = f"the client does not take these settings: {fault.args[0].str()}"
            raise ConfigurationError.of("--kafka-config", cause, "librdkafka's names and values") from None

    def send(self, parcel: Parcel) -> bool:
        """Hand a record to the client."""
        stream, sequence, value, headers, timestamp = parcel
        try:
            self._producer.produce(
                stream,
                value,
                partition=0,
                headers=headers,  # type: ignore[arg-type]  # a list is invariant: ours holds bytes alone
                timestamp=timestamp or 0,
                on_delivery=partial(self._on_delivery, stream, sequence),
            )
        except BufferError:
            return False
        except KafkaException as fault:
            error = fault.args[0]
            if error.fatal():
                raise SenderLost(error.name()) from None
            self._reports.append(Report(stream, sequence, -1, _refusal(error)))
        return True

    def poll(self, seconds: float) -> Sequence[Report]:
        """Let the client work, and give its reports."""
        self._producer.poll(0 if self._reports else seconds)
        reports, self._reports = self._reports, []
        if not reports and self._lost:
            raise SenderLost(self._lost)
        return reports

    def close(self, seconds: float) -> Sequence[Report]:
        """Wait for what is under way, then let go of the rest."""
        if not self._lost:
            self._producer.flush(seconds)
        self._producer.purge()
        self._producer.poll(0)
        return self._reports

    def _on_delivery(self, stream: str, sequence: int | None, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self._trouble = None
            self._reports.append(Report(stream, sequence, message.offset() or 0))
        else:
            self._reports.append(Report(stream, sequence, -1, _refusal(error)))

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._lost = error.name()
        if error.name() != self._trouble:
            self._trouble = error.name()
            _log.warning("kafka_trouble", code=error.name(), detail=error.str())


def _refusal(error: KafkaError) -> Refusal:
    return Refusal(error.name(), error.code() in _FOR_GOOD)
