"""``kill -9`` of what records and relays: what was promised is there, once, and numbered without a gap."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from muster_contract.codec import decode
from muster_field.outbox import Outbox
from muster_field.rows import Row
from tests.field.offices import ENCOUNTERS, INCIDENTS, office_at
from tests.schemas.builders import event_of

ROOT = Path(__file__).parents[2]
ROUNDS = 6


def test_what_was_promised_survives_kill_9(tmp_path: Path) -> None:
    """Two at once, killed at random moments, again and again: none lost, none twice, no gap, nothing damaged."""
    outbox, promises = tmp_path / "outbox.db", [tmp_path / "promised-1", tmp_path / "promised-2"]
    draw = random.Random(9)  # noqa: S311 - when to kill, not a secret
    for _ in range(ROUNDS):
        recorders = [start_recorder(outbox, promised) for promised in promises]
        for promised in promises:
            wait_for_growth(promised)
        time.sleep(draw.uniform(0, 0.3))
        for recorder in recorders:
            recorder.kill()
            recorder.wait(30)
    stored = {(stream, row.sequence): row for stream, row in rows_of(outbox)}
    for event_id, stream, sequence in promised_in(promises):
        assert UUID(bytes=stored[stream, sequence].event_id) == event_id
    assert len({row.event_id for row in stored.values()}) == len(stored)
    for stream in (ENCOUNTERS, INCIDENTS):
        rows = [row for (name, _), row in stored.items() if name == stream]
        assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
        assert [decode(row.value).fields["sequence"] for row in rows] == [row.sequence for row in rows]
        assert all(row.intact for row in rows)


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


def test_sigterm_ends_a_relay_within_five_seconds(tmp_path: Path) -> None:
    """Even when the broker cannot be reached and events are pending; the exit is a clean one."""
    with office_at(tmp_path) as office:
        office.accept(event_of("EncounterReported"))
    command = [sys.executable, "-m", "muster_field", "relay", "--bootstrap", "127.0.0.1:9"]
    log = tmp_path / "log"
    with log.open("wb") as file:
        relay = subprocess.Popen([*command, "--outbox", str(tmp_path / "outbox.db")], stderr=file)
    wait_for_growth(log)
    time.sleep(0.5)
    begun = time.monotonic()
    relay.send_signal(signal.SIGTERM)
    assert relay.wait(30) == 0
    assert time.monotonic() - begun < 5
    events = [json.loads(line)["event"] for line in log.read_text("utf-8").splitlines()]
    assert (events[0], events[-1]) == ("relay_started", "relay_stopped")
