"""Fatal errors of the Kafka client, which it raises in the middle of its reports: both sides take them as such."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from muster_contract.errors import MusterError
from muster_field.kafka import KafkaSender
from muster_field.sender import SenderLost
from muster_hq.kafka import OutputProducer

OUT_OF_ORDER = KafkaException(KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, "desynchronized", fatal=True))
Raise = Callable[..., Any]


def alone(*_: object) -> None:
    """Raise it as the client does."""
    raise OUT_OF_ORDER


def within_a_report(*_: object) -> None:
    """Raise it as Python does, when the client reports with the error raised already (seen in tests/chaos)."""
    raise SystemError("returned a result with an exception set") from OUT_OF_ORDER


class Dying:
    """A client that meets a fatal error as soon as it works."""

    def __init__(self, fails: Raise) -> None:
        self.poll = self.flush = fails

    def purge(self) -> None:
        """Drop what is queued."""

    def __len__(self) -> int:
        return 0


@pytest.mark.parametrize("fails", [alone, within_a_report])
def test_a_relay_loses_its_sender_and_begins_again(fails: Raise) -> None:
    """It is a connection that is thrown away, whenever it comes."""
    sender = KafkaSender("127.0.0.1:1", {})
    sender._producer = Dying(fails)  # type: ignore[assignment]  # noqa: SLF001 - the client has no such switch
    assert sender.close(1) == []
    with pytest.raises(SenderLost, match="OUT_OF_ORDER"):
        sender.poll(0)


@pytest.mark.parametrize("fails", [alone, within_a_report])
def test_headquarters_ends_with_what_to_do(fails: Raise) -> None:
    """Nothing is lost: what is not acknowledged is sent again by the next one."""
    output: OutputProducer[int] = OutputProducer({}, bootstrap="127.0.0.1:1")
    output._producer = Dying(fails)  # type: ignore[assignment]  # noqa: SLF001 - the same
    for work in (output.poll, output.flush):
        with pytest.raises(MusterError, match="start the process again"):
            work(0)


def test_a_system_error_of_another_kind_is_no_fatal_error() -> None:
    """It is a mistake of somebody's, and is not hidden."""
    sender = KafkaSender("127.0.0.1:1", {})

    def fails(*_: object) -> None:
        raise SystemError("something else")

    sender._producer = Dying(fails)  # type: ignore[assignment]  # noqa: SLF001 - the same
    with pytest.raises(SystemError, match="something else"):
        sender.poll(0)
