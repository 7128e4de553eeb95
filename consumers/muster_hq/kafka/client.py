"""Making clients, and telling the vendor's errors apart: the rest of the code sees our kinds only."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import TypeVar

import structlog
from confluent_kafka import KafkaError, KafkaException

from muster_contract.errors import ConfigurationError, Fault, MusterError

Client = TypeVar("Client")

QUIET_SECONDS = 30.0
QUIET_LINES = 200
"""A line of the client's is logged once in so many seconds; so many different ones are remembered."""

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


class Listener:
    """Hears what a client says beside its answers: what passes is logged, what is final is raised when asked."""

    def __init__(self) -> None:
        self._final: MusterError | None = None
        self._once = _Once()

    def hear(self, error: KafkaError) -> None:
        """Take an error in, as a client's ``error_cb`` or from a message."""
        if kind_of(error) is Kind.FINAL:
            self._final = final(error)
        elif self._once(f"{error.name()} {error.str()}"):
            _log.warning("kafka_error", code=error.name(), detail=error.str())

    def raise_final(self) -> None:
        """Raise what only an operator can mend, if that was heard."""
        if self._final is not None:
            raise self._final


class _ClientLog:
    """What librdkafka takes for a logger: syslog levels in, structlog out."""

    def __init__(self) -> None:
        self._once = _Once()

    def log(self, level: int, _format: str, facility: str, client: str, text: str) -> None:
        """Pass a line on."""
        if self._once(f"{facility} {text}"):
            _log.log(level, "kafka_client", client=client, detail=f"{facility} {text}")


class _Once:
    """Tells what was told lately: of a broker that is down, librdkafka speaks many times a second."""

    def __init__(self) -> None:
        self._told_at: dict[str, float] = {}

    def __call__(self, line: str) -> bool:
        """Tell whether to pass a line on; repeated ones differ in their ``(after 3ms in state CONNECT)``."""
        line, now = line.partition(" (after ")[0], time.monotonic()
        if now - self._told_at.get(line, -QUIET_SECONDS) < QUIET_SECONDS:
            return False
        if len(self._told_at) >= QUIET_LINES:
            self._told_at.clear()
        self._told_at[line] = now
        return True
