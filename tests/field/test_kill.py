"""``kill -9`` of what records and relays: what was promised is there, once, and numbered without a gap."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

from muster_contract.codec import decode
from muster_field.outbox import Outbox
from muster_field.outbox_care import verify
from tests.field.offices import ENCOUNTERS, INCIDENTS, office_at
from tests.schemas.builders import event_of

ROOT = Path(__file__).parents[2]
ROUNDS = 6


def test_what_was_promised_survives_kill_9(tmp_path: Path) -> None:
    """Killed at random moments, again and again: none lost, none twice, no gap, nothing damaged."""
    outbox, promised = tmp_path / "outbox.db", tmp_path / "promised"
    draw = random.Random(9)  # noqa: S311 - when to kill, not a secret
    for _ in range(ROUNDS):
        command = [sys.executable, "-m", "tests.field.recorder", str(outbox), str(promised)]
        recorder = subprocess.Popen(command, cwd=ROOT)
        wait_for_growth(promised)
        time.sleep(draw.uniform(0, 0.3))
        recorder.kill()
        recorder.wait(30)
    opened = Outbox.open(outbox)
    streams = {ENCOUNTERS: "encounters", INCIDENTS: "incidents"}
    stored = {
        (stream, row.sequence): UUID(bytes=row.event_id)
        for stream, kind in streams.items()
        for row in opened.page(kind, 0, 1_000_000)
    }
    whole = promised.read_text("ascii").rpartition("\n")[0]  # the last line may be torn
    for line in whole.splitlines():
        event_id, stream, sequence = line.split()
        assert stored[stream, int(sequence)] == UUID(event_id)
    assert len(set(stored.values())) == len(stored)
    for stream, kind in streams.items():
        numbers = [sequence for name, sequence in stored if name == stream]
        assert numbers == list(range(1, len(numbers) + 1))
        values = [decode(row.value).fields for row in opened.page(kind, 0, 1_000_000)]
        assert [fields["sequence"] for fields in values] == numbers
    assert verify(opened) == []
    opened.close()


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
