"""Reading whole topics once, for audits and exports: from offset 0 to the end that they have when it begins.

Outside any group, and without a position: what cannot be read whole is refused, since an audit of half a
log would look like one of all of it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from typing import Final, Self

from confluent_kafka import Consumer, Message, TopicPartition

from muster_contract.errors import Fault, MusterError
from muster_hq.grants import SCAN_GROUP
from muster_hq.kafka.admin import Admin, LogState
from muster_hq.kafka.append_times import accepted_kinds, no_append_time
from muster_hq.kafka.client import Kind, Listener, final, kind_of, make
from muster_hq.records import Record

STALLED_SECONDS = 30.0
"""How long nothing may come from the broker before the scan gives up."""

_OURS: Final = {
    "group.id": SCAN_GROUP,
    "enable.auto.commit": False,
    "auto.offset.reset": "error",
    "check.crcs": True,
}
_BATCH: Final = 5_000


class Scan:
    """The records of some topics, in offset order within each, in any order between them.

    A MusterError names every topic that cannot be read whole: it does not exist, or its head is gone.
    """

    def __init__(
        self, user: Mapping[str, str], *, bootstrap: str, topics: Collection[str], trust_create_time: bool = False
    ) -> None:
        self._accepted = accepted_kinds(trust_create_time=trust_create_time)
        self._listener = Listener()
        self._ends = _ends_of(Admin(user, bootstrap), sorted(topics))
        self._next = dict.fromkeys(self._ends, 0)
        self.total = sum(self._ends.values())
        ours = {"bootstrap.servers": bootstrap, **_OURS}
        self._consumer = make(Consumer, user, ours, error_cb=self._listener.hear)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Record]:
        """Give all records, once; a MusterError when one is missing or cannot be read."""
        reading = {topic for topic, end in self._ends.items() if end}
        self._consumer.assign([TopicPartition(topic, 0, 0) for topic in sorted(reading)])
        heard_at = time.monotonic()
        while reading:
            messages = self._consumer.consume(_BATCH, 0.5)
            self._listener.raise_final()
            if messages:
                heard_at = time.monotonic()
            elif time.monotonic() - heard_at > STALLED_SECONDS:
                raise MusterError.of("Kafka", f"nothing came for {STALLED_SECONDS:.0f} s", "is the broker up?")
            for message in messages:
                record = self._record_of(message)
                if record is None:
                    continue
                yield record
                if self._next[record.stream] == self._ends[record.stream]:
                    reading.discard(record.stream)
                    self._consumer.pause([TopicPartition(record.stream, 0)])

    def close(self) -> None:
        """Close it."""
        self._consumer.close()

    def _record_of(self, message: Message) -> Record | None:
        """Give the message's record; None for one after the end, and for an error that passes by itself."""
        topic, offset = message.topic() or "", message.offset() or 0
        error = message.error()
        if error is not None:
            if kind_of(error) is Kind.PASSING:
                self._listener.hear(error)
                return None
            raise final(error) if kind_of(error) is Kind.FINAL else _unreadable(topic, offset, error.name())
        if offset >= self._ends[topic]:
            return None
        if offset != self._next[topic]:
            raise _unreadable(topic, self._next[topic], f"offset {offset} comes after {self._next[topic] - 1}")
        kind, appended_at = message.timestamp()
        if kind not in self._accepted:
            raise no_append_time(topic, offset)
        self._next[topic] = offset + 1
        return Record(topic, offset, appended_at, message.value(), message.headers)  # type: ignore[arg-type]  # bytes


def _ends_of(admin: Admin, topics: Collection[str]) -> dict[str, int]:
    """Give the next offset of each topic; refuse if one cannot be read from offset 0."""
    existing = admin.existing()
    present = [topic for topic in topics if topic in existing]
    logs = admin.log_states(present) if present else {}
    faults = [fault for topic in topics for fault in _faults_of(topic, logs.get(topic), exists=topic in existing)]
    if faults:
        raise MusterError(faults)
    return {topic: log.end for topic, log in logs.items()}


def _faults_of(topic: str, log: LogState | None, *, exists: bool) -> Iterator[Fault]:
    if not exists:
        yield Fault(topic, "does not exist", "headquarters topics --create, or another register")
    elif log is None:
        yield Fault(topic, "the broker does not say where its log stands", "try again")
    elif log.partitions != 1:
        yield Fault(topic, f"has {log.partitions} partitions, must have 1", "headquarters topics --verify")
    elif log.start:
        hint = "an export that was made before has them"
        yield Fault(topic, f"begins at offset {log.start}: the records before it are gone", hint)


def _unreadable(topic: str, offset: int, cause: str) -> MusterError:
    return MusterError.of(topic, f"cannot be read from offset {offset} on: {cause}", "restore the topic's log")
