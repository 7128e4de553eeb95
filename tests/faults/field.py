"""A field office under faults: its relay as a process behind a link, and what arrived of what it had accepted."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from prometheus_client.parser import text_string_to_metric_families

from muster_contract import codec
from muster_contract.topics import streams_of
from tests.faults.parts import records_of
from tests.kafka_broker import KafkaBroker
from tests.system.offices import BusyOffice, pending
from tests.system.processes import PATIENCE, Program

Metrics = dict[tuple[str, str], float]
"""Samples by name without its prefix, and kind of stream."""


class WatchedRelay(Program):
    """``field-office relay`` with a heartbeat a second, whose metrics and log are looked at."""

    def __init__(self, outbox: Path, bootstrap: str, log: Path) -> None:
        options = ["--bootstrap", bootstrap, "--heartbeat-every", "PT1S", "--metrics-port", "0"]
        super().__init__(log, "muster_field", "relay", "--outbox", str(outbox), *options)
        self._url = ""

    def start(self) -> None:
        """Start relaying, and wait until the metrics can be read."""
        before = len(self.events())
        super().start()
        until(lambda: [e for e in self.events()[before:] if e["event"] == "serving"], "the relay serves its metrics")
        self._url = next(e["metrics"] for e in reversed(self.events()) if e["event"] == "serving")

    def leave(self) -> float:
        """End it in good order (SIGTERM); give the seconds that this took."""
        begun = time.monotonic()
        assert self.stop() == 0
        return time.monotonic() - begun

    def events(self) -> list[dict[str, str]]:
        """Give what it has logged so far."""
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]

    def metrics(self) -> Metrics:
        """Scrape it."""
        with urllib.request.urlopen(self._url, timeout=PATIENCE) as answer:  # noqa: S310 - loopback
            text = answer.read().decode()
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        kinds = [sample.labels.get("stream", "").rpartition(".")[2] for sample in samples]
        return {
            (sample.name.removeprefix("muster_field_"), kind): sample.value
            for sample, kind in zip(samples, kinds, strict=True)
        }


@contextmanager
def at_work(folder: Path, bootstrap: str, seed: int) -> Iterator[tuple[BusyOffice, WatchedRelay]]:
    """Have an office record and its relay send, and end both whatever happens."""
    office = BusyOffice(folder, "dal", seed)
    relay = WatchedRelay(office.outbox, bootstrap, folder / "relay.log")
    try:
        relay.start()
        office.open_for_business()
        yield office, relay
    finally:
        office.close()
        relay.kill()


def close_and_empty(office: BusyOffice) -> float:
    """Record no more, wait until the broker has acknowledged all; give the seconds that this took."""
    office.close()
    begun = time.monotonic()
    until(lambda: pending(office) == 0, "the relay has emptied the outbox")
    return time.monotonic() - begun


def until(holds: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Wait until something holds; fail the test with what it was when it never does."""
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)


def arrived(broker: KafkaBroker, office: str = "dal") -> dict[str, list[tuple[int, UUID]]]:
    """Give the numbers and ids of the events that stand on an office's streams, in their order."""
    found: dict[str, list[tuple[int, UUID]]] = {}
    for stream in streams_of([office]):
        found[stream] = []
        for message in records_of(broker.bootstrap, [stream]):
            value = message.value() or b""
            fields = {} if value == codec.PULSE else codec.decode(value).fields
            if "sequence" in fields:
                found[stream].append((fields["sequence"], UUID(bytes=fields["event_id"])))
    return found


def assert_arrived_once_in_order(broker: KafkaBroker, office: BusyOffice) -> int:
    """Insist that what was accepted stands on the streams: each once, by its number, without a gap; give how many."""
    found = arrived(broker)
    for stream, events in found.items():
        assert [number for number, _ in events] == list(range(1, len(events) + 1)), stream
    ids = [event_id for events in found.values() for _, event_id in events]
    assert sorted(ids) == sorted(office.accepted)
    return len(ids)
