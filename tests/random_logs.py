"""Random policies, logs and ways to read them: small and dense, so that what is rare elsewhere happens here.

An example shrinks to a policy of a line and a few events; what it then shows belongs into tests/cases/found.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import time, timedelta, timezone
from functools import partial
from typing import NamedTuple
from uuid import UUID

from hypothesis import strategies as st

from muster_contract.codec import PULSE
from muster_contract.headers import Headers
from muster_contract.topics import DIRECTIVES, encounters, incidents, streams_of
from muster_hq.calendars import LocalDays
from muster_hq.patterns import Pattern
from muster_hq.policies import Policies
from muster_hq.policy import Policy, Requirement
from muster_hq.records import Record
from tests.builders import records_of
from tests.cases.bad_records import heartbeat, lodged
from tests.cases.builders import (
    T0,
    Event,
    confirmed,
    encounter,
    follow_up,
    not_a_match,
    pulse,
    raw,
    removed,
    report,
    retract,
    screening,
    stream_of,
    supervised,
    value_of,
    void,
)

OFFICES = ("a", "b")
"""The register; an office z that is not in it writes too, now and then."""
STREAMS = streams_of(OFFICES)
ZONES = {"a": timezone(timedelta(milliseconds=-20)), "b": timezone(timedelta(milliseconds=-33))}
NEXT_DAY = LocalDays(1, working=False, calendar=None, at=time(), zones=ZONES)
"""Due as the office's next day begins: soon after T0 for what is anchored before that, and a day later for the rest."""


Place = tuple[str, int]
"""A stream and an offset."""


@dataclass(frozen=True)
class Log:
    """A log and the policies that judge it, up to an instant in UTC milliseconds.

    ``unread`` are records that the program which took them in could not read.
    """

    policies: Policies
    events: Sequence[Event]
    as_of: int
    unread: frozenset[Place] = frozenset()

    @property
    def records(self) -> list[Record]:
        """The log's records."""
        return [
            record._replace(headers=partial(_headers, *event.fields["number"])) if "number" in event.fields else record
            for event, record in zip(self.events, records_of(*self.events), strict=True)
        ]


PATTERNS = (
    Pattern("EncounterReported", {"match": frozenset({"POTENTIAL", "CONFIRMED"})}),
    Pattern("MatchResolved", {"outcome": frozenset({"CONFIRMED"})}),
    Pattern("MatchResolved", {"outcome": frozenset({"NOT_A_MATCH"})}),
    Pattern("IncidentReported", {"stage": frozenset({"INITIAL"})}),
    Pattern("IncidentReported", {"stage": frozenset({"FOLLOW_UP"})}),
    Pattern("ScreeningCompleted", {}),
    Pattern("CustodyChanged", {"to": frozenset({"SUPERVISED"})}),
    Pattern("CustodyChanged", {"to": frozenset({"REMOVED"})}),
    Pattern("EncounterVoided", {}),
    Pattern("IncidentRetracted", {}),
)


LODGED = (Pattern("ReportLodged", {"stage": frozenset({"INITIAL"})}), Pattern("ReportLodged", {}))
"""What satisfies, and has no other part."""


def _satisfying(*patterns: int) -> st.SearchStrategy[tuple[Pattern, ...]]:
    """Draw what satisfies: patterns as from ``_some``, now and then what lies at headquarters, or both."""
    lodged = st.sampled_from(LODGED)
    choices = [_some(*patterns), _some(*patterns), lodged.map(lambda one: (one,))]
    both = st.builds(lambda one, usual: (one, *usual), lodged, _some(*patterns))
    return st.one_of(*choices, both)


def _some(*patterns: int, least: int = 1) -> st.SearchStrategy[tuple[Pattern, ...]]:
    """Draw patterns: mostly those of these numbers, now and then any."""
    anything = st.lists(st.sampled_from(PATTERNS), min_size=least, max_size=2, unique_by=id).map(tuple)
    usual = tuple(PATTERNS[number] for number in patterns)
    return st.integers(0, 5).flatmap(lambda choice: anything if choice == 5 else st.just(usual))


@st.composite
def policies(draw: st.DrawFn) -> Policies:
    """Draw up to three versions of a policy, of up to three requirements; the scope of an id does not change."""
    scopes = {name: draw(st.sampled_from(["encounter", "case"])) for name in ("first", "second", "third")}
    starts = draw(st.lists(st.integers(1, 60), max_size=2, unique=True))
    return Policies([draw(_versions(number, start, scopes)) for number, start in enumerate([None, *starts], 1)])


