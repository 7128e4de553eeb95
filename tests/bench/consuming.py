"""One reader of the topics as a process of its own: the raw loop, or the worker. It prints what it measured.

``python -m tests.bench.consuming raw|wire|worker --bootstrap ... --events N``. The clock runs from the first
records that are given to the loop to the last commit; joining the group is left out, on both sides.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import sys
import time
from collections.abc import Collection, Mapping
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4  # noqa: TID251 - a consumer group that nobody had before

import fastavro
import structlog
from confluent_kafka import Consumer

from muster_contract.codec import HEADER_BYTES
from muster_contract.schemas import by_fingerprint
from muster_contract.times import now_ms
from muster_hq.calling import Calling
from muster_hq.commands.assembly import spare_the_collector
from muster_hq.intake import Intake
from muster_hq.judging import Judging
from muster_hq.kafka import Batch, OutputProducer, StreamReader
from muster_hq.ledger.opening import open_ledger
from muster_hq.policy_reader import load_policies
from muster_hq.publisher import Publisher
from muster_hq.worker import BATCH, Reader, Worker, positions_of

POLICY = Path("consumers/muster_hq/demo/demo-kstep.toml")
FETCH = {"max.partition.fetch.bytes": "65536"}
"""Streams are read side by side, some 300 records at a time, as they are when time passes on all of them."""
WAIT = 0.2


class Measured(NamedTuple):
    """What a side took for its records, and the most memory that it had."""

    records: int
    seconds: float
    cpu_seconds: float
    rss_bytes: int


class _Clock:
    """Runs from the first records on: seconds by the wall, and of the processor in this thread."""

    def __init__(self) -> None:
        self._started = (0.0, 0.0)

    def start(self) -> None:
        """Start, unless it runs."""
        if not self._started[0]:
            self._started = time.perf_counter(), time.thread_time()

    def read(self) -> tuple[float, float]:
        """Give what has passed."""
        return time.perf_counter() - self._started[0], time.thread_time() - self._started[1]


def raw(bootstrap: str, records: int, schemas: Mapping[bytes, Any]) -> tuple[float, float]:
    """Consume and decode, nothing else; give the seconds that it took."""
    group = {"group.id": str(uuid4()), "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer({"bootstrap.servers": bootstrap, **group, **FETCH})
    consumer.subscribe([r"^field\..*", "hq.directives"])
    clock, left = _Clock(), records
    while left:
        messages = consumer.consume(min(BATCH, left), WAIT)
        if messages:
            clock.start()
        for message in messages:
            value = message.value() or b""
            fastavro.schemaless_reader(BytesIO(value[HEADER_BYTES:]), schemas[value[2:HEADER_BYTES]], None)
        left -= len(messages)
    seconds = clock.read()
    consumer.close()
    return seconds


class _Counted:
    """A reader that gives no more than so many records in all, and notes when it gave the first."""

    def __init__(self, reader: Reader, records: int) -> None:
        self._reader = reader
        self.left = records
        self.clock = _Clock()

    def read(self, max_records: int, timeout: float) -> Batch:
        """Read up to what is left."""
        batch = self._reader.read(min(max_records, self.left or 1), timeout if self.left else 0)
        if batch.records:
            self.clock.start()
        self.left -= len(batch.records)
        return batch

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - everything else is the reader's
        return getattr(self._reader, name)


def worker(bootstrap: str, records: int, offices: Collection[str], url: str) -> tuple[float, float]:
    """Take everything in, judge it and publish, into a new ledger; give the seconds that it took."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    policies, group = load_policies([POLICY]), str(uuid4())
    with closing(open_ledger(url)) as ledger:
        intake = Intake(ledger, policies, sorted(offices))
        publisher = Publisher(ledger, OutputProducer[int]({}, bootstrap=bootstrap))
        positions = positions_of(intake)
        streams = StreamReader(FETCH, bootstrap=bootstrap, group=group, positions=positions, trust_create_time=False)
        reader = _Counted(streams, records)
        judging, calling = Judging(ledger, policies), Calling(ledger, policies)
        working = Worker(reader, intake, judging, calling, publisher.step, now_ms, together=ledger.together)
        spare_the_collector()
        while reader.left:
            working.turn(WAIT)
        seconds = reader.clock.read()
        streams.close()
        publisher.drain(10)
    return seconds


def main() -> None:
    """Run the side that the command line names, and print what was measured as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=["raw", "wire", "worker"])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--offices", default="")
    parser.add_argument("--ledger", default="", help="the URL of a new one")
    given = parser.parse_args()
    if given.side == "worker":
        seconds = worker(given.bootstrap, given.records, given.offices.split(","), given.ledger)
    else:
        schemas = by_fingerprint().items()
        as_written = {mark: fastavro.parse_schema(schema.source) for mark, schema in schemas}
        seconds = raw(
            given.bootstrap,
            given.records,
            as_written if given.side == "raw" else {mark: schema.wire for mark, schema in schemas},
        )
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sys.stdout.write(json.dumps(Measured(given.records, *seconds, rss)._asdict()) + "\n")


if __name__ == "__main__":
    main()
