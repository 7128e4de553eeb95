"""What a scenario consists of: steps that offices take at given instants, and the truth about them.

Steps carry the ids of their events, so that a scenario is a value: the same parameters, the same bytes.
Instants are UTC milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias
from uuid import UUID

from muster_contract.events import FieldEvent

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Record(NamedTuple):
    """The office records an event. One that is not ``sent`` stays behind in its outbox: a gap at headquarters."""

    at: int
    office: str
    event_id: UUID
    event: FieldEvent
    sent: bool = True


class Resend(NamedTuple):
    """The office sends an event a second time."""

    at: int
    office: str
    event_id: UUID


class Beat(NamedTuple):
    """The office's heartbeat."""

    at: int
    office: str
    event_id: UUID


class Pulse(NamedTuple):
    """Headquarters' clock passes on a stream: for log files only, since it is no step of an office's."""

    at: int
    stream: str


class Lodging(NamedTuple):
    """Headquarters' document system says that a report lies there: for log files only, as pulses are."""

    at: int
    event_id: UUID
    reference: str
    sha256: str


Ours: TypeAlias = Pulse | Lodging
"""What headquarters itself says, and no office."""
Step: TypeAlias = Record | Resend | Beat | Ours


class Expected(NamedTuple):
    """A verdict that must be found on a case."""

    requirement: str
    occurrence: int
    verdict: str
    at: int


@dataclass(slots=True)
class CaseTruth:
    """What is true of one case: its story's name, the verdicts, what fails in it, and what is outstanding.

    ``noncompliance`` is what it misses of the whole protocol; None where nobody went by that.
    """

    case_id: str
    office: str
    story: str
    verdicts: list[Expected] = field(default_factory=list)
    failings: list[str] = field(default_factory=list)
    outstanding: list[str] = field(default_factory=list)
    noncompliance: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """Steps in order of time, one epoch an office, and the truth. It is over, and all is judged, at ``end``."""

    name: str
    steps: tuple[Step, ...]
    epochs: dict[str, UUID]
    cases: tuple[CaseTruth, ...]
    end: int
    periods: tuple[tuple[str, int, int], ...] = ()
    sample: tuple[str, ...] = ()

    def between(self, start: int, end: int) -> list[Step]:
        """Give the steps at or after ``start`` and before ``end``."""
        return [step for step in self.steps if start <= step.at < end]


def in_order(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Sort steps by time; those of one instant stay in the order in which they were written."""
    return tuple(sorted(steps, key=lambda step: step.at))