@st.composite
def _versions(draw: st.DrawFn, number: int, start: int | None, scopes: dict[str, str]) -> Policy:
    lines: list[Requirement] = []
    for name in list(scopes)[: draw(st.integers(1, 3))]:
        follows = draw(st.sampled_from([None, *lines]))
        lines.append(
            Requirement(
                id=name,
                opens_on=() if follows else draw(_some(0, 1)),
                follows=follows.id if follows else None,
                satisfied_by=draw(_satisfying(4) if follows else _satisfying(3)),
                waived_by=draw(_some(2, least=0)) or (follows.waived_by if follows else ()),
                ends_on=draw(_some()),
                anchor="received_at" if follows else draw(st.sampled_from(["occurred_at", "received_at"])),
                within=draw(st.sampled_from([10, 3, 0, 40])),
                days=draw(st.sampled_from([None, None, None, NEXT_DAY])),
                scope="case" if scopes[name] == "case" else "encounter",
                by=draw(st.sampled_from(["office", "office", "any"])),
                recurs=draw(st.booleans()),
            )
        )
    return Policy(
        id="p",
        version=number,
        requirements=tuple(lines),
        effective=None if start is None else T0 + start,
        outage_after=draw(st.sampled_from([None, 5, 10])),
        outage_grace=draw(st.sampled_from([0, 1, 15])),
        orphan_after=draw(st.sampled_from([10, 0, 25, 100])),
        gap_after=draw(st.sampled_from([10, 0, 1, 40])),
        silent_after=draw(st.sampled_from([None, 5, 15, 40])),
    )


class _Step(NamedTuple):
    """What a log says next. ``again`` looks back: to the event that is copied, contradicted or withdrawn.

    ``number`` is how far from the last one of its epoch its number is; None for none.
    """

    gap: int
    kind: str
    own: int
    office: str
    case: str
    encounter: str
    again: int
    epoch: int
    number: int | None


_PLAIN: dict[str, Callable[..., Event]] = {
    "E": encounter,
    "R": report,
    "F": follow_up,
    "C": confirmed,
    "N": not_a_match,
    "S": screening,
    "U": supervised,
    "X": removed,
}
_KINDS = "EEERRRRFFFCNSUX" + "VVV" + "TTT" + "DK" + "BQLLLL" + "PAA"
"""How often each comes: plain events, voids, retractions, copies and contradictions, bad ones, pulses."""
_LONG_KINDS = "EERRRRFFFFFFSSSSSSSCNUUX" + "VT" + "P"
"""How often each comes in a long log: much recurs, little is withdrawn."""


def _steps(kinds: str, cases: str, encounters: str) -> st.SearchStrategy[list[_Step]]:
    return st.lists(
        st.builds(
            _Step,
            st.sampled_from([0, 1, 0, 2, 5, 13]),
            st.sampled_from(kinds),
            st.sampled_from([0, 0, 0, -1, -9, 7]),
            st.sampled_from("aaaaaabz"),
            st.sampled_from(cases),
            st.sampled_from(encounters),
            st.integers(1, 4),
            st.sampled_from([1, 1, 1, 1, 1, 2]),
            st.sampled_from([None, 1, 1, 1, 1, 2, 3, 0, -1, -2]),
        ),
        max_size=12,
    )


_STEPS = _steps(_KINDS, "cccccd", "eeeeef")
_LONG_STEPS = _steps(_LONG_KINDS, "c", "eeeeefffghijkl")
_BAD_VALUES = (b"", b"junk", PULSE + b"x")


def logs() -> st.SearchStrategy[Log]:
    """Draw a log and its policies."""
    return _logs(_STEPS, 4)


def long_logs() -> st.SearchStrategy[Log]:
    """Draw a log of one long case, of many encounters and of much that recurs, and its policies."""
    return _logs(_LONG_STEPS, 9)


@st.composite
def _logs(draw: st.DrawFn, steps: st.SearchStrategy[list[_Step]], times: int) -> Log:
    events: list[Event] = []
    at = 1
    for number, step in enumerate([step for _ in range(times) for step in draw(steps)]):
        at += step.gap
        events += _events(number, step, at, events)
    for gap in draw(st.lists(st.integers(1, 40), max_size=6)):
        at += gap
        events += [pulse(at, stream) for stream in STREAMS]
    return Log(draw(policies()), events, T0 + at + draw(st.sampled_from([0, 60, 1, -3])))


def _events(number: int, step: _Step, at: int, before: Sequence[Event]) -> list[Event]:
    name, where = str(number), {"office": step.office, "case": step.case, "enc": step.encounter}
    if step.kind in _PLAIN:
        event = _PLAIN[step.kind](name, at, own=at + step.own, **where)
        if event.type == "IncidentReported":
            event = event._replace(fields=dict(event.fields) | _named(number))
        return [_numbered(event, step, before)]
    if step.kind in "VT":
        withdraw = void if step.kind == "V" else retract
        event = withdraw(name, at, _withdrawn(number, step, before), own=at + step.own, **where)
        return [_numbered(event, step, before)]
    old = before[-step.again] if step.again <= len(before) else encounter(name, at, **where)
    if step.kind == "D":
        return [old._replace(at=at)]
    if step.kind == "K":
        return [report(old.name, at, own=at + step.own, **where)]
    return _others(number, step, at, before)


