"""Reading streams from the ledger's positions: what cannot be read on faithfully is reported, never skipped.

Kafka's group decides which worker reads which stream, and nothing else: offsets committed to it are a hint
for lag tools. The callbacks run inside ``consume()``, so they only note what came and went, and assign
nothing: ``read`` opens a stream afterwards, once it has verified that its log fits the ledger's position.

A topic that is deleted and made anew while it is read would go unseen: librdkafka reads on at the same
offset of the new log (tried with 2.16). Topic ids never come back, so an id that is still right *after* the
records were fetched proves that they came from the topic that the position belongs to. Each batch is
checked so; the answer comes while the records are being unpacked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final, NamedTuple, Self

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from muster_contract.topics import DIRECTIVES, parse_stream
from muster_hq.kafka.admin import Admin, result_of, topic_id_of
from muster_hq.kafka.append_times import accepted_kinds, no_append_time
from muster_hq.kafka.client import Kind, Listener, kind_of, make
from muster_hq.kafka.positions import Broken, Position, Unread, broken_log
from muster_hq.records import Record

FIELD_STREAMS: Final = r"^field\.[a-z0-9-]+\.(encounters|incidents)$"
"""All offices' streams, registered or not: what nobody registered is quarantined, not overlooked."""

_OURS: Final = {
    "partition.assignment.strategy": "cooperative-sticky",  # range gives every one-partition stream to one member
    "enable.auto.commit": False,
    "auto.offset.reset": "error",
    "check.crcs": True,  # a flipped bit must not become another date
}
_DEFAULTS: Final = {
    "client.id": "muster-headquarters",
    "topic.metadata.refresh.interval.ms": "5000",  # how long a new office's topic may go unseen
    "session.timeout.ms": "6000",  # how long the streams of a worker that was killed wait for another
    "heartbeat.interval.ms": "1500",
}
_RETRY_SECONDS: Final = 0.5

Positions = Callable[[Collection[str]], Mapping[str, Position]]
_log = structlog.get_logger(__name__)


class Batch(NamedTuple):
    """What one ``read`` gave: records in offset order within a stream, and streams that stopped or went away.

    ``broken`` names a stream once; it stays unread until it is assigned anew. ``lost`` streams belong to
    another worker now: none of their records is here, and whatever is known of their positions is stale.
    """

    records: list[Record]
    broken: list[Broken]
    lost: frozenset[str]


