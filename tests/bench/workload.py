"""The one workload of all benchmarks: 50 offices, foreign random ids, half of the events on older cases.

Everything follows from the seed and the start, so that two runs write the same bytes. Shares of types are those
of a plausible year: most encounters are no match or a potential one, about half of the potential matches
turn out to be none, and one encounter in ten is entered two days late, so that its report is missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from muster_contract.codec import encode
from muster_contract.topics import stream_of_type

OFFICES = tuple(f"o{number:02d}" for number in range(50))
SEED = 20160101
AGE = 10_000
"""How many events must lie between a case's encounter and what follows on it: more than one batch."""

_DAY = 86_400_000
_FOLLOW_UPS: dict[str, tuple[tuple[int, str, dict[str, Any]], ...]] = {
    "NONE": (
        (35, "StepDocumented", {"step": "INITIAL_CHECK"}),
        (30, "ScreeningCompleted", {"kind": "INITIAL", "outcome": "NO_MATCH"}),
        (20, "CustodyChanged", {"to": "SUPERVISED"}),
        (10, "CustodyChanged", {"to": "REMOVED"}),
        (5, "ScreeningCompleted", {"kind": "RESCREEN", "outcome": "NO_MATCH"}),
    ),
    "POTENTIAL": (
        (30, "IncidentReported", {"stage": "INITIAL", "channel": "UNCLASSIFIED"}),
        (15, "IncidentReported", {"stage": "FOLLOW_UP", "channel": "CLASSIFIED"}),
        (20, "MatchResolved", {"outcome": "NOT_A_MATCH"}),
        (10, "MatchResolved", {"outcome": "CONFIRMED"}),
        (15, "StepDocumented", {"step": "CASE_NOTE"}),
        (8, "CustodyChanged", {"to": "IN_CUSTODY"}),
        (1, "EncounterVoided", {"reason": "ENTERED_IN_ERROR"}),
        (1, "TransferDeclined", {"jurisdiction": "US-CA"}),
    ),
    "CONFIRMED": (
        (45, "IncidentReported", {"stage": "INITIAL", "channel": "CLASSIFIED"}),
        (30, "IncidentReported", {"stage": "FOLLOW_UP", "channel": "CLASSIFIED"}),
        (15, "InformationShared", {"channel": "CLASSIFIED", "receipt_reference": "receipt-1"}),
        (10, "CustodyChanged", {"to": "IN_CUSTODY"}),
    ),
}
"""What follows on a case, by what its first check said, with weights."""


class Event(NamedTuple):
    """One record to be: on which stream, its bytes, when it was recorded, and which case it is of."""

    stream: str
    value: bytes
    recorded_at: int
    case_id: str


class Story(NamedTuple):
    """A case that goes on: whose it is, and what opened it."""

    office: str
    case_id: str
    encounter_id: str
    event_id: bytes
    match: str


def workload(count: int, start: int, seed: int = SEED) -> Iterator[Event]:
    """Give ``count`` events of many cases, recorded from ``start`` (UTC milliseconds) on, four a millisecond."""
    writer = Writer(Random(seed))  # noqa: S311 - a workload, not a secret
    stories: list[Story] = []
    for number in range(count):
        now = start + number // 4
        old = number - AGE
        if number % 2 and old > 0:
            # About every second number began a story, so these are at least AGE events old.
            yield writer.follow_up(stories[writer.random.randrange(old // 2 + 1)], now)
        else:
            story, event = writer.encounter(now)
            stories.append(story)
            yield event


def long_cases(count: int, start: int, events_a_case: int = 500, seed: int = SEED) -> Iterator[Event]:
    """Give ``count`` events of few cases, each of ``events_a_case`` events, all growing side by side."""
    writer = Writer(Random(seed))  # noqa: S311 - the same
    begun = [writer.encounter(start) for _ in range(max(1, count // events_a_case))]
    yield from (event for _, event in begun)
    for number in range(len(begun), count):
        yield writer.follow_up(writer.random.choice(begun)[0], start + number // 4)


class Writer:
    """Writes events with numbers and ids as an outbox would."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self._sequences: dict[str, int] = {}
        self._epoch = random.randbytes(16)

    def encounter(self, now: int) -> tuple[Story, Event]:
        """Begin a story with its encounter."""
        random = self.random
        (match,) = random.choices(("NONE", "POTENTIAL", "CONFIRMED"), (50, 42, 8))
        occurred_at = now - (2 * _DAY if random.random() < 0.1 else random.randrange(3_600_000))
        story = Story(random.choice(OFFICES), self._foreign_id(), self._foreign_id(), self._event_id(now), match)
        fields = {"match": match, "custody": "IN_CUSTODY"}
        return story, self._event("EncounterReported", story, now, occurred_at, story.event_id, fields)

    def follow_up(self, story: Story, now: int) -> Event:
        """Go on with a story."""
        choices = _FOLLOW_UPS[story.match]
        ((_, event_type, fields),) = self.random.choices(choices, [weight for weight, *_ in choices])
        if event_type == "IncidentReported":
            fields = fields | {"report_reference": self._foreign_id(), "report_sha256": self.random.randbytes(32)}
        elif event_type == "EncounterVoided":
            fields = fields | {"voids": story.event_id}
        return self._event(event_type, story, now, now - self.random.randrange(600_000), self._event_id(now), fields)

    def say(self, event_type: str, story: Story, now: int, **fields: Any) -> Event:  # noqa: ANN401 - as codecs take them
        """Go on with a story in this way, of a minute ago."""
        return self._event(event_type, story, now, now - 60_000, self._event_id(now), fields)

    def new_id(self) -> str:
        """Make an opaque id."""
        return self._foreign_id()

    def _event(  # noqa: PLR0913, PLR0917 - what every event has, and its own fields
        self, event_type: str, story: Story, now: int, occurred_at: int, event_id: bytes, fields: dict[str, Any]
    ) -> Event:
        stream = stream_of_type(event_type, story.office)
        sequence = self._sequences[stream] = self._sequences.get(stream, 0) + 1
        common = {
            "event_id": event_id,
            "office_id": story.office,
            "epoch": self._epoch,
            "sequence": sequence,
            "case_id": story.case_id,
            "encounter_id": story.encounter_id,
            "occurred_at": occurred_at,
            "recorded_at": now,
            "label": "CUI_LES",
        }
        return Event(stream, encode(event_type, common | fields), now, story.case_id)

    def _foreign_id(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def _event_id(self, now: int) -> bytes:
        """Make an id that is greater than all before: time-ordered, as the outbox makes them (UUIDv7)."""
        random = self.random.getrandbits(74)
        number = now << 80 | 7 << 76 | random >> 62 << 64 | 2 << 62 | random & (1 << 62) - 1
        return number.to_bytes(16, "big")