def _named(number: int) -> dict[str, object]:
    """Let a report name one of two references, and mostly the same digest."""
    return {"report_reference": "r" if number % 3 else "q", "report_sha256": bytes([number % 4 == 3] * 32)}


def _numbered(event: Event, step: _Step, before: Sequence[Event]) -> Event:
    """Give an event a number: the next one of its epoch and stream, or one near that."""
    if step.number is None:
        return event
    number = max(1, _last_number(stream_of(event), step, before) + step.number)
    return event._replace(fields=dict(event.fields) | {"epoch": bytes([step.epoch] * 16), "sequence": number})


def _last_number(stream: str, step: _Step, before: Sequence[Event]) -> int:
    numbers = [
        e.fields["sequence"]
        for e in before
        if stream_of(e) == stream and e.fields.get("epoch") == bytes([step.epoch] * 16)
    ]
    return max(numbers, default=0)


def _headers(epoch: int, number: int) -> Headers:
    return [("epoch", str(UUID(bytes=bytes([epoch] * 16))).encode()), ("sequence", str(number).encode())]


def _withdrawn(number: int, step: _Step, before: Sequence[Event]) -> str:
    """Name the event that is withdrawn: one of the last of its office, or one that has not come."""
    reports = step.kind == "T"
    fitting = [e.name for e in before if e.office == step.office and (e.type == "IncidentReported") == reports]
    return fitting[-step.again] if step.again <= min(3, len(fitting)) else str(number + step.again)


def _others(number: int, step: _Step, at: int, before: Sequence[Event]) -> list[Event]:
    """Give records that are no facts of a case: bad ones, those of the office and headquarters, pulses."""
    if step.kind == "B":
        fault = ({"label": "SECRET"}, {"office_id": "b"}, {"sequence": -1})[number % 3]
        bad = report(str(number), at, office=step.office, **fault)
        return [_with_headers(raw(value_of(bad), at, stream_of(bad)), step, before)]
    if step.kind == "Q":
        return [_with_headers(raw(_BAD_VALUES[number % 3], at, STREAMS[step.again]), step, before)]
    if step.kind == "L":
        beat = heartbeat(office_id=step.office, recorded_at=T0 - step.own, **_said_of_numbers(step, before))
        reference = ("r", "q", "r", "r", "no reference")[number % 5]
        report_lodged = lodged(str(number - step.again % 3), reference, number % 3 == 1)
        return [raw(report_lodged, at, DIRECTIVES), raw(beat, at, encounters(step.office))]
    streams = STREAMS if step.kind == "A" else [STREAMS[step.again]]
    return [pulse(at, stream) for stream in streams]


def _with_headers(event: Event, step: _Step, before: Sequence[Event]) -> Event:
    """Let the headers of what cannot be applied name a number."""
    if step.number is None:
        return event
    number = max(1, _last_number(stream_of(event), step, before) + step.number)
    return event._replace(fields=dict(event.fields) | {"number": (step.epoch, number)})


def _said_of_numbers(step: _Step, before: Sequence[Event]) -> dict[str, object]:
    """Let a heartbeat be right about its numbers, or ahead of what came; something may be pending."""
    ahead = max(0, step.number or 0)
    last = [_last_number(stream(step.office), step, before) + ahead for stream in (encounters, incidents)]
    lowest = [max(0, n - step.again + 2) if step.own else None for n in last]
    return {
        "epoch": bytes([step.epoch] * 16),
        "last_encounter_sequence": last[0],
        "last_incident_sequence": last[1],
        "lowest_pending_encounter_sequence": lowest[0],
        "lowest_pending_incident_sequence": lowest[1],
    }


class Dice:
    """Choices that shrink: a short list of numbers, thrown over and over."""

    def __init__(self, throws: Sequence[int]) -> None:
        self._throws = throws
        self._next = 0

    def throw(self, sides: int) -> int:
        """Give a number below ``sides``; the next one differs, and 0 is the simplest."""
        self._next += 1
        return self._throws[self._next % len(self._throws)] % sides


dice = st.lists(st.integers(0, 23), min_size=1, max_size=15).map(Dice)


def interleaved(records: Sequence[Record], choices: Dice) -> list[Record]:
    """Shuffle the streams into one another; the order within each is kept."""
    streams = {record.stream: [r for r in records if r.stream == record.stream] for record in records}
    waiting = [list(reversed(stream)) for stream in streams.values()]
    found = []
    while waiting:
        stream = waiting[choices.throw(len(waiting))]
        found.append(stream.pop())
        waiting = [stream for stream in waiting if stream]
    return found