class StreamReader:
    """A member of headquarters' consumer group. One thread only; ``read`` often enough to stay a member.

    A ``member`` name makes it a static one: started again after a crash it has its streams back at once, and
    does not wait for its dead self's session to end. Whoever starts later under a name ends the earlier one.
    """

    def __init__(  # noqa: PLR0913 - all by name but the client properties
        self,
        user: Mapping[str, str],
        *,
        bootstrap: str,
        group: str,
        positions: Positions,
        trust_create_time: bool,
        member: str | None = None,
    ) -> None:
        self._positions = positions
        self._accepted = accepted_kinds(trust_create_time=trust_create_time)
        self._topic_ids: dict[str, str | None] = {}  # of the streams that are being read
        self._assigned: set[str] = set()
        self._waiting: set[str] = set()  # of those, to be verified and opened
        self._lost: set[str] = set()
        self._broken: list[Broken] = []
        self._listener = Listener()
        self._retry_at = 0.0
        self._admin = Admin(user, bootstrap)
        ours = {"bootstrap.servers": bootstrap, "group.id": group, **_OURS}
        if member is not None:
            ours["group.instance.id"] = member
        callbacks = {"error_cb": self._listener.hear, "on_commit": _on_commit}
        self._consumer = make(Consumer, {**_DEFAULTS, **user}, ours, **callbacks)
        self._consumer.subscribe(
            [FIELD_STREAMS, DIRECTIVES], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def topic_ids(self) -> Mapping[str, str | None]:
        """Give the streams that are being read, each with its topic's id: a position is stored with it."""
        return self._topic_ids

    def read(self, max_records: int, timeout: float) -> Batch:
        """Wait up to ``timeout`` seconds for ``max_records``; raise a MusterError when only an operator can help."""
        self._open_waiting()
        messages = self._consumer.consume(max_records, timeout)
        identities = self._admin.describe({m.topic() or "" for m in messages} & self._topic_ids.keys())
        accepted = self._accepted
        records = [
            Record(message.topic(), message.offset(), stamp[1], message.value(), message.headers)  # type: ignore[arg-type]  # a record has them
            for message in messages
            if (stamp := message.timestamp())[0] in accepted
        ]
        if len(records) != len(messages):  # an error is a message without a time: one test finds both
            self._explain(messages)
        self._listener.raise_final()
        self._check(identities)
        if self._lost or self._waiting or self._broken:
            records = [record for record in records if record.stream in self._topic_ids]
        batch = Batch(records, self._broken, frozenset(self._lost))
        self._broken, self._lost = [], set()
        return batch

    def rewind(self, streams: Collection[str]) -> None:
        """Read these again from the ledger's positions, halted ones too; those that were lost meanwhile stay lost."""
        self._close(streams)
        self._waiting |= self._assigned.intersection(streams)
        self._retry_at = 0.0

    def halt(self, stream: str) -> None:
        """Read a stream no further: it stays assigned, so that no other worker stumbles over it in turn."""
        self._close([stream])

    def commit_hint(self, positions: Mapping[str, int]) -> None:
        """Tell lag tools where the ledger stands. Nothing depends on it: a failure is logged."""
        offsets = [TopicPartition(s, 0, offset) for s, offset in positions.items() if s in self._topic_ids]
        try:
            if offsets:
                self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as failed:
            _on_commit(failed.args[0], offsets)

    def close(self) -> None:
        """Leave the group: streams go to other workers at once, those of a named member after its session."""
        self._consumer.close()

    def _open_waiting(self) -> None:
        """Verify the streams that were assigned, and begin to read each whose log fits the ledger's position."""
        if not self._waiting or time.monotonic() < self._retry_at:
            return
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        logs = self._admin.log_states(sorted(self._waiting))
        positions = self._positions(logs.keys())
        starts = []
        for stream, log in logs.items():
            position = positions.get(stream, Unread())
            broken = broken_log(stream, position, log)
            if broken is None:
                starts.append(TopicPartition(stream, 0, position.next_offset))
                self._topic_ids[stream] = log.topic_id
            else:
                self._broken.append(broken)
        self._waiting -= logs.keys()
        if starts:
            self._consumer.incremental_assign(starts)

    def _check(self, identities: Mapping[str, Future[Any]]) -> None:
        """Stop each stream of the batch whose topic is no longer the one that was opened."""
        for stream, answer in identities.items():
            opened, topic = self._topic_ids.get(stream), result_of(answer)
            if topic is None:
                self._reopen(stream)  # not to be told now, so not proven
            elif opened is not None and topic_id_of(topic) != opened:
                self._reopen(stream)  # and find the same, against the ledger's position

    def _explain(self, messages: Sequence[Message]) -> None:
        for message in messages:
            error = message.error()
            if error is not None:
                self._on_message_error(message, error)
            elif message.timestamp()[0] not in self._accepted:
                raise no_append_time(message.topic() or "", message.offset())

    def _on_message_error(self, message: Message, error: KafkaError) -> None:
        kind, stream = kind_of(error), message.topic() or ""
        if kind is Kind.POSITION and stream in self._topic_ids:
            self._reopen(stream)  # which compares the ledger's position with the log
        elif kind is Kind.DAMAGED and stream in self._topic_ids:
            self._close([stream])
            cause = f"the broker's bytes from offset {message.offset()} on cannot be read: {error.name()}"
            self._broken.append(Broken(stream, message.offset() or 0, cause, "restore the topic's log"))
        else:
            self._listener.hear(error)

    def _reopen(self, stream: str) -> None:
        """Read a stream from the ledger's position once more, but not in a tight loop."""
        self.rewind([stream])
        self._retry_at = time.monotonic() + _RETRY_SECONDS

    def _close(self, streams: Collection[str]) -> None:
        reading = self._topic_ids.keys() & set(streams)
        if reading:
            self._consumer.incremental_unassign([TopicPartition(stream, 0) for stream in reading])
        for stream in reading:
            del self._topic_ids[stream]

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_assign([])  # or librdkafka starts them at the group's offsets
        for partition in partitions:
            if parse_stream(partition.topic) is None:
                _log.warning("topic_is_no_stream", topic=partition.topic, hint="no office can have this name")
            elif partition.partition == 0:
                self._assigned.add(partition.topic)
                self._waiting.add(partition.topic)
                self._retry_at = 0.0

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        gone = {partition.topic for partition in partitions if partition.partition == 0}
        self._close(gone)
        consumer.incremental_unassign([])  # or librdkafka takes away what was never opened, and fails
        self._assigned -= gone
        self._waiting -= gone
        self._lost |= gone


def _on_commit(error: KafkaError | None, _offsets: list[TopicPartition]) -> None:
    if error is not None:
        _log.info("offset_hint_not_stored", code=error.name())
