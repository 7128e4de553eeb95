"""Programs that record until they are killed, what they were promised, and what their outbox holds."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from muster_field.outbox import Outbox
from muster_field.rows import Row
from tests.field.offices import ENCOUNTERS, INCIDENTS

ROOT = Path(__file__).parents[2]


def start_recorder(outbox: Path, promised: Path) -> subprocess.Popen[bytes]:
    """Start a program that records, and writes down what it was promised; it ends with the test."""
    command = [sys.executable, "-m", "tests.field.recorder", str(outbox), str(promised)]
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *command], cwd=ROOT)


def rows_of(path: Path) -> list[tuple[str, Row]]:
    """Read a whole outbox."""
    outbox = Outbox.open(path)
    rows = [
        (stream, row)
        for stream, kind in ((ENCOUNTERS, "encounters"), (INCIDENTS, "incidents"))
        for row in outbox.page(kind, 0, 1_000_000)
    ]
    outbox.close()
    return rows


def promised_in(promises: list[Path]) -> Iterator[tuple[UUID, str, int]]:
    """Give what the programs wrote down; a last line may be torn."""
    for promised in promises:
        for line in promised.read_text("ascii").rpartition("\n")[0].splitlines():
            event_id, stream, sequence = line.split()
            yield UUID(event_id), stream, int(sequence)


def wait_for_growth(file: Path) -> None:
    """Wait until a program has written to its file, or written more."""
    size = file.stat().st_size if file.exists() else 0
    deadline = time.monotonic() + 30
    while not file.exists() or file.stat().st_size <= size:
        assert time.monotonic() < deadline, "nothing was recorded"
        time.sleep(0.01)
