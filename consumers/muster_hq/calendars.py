"""Due times in the days of an office: local days or working days, at a time of its own clock (docs/verdicts.md).

Pure, and part of what a policy means, as patterns are: judging and the audit both ask it. The holidays and the time
zones are data of two pinned libraries; a policy may pin its holidays itself (docs/policy.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from holidays import country_holidays

from muster_contract.times import to_datetime, to_ms

DAY = 86_400_000
_ONE = timedelta(days=1)


@dataclass(frozen=True, eq=False)
class Calendar:
    """Which days are worked: those that are neither of the weekend nor holidays, unless it says otherwise.

    ``code`` is a country of the holidays library, and perhaps a part of it, such as US or US-CA; None for a
    calendar that has no holidays but its own. The library is not asked about ``years`` that are pinned.
    """

    code: str | None
    weekend: frozenset[int] = frozenset({5, 6})
    closed: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()
    years: Mapping[int, frozenset[date]] = field(default_factory=dict)

    def is_worked(self, day: date) -> bool:
        """Tell whether a day is a working day."""
        if day in self.worked:
            return True
        if day in self.closed or day.weekday() in self.weekend:
            return False
        pinned = self.years.get(day.year)
        if pinned is None:
            pinned = frozenset(public_holidays(self.code, day.year)) if self.code else frozenset()
        return day not in pinned


@lru_cache(maxsize=4096)
def public_holidays(code: str, year: int) -> Mapping[date, str]:
    """Give the library's public holidays of a year, observed days included, by name; NotImplementedError for none."""
    country, _, part = code.partition("-")
    found = country_holidays(country, subdiv=part or None, years=year)
    # Asked a year at a time: what the library says of a day depends on which years it has been asked about.
    return {day: name for day, name in sorted(found.items()) if day.year == year}


@dataclass(frozen=True, eq=False)
class LocalDays:
    """A time limit in days of the office. ``at`` is a time of its clock on the last day; None: the end of that day.

    With a ``calendar`` they are working days if ``working``; else the last day is moved on to one that is worked.
    ``zones`` has each office's time zone; None until a register was read.
    """

    number: int
    working: bool
    calendar: Calendar | None
    at: time | None
    zones: Mapping[str, tzinfo] | None = None

    @property
    def nominal(self) -> int:
        """As many times 24 hours, in milliseconds: for what needs a length, such as a histogram's bounds."""
        return self.number * DAY

    @property
    def zone_names(self) -> Mapping[str, str]:
        """Each office's time zone, by its name."""
        return {office: str(zone) for office, zone in (self.zones or {}).items()}

    def due(self, anchor: int, office: str) -> int:
        """Give the due time of an obligation of an office; one that has left the register lives by UTC."""
        if self.zones is None:
            raise ValueError("local days need the offices' time zones")
        return due_of(anchor, self, self.zones.get(office, UTC))


@lru_cache(maxsize=65_536)
def due_of(anchor: int, limit: LocalDays, zone: tzinfo) -> int:
    """Give the due time (UTC milliseconds) of what is anchored at an instant, at an office in this zone."""
    day = last_day_of(to_datetime(anchor).astimezone(zone).date(), limit)
    return instant_of(day + _ONE, time(), zone) - 1 if limit.at is None else instant_of(day, limit.at, zone)


def last_day_of(anchored: date, limit: LocalDays) -> date:
    """Count from the local day of the anchor, which is day 0 whether it is worked or not."""
    calendar = limit.calendar
    if not limit.working or calendar is None:
        day = anchored + limit.number * _ONE
        while calendar is not None and not calendar.is_worked(day):
            day += _ONE
        return day
    day, counted = anchored, 0
    while counted < limit.number:
        day += _ONE
        counted += calendar.is_worked(day)
    return day


def instant_of(day: date, wall: time, zone: tzinfo) -> int:
    """Give the instant at which clocks there show a time; of two that they might mean, the later one.

    A time that comes twice, as clocks are set back, counts as its second coming. One that is left out, as clocks
    are set forward, is read by the clock of before: as much later as it would have been.
    """
    return max(to_ms(datetime.combine(day, wall.replace(fold=fold), zone)) for fold in (0, 1))
