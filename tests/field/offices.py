"""Offices for tests: a clock that stands where it is put, ids in order, an outbox in a folder."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from uuid import UUID

from muster_contract.register import Office
from muster_field.office import FieldOffice
from muster_field.reserve import Reserve
from muster_field.wiring import new_id

NOW = 1_456_833_600_000  # 2016-03-01T12:00:00Z
DAL = Office(id="dal")
REGISTER = (DAL, Office(id="elp"))
ENCOUNTERS, INCIDENTS = "field.dal.encounters", "field.dal.incidents"


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> int:
        """Read it."""
        return self.now


def ids_in_order() -> Callable[[int], UUID]:
    """Give ids that count up, with the instant in front as a UUIDv7 has it."""
    numbers = count(1)
    return lambda now: UUID(int=now << 80 | 7 << 76 | 2 << 62 | next(numbers))


def office_at(folder: Path, clock: Clock | None = None, *, reserve: Reserve | None = None) -> FieldOffice:
    """Open office dal's outbox in a folder."""
    return FieldOffice.open(
        folder / "outbox.db", "dal", REGISTER, clock=clock or Clock(), new_id=new_id, reserve=reserve
    )
