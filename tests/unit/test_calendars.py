"""Days of an office: against a walk that looks at every minute, and the library's holidays as they are asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_contract.register import Office
from muster_contract.times import parse_instant, to_datetime, to_ms
from muster_hq.calendar_reader import zones_of
from muster_hq.calendars import DAY, Calendar, LocalDays, due_of, public_holidays

ZONES = [
    "America/Chicago",
    "America/Sao_Paulo",  # set its clocks forward at midnight
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Apia",  # left out a whole day
    "Asia/Kolkata",
    "UTC",
]
MINUTE = 60_000
US = Calendar("US")


@cache
def zone(name: str) -> ZoneInfo:
    """Read a zone once."""
    return zones_of([Office(id="a", zone=name)])["a"]


def is_worked(day: date) -> bool:
    """Ask the library itself."""
    return day.weekday() < 5 and day not in holidays.country_holidays("US", years=day.year)


def walked(anchor: int, number: int, kind: str, at: time | None, where: ZoneInfo) -> int:
    """Find the due time by walking: day after day, then minute after minute of the days around the last."""
    day = to_datetime(anchor).astimezone(where).date()
    for _ in range(number):
        day += timedelta(days=1)
        while kind == "working" and not is_worked(day):
            day += timedelta(days=1)
    while kind == "rolled" and not is_worked(day):
        day += timedelta(days=1)
    wanted = datetime.combine(day, at) if at else datetime.combine(day + timedelta(days=1), time())
    middle = to_ms(wanted.replace(tzinfo=UTC))
    instants = range(middle - 30 * 60 * MINUTE, middle + 54 * 60 * MINUTE, MINUTE)
    walls = [to_datetime(instant).astimezone(where).replace(tzinfo=None) for instant in instants]
    shown = [instant for instant, wall in zip(instants, walls, strict=True) if wall == wanted]
    if not shown:  # clocks jumped over it: so much after the last minute before
        steps = zip(instants, walls, walls[1:], strict=False)
        last, wall = next((instant, wall) for instant, wall, after in steps if wall < wanted < after)
        shown = [last + (wanted - wall) // timedelta(milliseconds=1)]
    return max(shown) if at else max(shown) - 1


@given(
    anchor=st.integers(parse_instant("2009-01-01T00:00:00Z"), parse_instant("2019-01-01T00:00:00Z")),
    number=st.integers(1, 8),
    kind=st.sampled_from(["working", "local", "rolled"]),
    at=st.none() | st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    name=st.sampled_from(ZONES),
)
def test_a_due_time_is_where_a_walk_arrives(anchor: int, number: int, kind: str, at: time | None, name: str) -> None:
    """Whatever the zone, the anchor and the time of the clock."""
    limit = LocalDays(number, kind == "working", None if kind == "local" else US, at)
    assert due_of(anchor, limit, zone(name)) == walked(anchor, number, kind, at, zone(name))


CHANGES = [
    ("America/Chicago", "2016-03-12T12:00:00Z", time(2, 30)),
    ("America/Chicago", "2016-03-12T12:00:00Z", time(2, 0)),
    ("America/Chicago", "2016-03-12T12:00:00Z", time(3, 0)),
    ("America/Chicago", "2016-11-05T12:00:00Z", time(1, 0)),
    ("America/Chicago", "2016-11-05T12:00:00Z", time(1, 59)),
    ("America/Chicago", "2016-11-05T12:00:00Z", time(2, 0)),
    ("America/Chicago", "2016-11-06T06:30:00Z", None),
    ("America/Sao_Paulo", "2016-10-14T12:00:00Z", None),
    ("America/Sao_Paulo", "2016-10-15T12:00:00Z", time(0, 30)),
    ("America/Sao_Paulo", "2016-02-19T12:00:00Z", None),
    ("America/Sao_Paulo", "2016-02-19T12:00:00Z", time(23, 30)),
    ("Australia/Lord_Howe", "2016-10-01T00:00:00Z", time(2, 15)),
    ("Australia/Lord_Howe", "2016-04-01T14:00:00Z", time(1, 45)),
    ("Pacific/Apia", "2011-12-29T12:00:00Z", time(8, 0)),
    ("Pacific/Apia", "2011-12-29T12:00:00Z", None),
]


@pytest.mark.parametrize(("name", "anchor", "at"), CHANGES)
def test_a_day_on_which_clocks_change_is_walked_as_well(name: str, anchor: str, at: time | None) -> None:
    """Gaps, folds, both of their edges, and a day that was left out."""
    limit = LocalDays(1, working=False, calendar=None, at=at)
    instant = parse_instant(anchor)
    assert due_of(instant, limit, zone(name)) == walked(instant, 1, "local", at, zone(name))


@given(
    anchor=st.integers(parse_instant("2009-01-01T00:00:00Z"), parse_instant("2019-01-01T00:00:00Z")),
    name=st.sampled_from(ZONES),
)
def test_what_is_due_is_due_after_its_anchor(anchor: int, name: str) -> None:
    """Even the shortest limit, which ends as the next day begins."""
    assert due_of(anchor, LocalDays(1, working=False, calendar=None, at=time()), zone(name)) > anchor


def test_what_the_library_says_of_a_day_does_not_depend_on_what_else_it_was_asked() -> None:
    """New Year's Day 2022 was observed in 2021: each year is asked by itself."""
    assert date(2021, 12, 31) in public_holidays("US", 2021)
    assert all(day.year == 2022 for day in public_holidays("US", 2022))


def test_a_calendar_is_asked_in_this_order() -> None:
    """Days that are worked all the same, then days without work, the weekend, pinned years, and last the library."""
    eleventh, fourth = date(2016, 11, 11), date(2016, 7, 4)
    saturday, monday = date(2016, 7, 9), date(2016, 7, 11)
    assert [US.is_worked(day) for day in (eleventh, fourth, saturday, monday)] == [False, False, False, True]
    other = Calendar(
        "US",
        weekend=frozenset({6}),
        closed=frozenset({monday}),
        worked=frozenset({eleventh}),
        years={2016: frozenset({date(2016, 7, 5)})},
    )
    assert [other.is_worked(day) for day in (eleventh, fourth, saturday, monday)] == [True, True, True, False]
    assert not other.is_worked(date(2016, 7, 5))
    assert not other.is_worked(date(2017, 7, 4)), "a year that is not pinned is the library's"


def test_a_calendar_of_its_own_has_no_holidays_but_its_own() -> None:
    """The library is not asked."""
    assert Calendar(None).is_worked(date(2016, 7, 4))


def test_an_office_that_left_the_register_lives_by_utc() -> None:
    """And before a register was read, nobody says when anything is due."""
    limit = LocalDays(1, working=False, calendar=None, at=time(8))
    known = LocalDays(1, working=False, calendar=None, at=time(8), zones={"a": zone("America/Chicago")})
    noon = parse_instant("2016-03-01T12:00:00Z")
    assert known.due(noon, "a") == parse_instant("2016-03-02T08:00:00-06:00")
    assert known.due(noon, "gone") == parse_instant("2016-03-02T08:00:00Z")
    with pytest.raises(ValueError, match="time zones"):
        limit.due(noon, "a")


def test_its_usual_length_is_its_days() -> None:
    """For what needs a length: the bounds of a histogram."""
    assert LocalDays(5, working=True, calendar=US, at=None).nominal == 5 * DAY
