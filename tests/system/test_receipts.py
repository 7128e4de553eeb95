"""Sent is not received, and the one who can act must know: an office sees what headquarters has, and what is due."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from muster_contract.events import EncounterReported, FieldEvent, IncidentReported
from muster_contract.register import Office
from muster_contract.times import now_ms, to_datetime
from muster_field.answers import InboxState
from muster_field.inbox import Inbox, inbox_path
from muster_field.outbox import Outbox
from muster_field.wiring import open_office
from tests.kafka_broker import KafkaBroker
from tests.system.headquarters import Headquarters
from tests.system.offices import RelayProcess
from tests.system.policies import due_within, policy
from tests.system.processes import PATIENCE

pytestmark = pytest.mark.kafka

POLICY = policy(due_within("PT3S", remind_before="PT2S"))
ABOUT = {"case_id": "case-1", "encounter_id": "encounter-1"}


class Office1:
    """The office dal, by its commands."""

    def __init__(self, folder: Path, bootstrap: str) -> None:
        self.outbox = folder / "dal.db"
        self._relay = RelayProcess(self, bootstrap, folder / "relay.log")

    def record(self, *events: FieldEvent) -> None:
        """Record events through the API."""
        with closing(open_office(self.outbox, "dal", [Office(id="dal")])) as office:
            office.accept_many(events)

    def start_relay(self) -> None:
        """Start a relay, which also reads what headquarters answers."""
        self._relay.start()

    def stop(self) -> None:
        """End the relay, if it runs."""
        if self._relay.running:
            assert self._relay.stop() == 0, self._relay.log()[-2000:]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the office's to its end."""
        command = [sys.executable, "-m", "muster_field", *arguments, "--outbox", str(self.outbox)]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)

    def due(self) -> list[tuple[str, bool]]:
        """Give what is due: its state, and whether it is overdue; the exit code must fit."""
        done = self.run("due", "--format", "jsonl")
        found = [(row["state"], row["overdue"]) for row in map(json.loads, done.stdout.splitlines())]
        assert done.returncode == any(overdue for _, overdue in found), done.stderr
        return found

    def answered(self) -> InboxState:
        """Give what the answers so far come to."""
        with closing(Outbox.open(self.outbox)) as outbox:
            epoch = outbox.identity.epoch
        with closing(Inbox(inbox_path(self.outbox), "dal")) as inbox:
            return inbox.state(epoch.bytes)


@pytest.fixture
def hq(tmp_path: Path, own_broker: KafkaBroker) -> Iterator[Headquarters]:
    """Run a headquarters on a broker of its own."""
    headquarters = Headquarters(tmp_path, own_broker.bootstrap, POLICY, ("dal",))
    headquarters.start()
    yield headquarters
    headquarters.kill()


@pytest.fixture
def office(tmp_path: Path, hq: Headquarters) -> Iterator[Office1]:
    """Open the office, with its relay."""
    opened = Office1(tmp_path, hq.bootstrap)
    yield opened
    opened.stop()


def test_the_office_is_told_and_a_late_report_settles_it(hq: Headquarters, office: Office1) -> None:
    """Receipts of each event; what is due, the reminder, what was missed; and nothing more once the report came."""
    now = to_datetime(now_ms())
    office.record(EncounterReported(**ABOUT, occurred_at=now, match="POTENTIAL", custody="IN_CUSTODY"))
    office.start_relay()
    hq.until(lambda: office.answered().received == {"encounters": 1}, "headquarters has the encounter")
    seen: list[list[tuple[str, bool]]] = []

    def missed() -> bool:
        seen.append(office.due())
        return seen[-1] == [("MISSED", True)]

    hq.until(missed, "the office is told that it missed its deadline")
    states = {state for found in seen for state, _ in found}
    assert "REMINDED" in states, seen
    assert states <= {"OPEN", "REMINDED", "MISSED"}
    report = {"channel": "COURIER", "report_reference": "r-1", "report_sha256": "0" * 64}
    office.record(IncidentReported(**ABOUT, occurred_at=now, stage="INITIAL", **report))
    hq.until(lambda: office.due() == [], "the late report settles what was due")
    assert office.answered().received == {"encounters": 1, "incidents": 1}
    assert office.answered().refused == []


def test_the_answers_can_be_read_once_by_a_command(hq: Headquarters, office: Office1) -> None:
    """Without a relay that runs all the time; and an office that never asked is told so."""
    now = to_datetime(now_ms())
    office.record(EncounterReported(**ABOUT, occurred_at=now, match="NONE", custody="IN_CUSTODY"))
    asked = office.run("due")
    assert (asked.returncode, "headquarters has not answered yet" in asked.stderr) == (2, True), asked.stderr
    sent = office.run("relay", "--bootstrap", hq.bootstrap, "--until-empty")
    assert sent.returncode == 0, sent.stderr

    def received() -> bool:
        done = office.run("receive", "--bootstrap", hq.bootstrap)
        assert done.returncode == 0, done.stderr
        return office.answered().received == {"encounters": 1}

    hq.until(received, "headquarters has the encounter")
    assert office.due() == []
