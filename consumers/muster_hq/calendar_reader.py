"""Time limits in days, and the file of calendars that a policy names: read with every fault named at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from muster_contract.errors import ConfigurationError, Fault
from muster_contract.register import Office
from muster_hq.calendars import Calendar, LocalDays, public_holidays

Calendars = Mapping[str, Calendar]
"""The calendars of a file, by name."""

_CODE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,8})?", re.ASCII)
LONGEST = 3_660
"""Days: a longer limit is a slip of the pen."""
_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_HINT = 'such as { working_days = 5, calendar = "US", at = "17:00" } or { local_days = 1, at = "08:00" }'


def read_limit(table: Mapping[str, Any], place: str, calendars: Calendars, faults: list[Fault]) -> LocalDays | None:
    """Read a ``within`` that is a table; its faults are added, and None is given when there are any."""
    before = len(faults)
    faults += _faults_of_limit(table, place)
    name = table.get("calendar")
    calendar = calendar_of(name, calendars) if isinstance(name, str) else None
    if isinstance(name, str) and calendar is None:
        hint = "a country of the holidays library, such as US or US-CA, or a [calendar.NAME] of the policy's calendars"
        faults.append(Fault(f"{place}.calendar", f"is no calendar that is known: {name}", hint))
    if len(faults) > before:
        return None
    working = "working_days" in table
    number = table["working_days" if working else "local_days"]
    return LocalDays(number, working, calendar, _time_of(table["at"]) if "at" in table else None)


def calendar_of(name: str, calendars: Calendars) -> Calendar | None:
    """Find a calendar by its name: the file's, or else the library's; None for one that neither knows."""
    return calendars.get(name) or (Calendar(name) if _is_known(name) else None)


def read_calendars(path: Path) -> Calendars:
    """Read a file of calendars; ConfigurationError names every fault in it."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as fault:
        hint = "a policy's calendars stand in a file beside it"
        raise ConfigurationError.of(str(path), f"cannot be read: {fault.strerror}", hint) from None
    except ValueError as fault:  # TOML's, UTF-8's, or a path that is none
        raise ConfigurationError.of(str(path), f"is not TOML: {fault}") from None
    tables = data.pop("calendar", {})
    faults = [Fault(f"{path}: {key}", "is no part of it", "write [calendar.NAME] tables only") for key in data]
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        faults, tables = [*faults, Fault(f"{path}: calendar", "is no table", "write [calendar.US]")], {}
    for name, table in tables.items():
        faults += _faults_of_calendar(table, f"{path}: calendar.{name}")
    if faults:
        raise ConfigurationError(faults)
    return {name: _calendar(name, table) for name, table in tables.items()}


def zones_of(register: Iterable[Office]) -> Mapping[str, ZoneInfo]:
    """Give each office's time zone as the pinned tzdata has it, whatever this machine has.

    ConfigurationError names every office whose zone it lacks.
    """
    zones = {office.id: _zone(office.zone) for office in register}
    cause = "is no time zone of the installed tzdata"
    if lacking := [office for office, zone in zones.items() if zone is None]:
        raise ConfigurationError(
            Fault(f"office {office}: zone", cause, "such as America/Chicago") for office in lacking
        )
    return {office: zone for office, zone in zones.items() if zone is not None}


def _zone(name: str) -> ZoneInfo | None:
    try:
        with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
            return ZoneInfo.from_file(file, key=name)
    except (OSError, ValueError):
        return None


def _faults_of_limit(table: Mapping[str, Any], place: str) -> Iterator[Fault]:
    for key in table.keys() - {"working_days", "local_days", "calendar", "at", "roll"}:
        yield Fault(f"{place}.{key}", "is no key that is known here", _HINT)
    kinds = [kind for kind in ("working_days", "local_days") if kind in table]
    if len(kinds) != 1:
        yield Fault(place, "needs one of working_days and local_days", _HINT)
    for kind in kinds:
        if type(table[kind]) is not int or not 1 <= table[kind] <= LONGEST:
            yield Fault(f"{place}.{kind}", f"is no whole number from 1 to {LONGEST}", "day 0 is the anchor's own day")
    if "at" in table and _time_of(table["at"]) is None:
        hint = 'such as "17:00"; leave it out for the end of the day'
        yield Fault(f"{place}.at", "is no time of a clock", hint)
    yield from _faults_of_roll(table, place, working=kinds == ["working_days"])


def _faults_of_roll(table: Mapping[str, Any], place: str, *, working: bool) -> Iterator[Fault]:
    if "calendar" in table and not isinstance(table["calendar"], str):
        yield Fault(f"{place}.calendar", "is no name", "such as US")
    if "roll" in table and table["roll"] != "following":
        yield Fault(f"{place}.roll", "is not known", '"following" moves the last day on to the next working day')
    if working and "calendar" not in table:
        yield Fault(f"{place}.calendar", "is missing", "working days are those of a calendar, such as US")
    if working and "roll" in table:
        yield Fault(f"{place}.roll", "goes with local_days only", "the last of working days is worked as it is")
    if not working and ("calendar" in table) != ("roll" in table):
        hint = 'calendar = "US", roll = "following" moves the last day on to a working day'
        yield Fault(place, "needs both of calendar and roll, or neither", hint)


def _time_of(value: object) -> time | None:
    """Read a time of a clock: TOML's own, or text; without a zone, and to the minute or the second."""
    if isinstance(value, str):
        try:
            value = time.fromisoformat(value) if value[2:3] == ":" else None
        except ValueError:
            return None
    return value if isinstance(value, time) and value.tzinfo is None and value.microsecond == 0 else None


def _faults_of_calendar(table: Mapping[str, Any], place: str) -> Iterator[Fault]:
    for key, value in table.items():
        if key in {"holidays", "working"}:
            if not _are_days(value):
                yield Fault(f"{place}.{key}", "is no list of days", "such as [2018-12-05], without quotes")
        elif key == "weekend":
            known = isinstance(value, list) and all(day in _DAYS for day in value)
            if not known or len(set(value)) == len(_DAYS):
                yield Fault(f"{place}.weekend", f"is no list of {', '.join(_DAYS)}", "leave it out for SAT and SUN")
        elif key == "years" and isinstance(value, dict):
            for year, days in value.items():
                if not year.isdecimal() or not _are_days(days) or any(day.year != int(year) for day in days):
                    hint = "headquarters calendar US --year 2016 prints it"
                    yield Fault(f"{place}.years.{year}", "is no list of that year's holidays", hint)
        else:
            yield Fault(f"{place}.{key}", "is not known", "a calendar has holidays, working, weekend, years")


def _are_days(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(d, date) and not isinstance(d, datetime) for d in value)


def _calendar(name: str, table: Mapping[str, Any]) -> Calendar:
    return Calendar(
        name if _is_known(name) else None,
        frozenset(_DAYS.index(day) for day in table.get("weekend", ("SAT", "SUN"))),
        frozenset(table.get("holidays", ())),
        frozenset(table.get("working", ())),
        {int(year): frozenset(days) for year, days in table.get("years", {}).items()},
    )


@cache
def _is_known(name: str) -> bool:
    if not _CODE.fullmatch(name):
        return False
    try:
        public_holidays(name, 2016)
    except NotImplementedError:
        return False
    return True
