"""The Kafka client, touched here and nowhere else: an idempotent producer behind the Sender port.

Order within a stream is the client's to keep: ``enable.idempotence`` keeps it through retries,
``message.timeout.ms`` 0 lets no record expire while a later one goes, and ``enable.gapless.guarantee`` makes
a record that fails for good stop the producer, instead of letting the next one overtake it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
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
_DEFAULTS = {"client.id": "muster-relay", "linger.ms": "10", "topic.metadata.propagation.max.ms": "5000"}
DROP_SECONDS = 1.0

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
        self._reports: list[Report | _Run] = []
        self._runs: dict[str, _Run] = {}
        self._lost: str | None = None
        self._troubles: set[str] = set()
        config = {**_DEFAULTS, **client_config, **_PROMISES, "bootstrap.servers": bootstrap, "error_cb": self._on_error}
        try:
            self._producer = Producer(config, logger=_ClientLog())
        except KafkaException as fault:
            # Its text would show the value, which could be a secret in the wrong place: name the property only.
            named = re.search(r'property:? "([^"]+)"', fault.args[0].str())
            cause = f"the client refuses {named[1]}" if named else f"the client cannot be made: {fault.args[0].name()}"
            raise ConfigurationError.of("Kafka client properties", cause, "librdkafka's names and values") from None

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
            if error.fatal() or error.code() == KafkaError._FATAL:  # noqa: SLF001 - the public name of a code
                self._lose(error)
                return False
            self._reports.append(Report(stream, sequence, -1, _refusal(error)))
        return True

    def poll(self, seconds: float) -> Sequence[Report]:
        """Let the client work, and give its reports."""
        if not self._lost:
            try:
                self._producer.poll(0 if self._reports else seconds)
            except (KafkaException, SystemError) as raised:  # here, before the reports on what it failed
                self._lose(_fatal_error(raised))
        if self._lost and not self._reports:
            raise SenderLost(self._lost)
        return self._taken_reports()

    def close(self, seconds: float) -> Sequence[Report]:
        """Wait for what is under way, then let go of the rest."""
        if not self._lost:
            try:
                self._producer.flush(seconds)
            except (KafkaException, SystemError) as raised:
                _fatal_error(raised)
            self._drop_the_rest()
        return self._taken_reports()

    def _taken_reports(self) -> list[Report]:
        reports = [report.report() if isinstance(report, _Run) else report for report in self._reports]
        self._reports.clear()
        self._runs.clear()
        if any(report.refusal is None for report in reports):
            self._troubles.clear()
        return reports

    def _lose(self, error: KafkaError) -> None:
        self._lost = error.name()
        self._drop_the_rest()

    def _drop_the_rest(self) -> None:
        self._producer.purge()
        end = time.monotonic() + DROP_SECONDS
        while len(self._producer) and time.monotonic() < end:
            with suppress(KafkaException, SystemError):
                self._producer.poll(0.05)

    def _on_delivery(self, stream: str, sequence: int | None, error: KafkaError | None, message: Message) -> None:
        if error:
            self._reports.append(Report(stream, sequence, -1, _refusal(error)))
            return
        offset = message.offset()
        offset = -1 if offset is None else offset
        run = self._runs.get(stream)
        if sequence is None:
            self._reports.append(Report(stream, None, offset))
        elif run is not None and run.takes(sequence, offset):
            run.count += 1
        else:
            self._runs[stream] = run = _Run(stream, sequence, offset)
            self._reports.append(run)

    def _on_error(self, error: KafkaError) -> None:
        if error.name() not in self._troubles:  # once each, until a record gets through
            self._troubles.add(error.name())
            _log.warning("kafka_trouble", code=error.name(), detail=error.str())


class _Run:
    """Acknowledged records whose numbers and offsets follow one another: one report, instead of thousands."""

    __slots__ = ("count", "first", "first_offset", "stream")

    def __init__(self, stream: str, first: int, first_offset: int) -> None:
        self.stream, self.first, self.first_offset = stream, first, first_offset
        self.count = 1

    def takes(self, sequence: int, offset: int) -> bool:
        """Tell whether a record is the next one of this run."""
        return sequence == self.first + self.count and offset == self.first_offset + self.count

    def report(self) -> Report:
        """Give the report that speaks for all of them."""
        before = self.count - 1
        return Report(self.stream, self.first + before, self.first_offset + before, covers=self.count)


class _ClientLog:
    """What librdkafka takes for a logger: its lines go to structlog, for those who ask for them."""

    def log(self, _level: int, _format: str, facility: str, client: str, text: str) -> None:
        """Pass a line on."""
        _log.debug("kafka_client", client=client, detail=f"{facility} {text}")


def _fatal_error(raised: KafkaException | SystemError) -> KafkaError:
    """Give the client's fatal error, which it raises while it gives its reports.

    When it goes on with them nevertheless, Python finds it raised already in our report, and says SystemError.
    """
    fatal = raised if isinstance(raised, KafkaException) else raised.__cause__
    if not isinstance(fatal, KafkaException):
        raise raised
    error: KafkaError = fatal.args[0]
    return error


def _refusal(error: KafkaError) -> Refusal:
    return Refusal(error.name(), error.code() in _FOR_GOOD)
