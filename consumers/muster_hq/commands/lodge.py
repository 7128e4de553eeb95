"""``headquarters lodge``: tell the log which reports truly lie in headquarters' document system.

Each is a new record of its own id and time, also when it was told before: the first of a reference and digest counts
(docs/verdicts.md), so an export of all that lies there may be lodged every night. An id worked out from the two would
need a time worked out from them as well, or the second record would be taken for a CONFLICT with the first.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer

from muster_contract.codec import encode
from muster_contract.errors import ConfigurationError, Fault, MusterError
from muster_contract.events import OPAQUE_ID
from muster_contract.shell.ids import new_id
from muster_contract.times import now_ms
from muster_contract.topics import DIRECTIVES
from muster_hq.commands.directing import append
from muster_hq.commands.options import Bootstrap, KafkaConfig
from muster_hq.lodgings import LODGED

COLUMNS: Final = ("report_reference", "report_sha256")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Row(NamedTuple):
    """What a line of the file says; what is no text stands as nothing."""

    line: int
    reference: str
    digest: str


def lodge(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="What the document system exports: CSV with the columns report_reference and report_sha256, or JSON "
            "Lines with these names; - is the standard input.",
        ),
    ],
    bootstrap: Bootstrap,
    kafka_config: KafkaConfig = None,
) -> None:
    """Tell the log which reports lie in the document system, by reference and digest.

    When a line is not right, every such line is named and nothing is sent.
    What was lodged before may be there again: it changes nothing.
    """
    reports = read_lodgings(_text_of(file), str(file))
    now = now_ms()
    values = [encode(LODGED, _fields(reference, digest, now)) for reference, digest in reports]
    sent, reason = append(values, bootstrap, kafka_config)
    if sent < len(values):
        hint = "lodge the file again: what was lodged before changes nothing"
        raise MusterError([Fault(DIRECTIVES, f"{sent} of {len(values)} were acknowledged: {reason}", hint)])
    typer.echo(f"{sent} reports lodged")


def read_lodgings(text: str, name: str) -> list[tuple[str, bytes]]:
    """Read what a file says, each report once; ``name`` stands for the file in faults, all of which are named."""
    faults: list[Fault] = []
    rows = _json_rows(text, name, faults) if text.lstrip().startswith("{") else _csv_rows(text, name, faults)
    found: dict[tuple[str, bytes], None] = {}
    for line, reference, digest in rows:
        if OPAQUE_ID.fullmatch(reference) is None:
            hint = "1 to 64 letters, digits, dots, dashes and underscores"
            faults.append(Fault(f"{name}:{line}: report_reference", "is not an opaque id", hint))
        if _SHA256.fullmatch(digest) is None:
            faults.append(Fault(f"{name}:{line}: report_sha256", "is no SHA-256", "64 lower-case hex digits"))
        if not faults:
            found[reference, bytes.fromhex(digest)] = None
    if faults:
        raise ConfigurationError(faults)
    return list(found)


def _text_of(file: Path) -> str:
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return data.decode("utf-8-sig")
    except OSError as fault:
        raise ConfigurationError.of(str(file), f"cannot be read: {fault.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError.of(str(file), "is not UTF-8 text") from None


def _csv_rows(text: str, name: str, faults: list[Fault]) -> Iterator[Row]:
    lines = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        header: Sequence[str] = next(lines, [])
        missing = [column for column in COLUMNS if header.count(column) != 1]
        if missing:
            cause = f"the header has not one column {' and one '.join(missing)}"
            faults.append(Fault(f"{name}:1", cause, f"begin with {','.join(COLUMNS)}"))
            return
        for cells in lines:
            if not cells:
                continue
            if len(cells) != len(header):
                faults.append(Fault(f"{name}:{lines.line_num}", f"has {len(cells)} cells", f"{len(header)}, as above"))
                continue
            row = dict(zip(header, cells, strict=True))
            yield Row(lines.line_num, *(row[column] for column in COLUMNS))
    except csv.Error as fault:
        faults.append(Fault(f"{name}:{lines.line_num}", f"is no CSV: {fault}"))


def _json_rows(text: str, name: str, faults: list[Fault]) -> Iterator[Row]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row: object = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, Mapping):
            faults.append(Fault(f"{name}:{number}", "is not a JSON object", "one on each line"))
            continue
        reference, digest = (row.get(column) for column in COLUMNS)
        yield Row(number, reference if isinstance(reference, str) else "", digest if isinstance(digest, str) else "")


def _fields(reference: str, digest: bytes, now: int) -> dict[str, Any]:
    return {
        "event_id": new_id(now).bytes,
        "recorded_at": now,
        "report_reference": reference,
        "report_sha256": digest,
    }
