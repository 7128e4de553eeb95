"""``headquarters export``: the topics as a log file, so that an audit outlives their retention."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from muster_contract.errors import MusterError
from muster_contract.register import load_registers, offices_of
from muster_hq.commands.options import Bootstrap, KafkaConfig, OptionalOfficesFiles, TrustCreateTime, kafka_properties
from muster_hq.commands.streams import scan_streams, shown
from muster_hq.logfile import write_log


def export(
    bootstrap: Bootstrap,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The log file; - is the standard output.")],
    offices: OptionalOfficesFiles = None,
    kafka_config: KafkaConfig = None,
    trust_create_time: TrustCreateTime = False,
) -> None:
    """Write all streams, from offset 0 to where they end now, as a log that audit and replay read.

    The streams of the register must exist. Those of offices that nobody
    registered are written too: headquarters accounts for their records.
    """
    register = [office.id for office in offices_of(load_registers(offices))] if offices else None
    with (
        scan_streams(kafka_properties(kafka_config), bootstrap, register, trust=trust_create_time) as scan,
        _written_whole(out) as file,
    ):
        write_log(shown(scan, scan.total, "exporting"), file)
    typer.echo(f"exported {scan.total} records", err=True)


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
