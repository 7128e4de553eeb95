"""``headquarters export``: the topics as a log file, so that an audit outlives their retention."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.progress import Progress

from muster_contract.errors import MusterError
from muster_contract.register import load_register
from muster_contract.topics import parse_stream, streams_of
from muster_hq.commands.options import Bootstrap, KafkaConfig, OptionalOfficesFile, TrustCreateTime, kafka_properties
from muster_hq.kafka import Admin, Scan
from muster_hq.logfile import write_log
from muster_hq.records import Record

_STRIDE = 1_000


def export(
    bootstrap: Bootstrap,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The log file; - is the standard output.")],
    offices: OptionalOfficesFile = None,
    kafka_config: KafkaConfig = None,
    trust_create_time: TrustCreateTime = False,
) -> None:
    """Write all streams, from offset 0 to where they end now, as a log that audit and replay read.

    The streams of the register must exist; those of offices that nobody registered are written too, since
    headquarters accounts for their records.
    """
    properties = kafka_properties(kafka_config)
    registered = streams_of(office.id for office in load_register(offices)) if offices else []
    found = [topic for topic in Admin(properties, bootstrap).existing() if parse_stream(topic)]
    streams = {*registered, *found}
    if not streams:
        raise MusterError.of("Kafka", "has no stream of Muster's", "is --bootstrap right?")
    with (
        Scan(properties, bootstrap=bootstrap, topics=streams, trust_create_time=trust_create_time) as scan,
        _written_whole(out) as file,
    ):
        write_log(_shown(scan, scan.total), file)
    typer.echo(f"exported {scan.total} records of {len(streams)} streams", err=True)


@contextmanager
def _written_whole(path: Path) -> Iterator[TextIO]:
    """Open a file that has its name only once it is whole; ``-`` is the standard output."""
    if str(path) == "-":
        yield sys.stdout
        return
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        part.replace(path)
    except OSError as fault:
        raise MusterError.of(str(path), f"cannot be written: {fault.strerror}") from None
    finally:
        part.unlink(missing_ok=True)


def _shown(records: Iterable[Record], total: int) -> Iterator[Record]:
    """Show on a terminal how far it has come."""
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task("exporting", total=total)
        for number, record in enumerate(records, 1):
            yield record
            if number % _STRIDE == 0:
                progress.update(task, completed=number)
