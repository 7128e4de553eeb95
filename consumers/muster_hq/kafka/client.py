"""Making clients, and telling the vendor's errors apart: the rest of the code sees our kinds only."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import TypeVar

import structlog
from confluent_kafka import KafkaError, KafkaException

from muster_contract.errors import ConfigurationError, Fault, MusterError

Client = TypeVar("Client")

_log = structlog.get_logger(__name__)


class Kind(Enum):
    """What an error of the client means to us."""

    PASSING = auto()  # the client tries again by itself: log it
    POSITION = auto()  # the broker does not have the offset that we asked for: see what it has
    DAMAGED = auto()  # the broker's bytes cannot be read: the stream is broken
    FINAL = auto()  # nobody but an operator can mend it: stop


_POSITION = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}  # noqa: SLF001 - the public name of a code
_DAMAGED = {KafkaError._BAD_MSG, KafkaError._BAD_COMPRESSION, KafkaError.INVALID_MSG}  # noqa: SLF001 - the same
_FINAL = {
    KafkaError._AUTHENTICATION,  # noqa: SLF001 - the same
    KafkaError._FATAL,  # noqa: SLF001 - the same
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.INVALID_GROUP_ID,
    KafkaError.FENCED_INSTANCE_ID,
}


def kind_of(error: KafkaError) -> Kind:
    """Tell what an error means: the loop acts on that alone."""
    if error.fatal() or error.code() in _FINAL:
        return Kind.FINAL
    if error.code() in _POSITION:
        return Kind.POSITION
    return Kind.DAMAGED if error.code() in _DAMAGED else Kind.PASSING


def final(error: KafkaError) -> MusterError:
    """Turn an error that only an operator can mend into a refusal that says so."""
    fatal = error.fatal() or error.code() == KafkaError._FATAL  # noqa: SLF001 - the same
    hint = "check --kafka-config and the broker's ACLs"
    if fatal:
        hint = "start the process again, with a --member name that no other process uses: nothing is lost"
    return MusterError.of("Kafka", f"{error.name()}: {error.str()}", hint)


def make(
    client: Callable[..., Client], user: Mapping[str, str], ours: Mapping[str, object], **callbacks: object
) -> Client:
    """Make a client from the user's properties with ours over them; its log lines go to structlog."""
    try:
        return client({"log_level": 4, **user, **ours, **callbacks}, logger=_ClientLog())
    except KafkaException as refused:
        error: KafkaError = refused.args[0]
        # Its text would show the value, which could be a secret in the wrong place: name the property only.
        named = re.search(r'property:? "([^"]+)"', error.str())
        cause = f"the client refuses {named[1]}" if named else f"the client cannot be made: {error.name()}"
        raise ConfigurationError([Fault("Kafka client properties", cause, "librdkafka's CONFIGURATION.md")]) from None


class _ClientLog:
    """What librdkafka takes for a logger: syslog levels in, structlog out; the same line once in a row."""

    def __init__(self) -> None:
        self._last = ""

    def log(self, level: int, _format: str, facility: str, client: str, text: str) -> None:
        """Pass a line on. A broker that is down is told of many times a second, and differs in its ``(after ...``."""
        line = f"{facility} {text.partition(' (after ')[0]}"
        if line != self._last:
            self._last = line
            _log.log(level, "kafka_client", client=client, detail=line)
