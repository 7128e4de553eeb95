"""Field offices under test: each accepts events through the real API, and writes down what it was promised."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID

from muster_contract.events import EncounterReported, FieldEvent, IncidentReported
from muster_contract.register import Office
from muster_contract.times import now_ms, to_datetime
from muster_field.outbox import Outbox
from muster_field.wiring import open_office
from tests.system.processes import PATIENCE, Program

DIGEST = "0" * 64


class BusyOffice:
    """An office that records encounters, reports most of them, and keeps the ids that ``accept`` returned."""

    def __init__(self, folder: Path, office_id: str, seed: int) -> None:
        self.id = office_id
        self.accepted: list[UUID] = []
        self.outbox = folder / f"{office_id}.db"
        self._random = random.Random(seed)  # noqa: S311 - a test's events, not a secret
        self._office = open_office(self.outbox, office_id, [Office(id=office_id)])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"office-{office_id}")

    def open_for_business(self) -> None:
        """Begin to record, until ``close``."""
        self._thread.start()

    def close(self) -> None:
        """Record no more."""
        self._stop.set()
        self._thread.join()
        self._office.close()

    def _work(self) -> None:
        number = 0
        while not self._stop.wait(self._random.uniform(0.005, 0.05)):
            number += 1
            self._record(number)

    def _record(self, number: int) -> None:
        about = {"case_id": f"case-{self.id}-{number // 2}", "encounter_id": f"encounter-{self.id}-{number}"}
        now = to_datetime(now_ms())
        events: list[FieldEvent] = [
            EncounterReported(**about, occurred_at=now, match="POTENTIAL", custody="IN_CUSTODY", label="CUI_LES")
        ]
        if self._random.random() < 0.7:
            report = {"channel": "COURIER", "report_reference": f"r-{number}", "report_sha256": DIGEST}
            events.append(IncidentReported(**about, occurred_at=now, stage="INITIAL", **report))
        self._random.shuffle(events)
        self.accepted += [accepted.event_id for accepted in self._office.accept_many(events)]


class HasOutbox(Protocol):
    """An office, as its relay sees it."""

    @property
    def outbox(self) -> Path:
        """Give the file."""


class RelayProcess(Program):
    """``field-office relay``, with ``more`` options."""

    def __init__(self, office: HasOutbox, bootstrap: str, log: Path, *more: str) -> None:
        super().__init__(log, "muster_field", "relay", "--outbox", str(office.outbox), "--bootstrap", bootstrap, *more)


def pending(office: BusyOffice) -> int:
    """Count the events that the broker has not acknowledged."""
    outbox = Outbox.open(office.outbox)
    try:
        return outbox.state().pending
    finally:
        outbox.close()


def soon(seconds: float) -> int:
    """Give an instant after now, in UTC milliseconds."""
    return now_ms() + int(timedelta(seconds=seconds).total_seconds() * 1000)


class Offices:
    """Busy offices with their relays."""

    def __init__(self, folder: Path, bootstrap: str, offices: Sequence[str], seed: int = 0) -> None:
        self.offices = [BusyOffice(folder, office, seed + n) for n, office in enumerate(offices)]
        self.relays = [RelayProcess(o, bootstrap, folder / f"{o.id}.log") for o in self.offices]

    def open_for_business(self) -> None:
        """Begin to record and to relay."""
        for office, relay in zip(self.offices, self.relays, strict=True):
            office.open_for_business()
            relay.start()

    def accepted(self) -> set[UUID]:
        """Give the ids that the API had returned."""
        return {event_id for office in self.offices for event_id in office.accepted}

    def close(self) -> None:
        """Close the offices and wait until the broker has acknowledged all that they recorded."""
        for office in self.offices:
            office.close()
        deadline = time.monotonic() + PATIENCE
        while waiting := sum(pending(office) for office in self.offices):
            assert time.monotonic() < deadline, f"the relays did not empty the outboxes: {waiting} events wait"
            time.sleep(0.1)

    def kill(self) -> None:
        """End what still runs."""
        for office in self.offices:
            office.close()
        for relay in self.relays:
            relay.kill()
