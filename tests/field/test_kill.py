"""A relay that is told to end does so in good order; what kill -9 does to it is in tests/faults."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.field.offices import office_at
from tests.field.promises import wait_for_growth
from tests.schemas.builders import event_of


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
