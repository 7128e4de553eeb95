"""Writing what headquarters publishes, and its pulses: acknowledged by token, at least once, in order."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final, Generic, NamedTuple, TypeVar

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from muster_contract.errors import MusterError
from muster_hq.kafka.client import Listener, final, make

Token = TypeVar("Token")

_OURS: Final = {"enable.idempotence": True, "acks": "all"}
_DEFAULTS: Final = {"client.id": "muster-headquarters", "linger.ms": "20"}


class Unsent(NamedTuple, Generic[Token]):
    """A record that the broker does not have: it expired here, or the broker refused it."""

    token: Token
    topic: str
    reason: str


class OutputProducer(Generic[Token]):
    """An idempotent producer. A token comes back from ``acknowledged`` once every in-sync replica has its record.

    ``expire_after`` seconds is how long a record waits for the broker; by default for good, so that a later
    one never overtakes it. A pulse expires: an old one says nothing that the next does not say better.
    """

    def __init__(self, user: Mapping[str, str], *, bootstrap: str, expire_after: float = 0) -> None:
        ours = {"bootstrap.servers": bootstrap, **_OURS, "message.timeout.ms": int(expire_after * 1000)}
        self._acknowledged: list[Token] = []
        self._unsent: list[Unsent[Token]] = []
        self._listener = Listener()
        self._producer = make(Producer, {**_DEFAULTS, **user}, ours, error_cb=self._listener.hear)

    def send(self, topic: str, value: bytes, token: Token, *, timestamp: int = 0, key: bytes | None = None) -> bool:
        """Queue a record for partition 0; False when the queue is full: ``poll`` with a timeout, then try again.

        ``timestamp`` (UTC milliseconds) counts only on a topic of CreateTime; 0 is now.
        """
        try:
            self._producer.produce(
                topic, value, key, partition=0, timestamp=timestamp, on_delivery=partial(self._on_delivery, token)
            )
        except BufferError:
            return False
        except KafkaException as refused:  # too large for any broker, such as
            self._unsent.append(Unsent(token, topic, refused.args[0].name()))
        return True

    def poll(self, timeout: float = 0) -> None:
        """Serve acknowledgements for up to ``timeout`` seconds; raise when only an operator can help."""
        try:
            self._producer.poll(timeout)
        except (KafkaException, SystemError) as raised:
            raise _refusal(raised) from None
        self._listener.raise_final()

    def acknowledged(self) -> list[Token]:
        """Take the tokens of the records that the broker has, in the order of their acknowledgement."""
        taken, self._acknowledged = self._acknowledged, []
        return taken

    def unsent(self) -> list[Unsent[Token]]:
        """Take the records that the broker does not have, and will not get by itself."""
        taken, self._unsent = self._unsent, []
        return taken

    def flush(self, timeout: float) -> int:
        """Wait until nothing is in flight, or the time is up; give the number that still is."""
        try:
            left = self._producer.flush(timeout)
        except (KafkaException, SystemError) as raised:
            raise _refusal(raised) from None
        self._listener.raise_final()
        return left

    def _on_delivery(self, token: Token, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self._acknowledged.append(token)
        else:
            self._listener.hear(error)
            self._unsent.append(Unsent(token, message.topic() or "", error.name()))


def _refusal(raised: KafkaException | SystemError) -> MusterError:
    """Turn the client's fatal error into one that says what to do.

    It is raised while the client serves acknowledgements; when it goes on with them nevertheless, Python finds it
    raised already in ours, and says SystemError.
    """
    fatal = raised if isinstance(raised, KafkaException) else raised.__cause__
    if not isinstance(fatal, KafkaException):
        raise raised
    return final(fatal.args[0])
