"""A program that records events until it is killed, and writes down what ``accept`` returned: python -m, two paths."""

from __future__ import annotations

import os
import sys
from itertools import count
from pathlib import Path

from muster_contract.register import Office
from muster_field.wiring import open_office
from tests.schemas.builders import event_of


def record(outbox: Path, promised: Path) -> None:
    """Record single events and batches in turn; a line is written, and synced, once the API has returned."""
    with open_office(outbox, "dal", [Office(id="dal")]) as office, promised.open("a", encoding="ascii") as file:
        for number in count():
            kinds = ["EncounterReported", "IncidentReported"]
            events = [event_of(kinds[(number + n) % 2]) for n in range(1 if number % 3 else 20)]
            accepted = office.accept_many(events)
            file.writelines(f"{one.event_id} {one.stream} {one.sequence}\n" for one in accepted)
            file.flush()
            os.fsync(file.fileno())


if __name__ == "__main__":
    record(Path(sys.argv[1]), Path(sys.argv[2]))
