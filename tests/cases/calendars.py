"""Limits in days of the office: each due time is written with the offset that the office's clock had, by hand."""

from __future__ import annotations

from collections.abc import Sequence

from muster_contract.register import Office
from muster_contract.times import parse_instant
from tests.cases.builders import T0, Case, Event, Expected, encounter, follow_up, report, v
from tests.cases.policies import HEAD, WRITTEN

REGISTER = (Office(id="a", zone="America/Chicago"), Office(id="b", zone="Asia/Tokyo"), Office(id="c"))


def at(text: str) -> int:
    """Give milliseconds after T0 of a time with its offset."""
    return parse_instant(text) - T0


def within(limit: str, more: str = "") -> str:
    """Give a policy with one requirement and this limit."""
    return f"""{HEAD}
[[requirement]]
id = "report"
opens_on = {{ event = "EncounterReported" }}
satisfied_by = {{ event = "IncidentReported", stage = "INITIAL" }}
within = {{ {limit} }}
{more}"""


def days(  # noqa: PLR0913 - a case's parts
    name: str, limit: str, events: Sequence[Event], verdicts: Sequence[Expected], *, as_of: str, more: str = ""
) -> Case:
    """Build a case of the three offices."""
    return Case(name, within(limit, more), events, verdicts, as_of=at(as_of), register=REGISTER)


def missed(due: str, occurrence: int = 1, why: str = "E", office: str = "a", enc: str = "e") -> Expected:
    """Give the verdict on a report that was not there by its due time."""
    return v("report", occurrence, "MISSED", at(due), due=at(due), why=why, office=office, enc=enc)


FIVE = 'working_days = 5, calendar = "US", at = "17:00"'
MONDAY_EVENING = at("2016-02-29T18:30:00-06:00")
ON_MONDAY = at("2016-03-07T17:00:00-06:00")
A_YEAR = "2017-03-01T00:00:00Z"

CASES: Sequence[Case] = (
    days(
        "five working days after the day of the anchor, at five by the office's clock, inclusive",
        FIVE,
        [encounter("E", MONDAY_EVENING), report("S", ON_MONDAY)],
        [v("report", 1, "ON_TIME", ON_MONDAY, due=ON_MONDAY, got=ON_MONDAY, why="E S")],
        as_of="2016-03-08T00:00:00Z",
    ),
    days(
        "a millisecond later is late",
        FIVE,
        [encounter("E", MONDAY_EVENING), report("S", ON_MONDAY + 1)],
        [
            v("report", 1, "MISSED", ON_MONDAY, due=ON_MONDAY, why="E"),
            v("report", 1, "LATE", ON_MONDAY + 1, due=ON_MONDAY, got=ON_MONDAY + 1, why="E S"),
        ],
        as_of="2016-03-08T00:00:00Z",
    ),
    days(
        "one instant is another day in another office: there it was Tuesday already",
        FIVE,
        [encounter("E", MONDAY_EVENING), encounter("F", MONDAY_EVENING, office="b", enc="f")],
        [
            v("report", 1, "MISSED", ON_MONDAY, due=ON_MONDAY, why="E"),
            missed("2016-03-08T17:00:00+09:00", why="F", office="b", enc="f"),
        ],
        as_of="2016-03-09T00:00:00Z",
    ),
    days(
        "an anchor on a Saturday is day zero as any other: day one is Monday",
        'working_days = 1, calendar = "US", at = "09:00"',
        [encounter("E", at("2016-03-05T12:00:00-06:00"))],
        [missed("2016-03-07T09:00:00-06:00")],
        as_of="2016-03-08T00:00:00Z",
    ),
    days(
        "Easter is four days without work, and the clocks change in it",
        'working_days = 1, calendar = "GB-ENG", at = "09:00"',
        [encounter("E", at("2016-03-24T08:00:00Z"), office="c")],
        [missed("2016-03-29T09:00:00Z", office="c")],
        as_of="2016-03-30T00:00:00Z",
    ),
    days(
        "without a time the day is due to its last millisecond, though it has 23 hours",
        "local_days = 1",
        [encounter("E", at("2016-03-12T23:59:59.999-06:00"))],
        [missed("2016-03-13T23:59:59.999-05:00")],
        as_of="2016-03-15T00:00:00Z",
    ),
    days(
        "a time that is left out in spring is as much later as the clocks jump",
        'local_days = 1, at = "02:30"',
        [encounter("E", at("2016-03-12T12:00:00-06:00"))],
        [missed("2016-03-13T03:30:00-05:00")],
        as_of="2016-03-15T00:00:00Z",
    ),
    days(
        "a time that comes twice in autumn counts when it comes again",
        'local_days = 1, at = "01:30"',
        [encounter("E", at("2016-11-05T12:00:00-05:00")), report("S", at("2016-11-06T01:30:00-06:00"))],
        [
            v(
                "report",
                1,
                "ON_TIME",
                at("2016-11-06T01:30:00-06:00"),
                due=at("2016-11-06T01:30:00-06:00"),
                got=at("2016-11-06T01:30:00-06:00"),
                why="E S",
            )
        ],
        as_of=A_YEAR,
    ),
    days(
        "thirty days that end on a Sunday are due on Monday where they roll",
        'local_days = 30, calendar = "US", roll = "following", at = "17:00"',
        [encounter("E", at("2016-03-04T12:00:00-06:00"))],
        [missed("2016-04-04T17:00:00-05:00")],
        as_of="2016-04-06T00:00:00Z",
    ),
    days(
        "and on Sunday where they do not",
        'local_days = 30, at = "17:00"',
        [encounter("E", at("2016-03-04T12:00:00-06:00"))],
        [missed("2016-04-03T17:00:00-05:00")],
        as_of="2016-04-06T00:00:00Z",
    ),
    days(
        "the next of what recurs, and what follows, count from the day of the report",
        'local_days = 1, at = "08:00"',
        [
            encounter("E", at("2016-03-01T12:00:00-06:00")),
            report("S", at("2016-03-02T07:00:00-06:00"), own=at("2016-03-01T23:00:00-06:00")),
            follow_up("T", at("2016-03-03T08:00:00-06:00")),
        ],
        [
            v(
                "report",
                1,
                "ON_TIME",
                at("2016-03-02T07:00:00-06:00"),
                due=at("2016-03-02T08:00:00-06:00"),
                got=at("2016-03-02T07:00:00-06:00"),
                why="E S",
            ),
            missed("2016-03-02T08:00:00-06:00", occurrence=2, why="E S"),
            v(
                "written",
                1,
                "ON_TIME",
                at("2016-03-03T08:00:00-06:00"),
                due=at("2016-03-03T08:00:00-06:00"),
                got=at("2016-03-03T08:00:00-06:00"),
                why="E S T",
            ),
        ],
        as_of="2016-03-04T00:00:00Z",
        more="recurs = true\n" + WRITTEN.replace('within = "PT0.020S"', 'within = { local_days = 1, at = "08:00" }'),
    ),
)
