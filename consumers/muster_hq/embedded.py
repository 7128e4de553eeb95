"""The embedded broker: librdkafka's mock cluster, nothing to install and gone when it ends.

For the demonstration and quick tests, never for real reports: it keeps everything in memory. It is part of
the librdkafka inside confluent-kafka, but not of its Python API, so we call it through ctypes, by way of
the extension module: that finds the library wherever a wheel or a distribution put it.

What was found out with librdkafka 2.16 (the suites of tests/ports run on this broker and on Apache Kafka):

- Other processes connect to ``bootstrap``; producers (idempotent too), groups, subscriptions by regex,
  cooperative-sticky, committed offsets, watermarks and headers work as on Kafka.
- Times given to ``produce()`` are kept: records are of CreateTime, LogAppendTime does not exist here. HQ
  reads from it only when told to trust them.
- Topic ids are served once a controller is named (we do): deleting and making anew is seen as on Kafka.
- No topic administration over the wire: creating, configuring, deleting topics and records are answered
  with UNSUPPORTED_FEATURE at once. ``create_topic`` and its neighbours here do it from inside.
- A topic that a client names and that does not exist appears at once, with four partitions, which HQ refuses
  to read: create every topic first.
- It keeps at most 5 MiB or 100,000 batches a partition, and drops the oldest in silence; a reader that
  comes too late gets OFFSET_OUT_OF_RANGE. A fetch gives one batch: let producers linger.
- A group's first member is served at once; every later rebalance (another member, one that left, a topic
  that appeared) takes session.timeout.ms less a second. Metadata that arrive meanwhile start it again: with
  topic.metadata.refresh.interval.ms below that time a topic that appears later is never taken up.
- It does not fence, hides no aborted records, keeps nothing across restarts.
"""

from __future__ import annotations

import ctypes
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Self

from confluent_kafka import KafkaError, cimpl

from muster_contract.errors import MusterError

_PRODUCER: Final = 0
_BROKER_ID: Final = 1
_QUIET: Final = {"log_level": "3"}


class EmbeddedBroker:
    """A broker inside this process that others can connect to, until it is closed."""

    def __init__(self) -> None:
        self._library = _library()
        self._client = _client(self._library)
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, 1)
        if not self._cluster:
            raise MusterError.of("embedded broker", "librdkafka could not start its mock cluster")
        self._check(self._library.rd_kafka_mock_set_controller_id(self._cluster, _BROKER_ID))
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def bootstrap(self) -> str:
        """Give the address for ``bootstrap.servers``, on loopback."""
        address: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        return address.decode()

    def create_topic(self, name: str, partitions: int = 1) -> None:
        """Create a topic."""
        self._check(self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1))

    def create_topics(self, names: Collection[str]) -> None:
        """Create many topics at once: one by one, each would wait for another turn of the broker's loop."""
        with ThreadPoolExecutor(max(1, len(names))) as pool:
            for _ in pool.map(self.create_topic, names):
                pass

    def delete_topic(self, name: str) -> None:
        """Delete a topic with its records; made again, it has another id."""
        self._check(self._library.rd_kafka_mock_topic_delete(self._cluster, name.encode()))

    def delete_records(self, name: str, before: int) -> None:
        """Delete the records of partition 0 below an offset, as retention does."""
        self._check(self._library.rd_kafka_mock_partition_delete_records(self._cluster, name.encode(), 0, before))

    def close(self) -> None:
        """End the broker and forget all its topics."""
        if self._cluster:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
            self._library.rd_kafka_destroy(self._client)
            self._cluster = None

    def _check(self, code: int) -> None:
        if code:
            raise MusterError.of("embedded broker", KafkaError(code).str())


def _library() -> Any:  # noqa: ANN401 - a shared library has no type
    library = ctypes.CDLL(cimpl.__file__)
    handle, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32
    signatures: dict[str, tuple[Any, ...]] = {
        "rd_kafka_conf_new": (handle,),
        "rd_kafka_conf_set": (ctypes.c_int, handle, text, text, text, ctypes.c_size_t),
        "rd_kafka_new": (handle, ctypes.c_int, handle, text, ctypes.c_size_t),
        "rd_kafka_destroy": (None, handle),
        "rd_kafka_mock_cluster_new": (handle, handle, ctypes.c_int),
        "rd_kafka_mock_cluster_destroy": (None, handle),
        "rd_kafka_mock_cluster_bootstraps": (text, handle),
        "rd_kafka_mock_set_controller_id": (ctypes.c_int, handle, number),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, handle, number),
        "rd_kafka_mock_topic_create": (ctypes.c_int, handle, text, ctypes.c_int, ctypes.c_int),
        "rd_kafka_mock_topic_delete": (ctypes.c_int, handle, text),
        "rd_kafka_mock_partition_delete_records": (ctypes.c_int, handle, text, number, ctypes.c_int64),
    }
    try:
        for name, (result, *arguments) in signatures.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as missing:
        raise MusterError.of(
            "embedded broker", f"this librdkafka does not have it: {missing}", "install confluent-kafka 2.16 or newer"
        ) from None
    return library


def _client(library: Any) -> Any:  # noqa: ANN401 - the same
    """Make the client handle that the mock cluster lives in; it never connects anywhere."""
    why = ctypes.create_string_buffer(256)
    conf = library.rd_kafka_conf_new()
    for name, value in _QUIET.items():
        library.rd_kafka_conf_set(conf, name.encode(), value.encode(), why, len(why))
    client = library.rd_kafka_new(_PRODUCER, conf, why, len(why))
    if not client:
        raise MusterError.of("embedded broker", why.value.decode(errors="replace"))
    return client
