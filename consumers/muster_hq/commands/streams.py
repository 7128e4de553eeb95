"""Reading all of headquarters' streams from Kafka, once, for audits and exports."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from muster_contract.errors import MusterError
from muster_contract.topics import parse_stream, streams_of
from muster_hq.kafka import Admin, Scan
from muster_hq.logfile import count_lines, read_log
from muster_hq.records import Record

_STRIDE = 1_000


def scan_streams(properties: Mapping[str, str], bootstrap: str, offices: Iterable[str] | None, *, trust: bool) -> Scan:
    """Open a scan of the register's streams and of all others that exist, from offset 0 to where they end now.

    Those of offices that nobody registered belong to it, since headquarters accounts for their records.
    MusterError when a registered one does not exist, or there is none at all.
    """
    found = [topic for topic in Admin(properties, bootstrap).existing() if parse_stream(topic)]
    streams = {*found, *(streams_of(offices) if offices is not None else ())}
    if not streams:
        raise MusterError.of("Kafka", "has no stream of Muster's", "is --bootstrap right?")
    return Scan(properties, bootstrap=bootstrap, topics=streams, trust_create_time=trust)


def shown_log(path: Path) -> Iterator[Record]:
    """Read a log file, and show on a terminal how far that has come."""
    total = count_lines(path) if sys.stderr.isatty() else None
    return shown(read_log(path), total, "reading")


def shown(records: Iterable[Record], total: int | None, doing: str) -> Iterator[Record]:
    """Give the records, and show on a terminal how far they have come."""
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task(doing, total=total)
        for number, record in enumerate(records, 1):
            yield record
            if number % _STRIDE == 0:
                progress.update(task, completed=number)
