"""Reading headquarters' answers beside other work: what the commands that run a relay share."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial

import structlog

from muster_contract.times import now_ms
from muster_field.inbox import Inbox, inbox_path
from muster_field.kafka_source import KafkaSource
from muster_field.outbox import Outbox
from muster_field.receiver import Receiver

LEAVES_WITHIN = 3.0
"""Seconds that the receiver gets at the end; it has nothing to lose."""

_log = structlog.get_logger()


@contextmanager
def receiving(outbox: Outbox, bootstrap: str, properties: Mapping[str, str]) -> Iterator[None]:
    """Read what headquarters answers, in a thread of its own: no trouble there may keep an event from being sent."""
    office, stop = outbox.identity.office_id, threading.Event()

    def receive() -> None:
        try:
            with closing(Inbox(inbox_path(outbox.store.path), office)) as inbox:
                Receiver(inbox, office, partial(KafkaSource, bootstrap, properties, office), clock=now_ms).run(stop)
        except Exception as fault:  # noqa: BLE001 - whatever it is: events are sent all the same
            _log.error("receiver_stopped", code=type(fault).__name__, exc_info=fault)

    thread = threading.Thread(target=receive, name="receiver", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(LEAVES_WITHIN)
