"""Limits in days as a policy writes them: what is read, and every fault with its place."""

from __future__ import annotations

import tomllib
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from muster_contract.errors import ConfigurationError, Fault
from muster_contract.register import Office
from muster_contract.shell.running import run_command
from muster_contract.times import parse_instant
from muster_hq.calendar_reader import read_calendars, read_limit, zones_of
from muster_hq.calendars import DAY, LocalDays
from muster_hq.commands.assembly import read_setup
from muster_hq.commands.audit import audit
from muster_hq.commands.calendar import calendar
from muster_hq.commands.replay import replay
from muster_hq.intake import delay_bounds
from muster_hq.policies import Policies
from muster_hq.policy_reader import at_offices, load_policies, read_policy
from tests.cases.calendars import FIVE, within


def limit(text: str) -> LocalDays:
    """Read a limit."""
    days = read_policy(within(text), "P").requirements[0].days
    assert days is not None
    return days


def faults(text: str) -> list[tuple[str, str]]:
    """Read a limit that is wrong: where, and why."""
    with pytest.raises(ConfigurationError) as refusal:
        read_policy(within(text), "P")
    return [(f.place.removeprefix("P: requirement 1 (report): within"), f.cause) for f in refusal.value.faults]


def run(command: object, *arguments: str) -> Result:
    """Run a command as a program does, not on a terminal."""
    app = typer.Typer()
    app.command()(run_command(command))  # type: ignore[arg-type]  # any command
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize(
    ("text", "number", "working", "at"),
    [
        (FIVE, 5, True, time(17)),
        ('working_days = 5, calendar = "US-CA", at = 17:00:30', 5, True, time(17, 0, 30)),
        ('local_days = 1, at = "08:00"', 1, False, time(8)),
        ("local_days = 3660", 3660, False, None),
        ('local_days = 30, calendar = "DE-BY", roll = "following"', 30, False, None),
    ],
)
def test_a_limit_is_read(text: str, number: int, working: bool, at: time | None) -> None:  # noqa: FBT001 - a value
    """In either form of a time; without one the day is due to its end."""
    found = limit(text)
    assert (found.number, found.working, found.at) == (number, working, at)
    assert (found.calendar is None) == ("calendar" not in text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("", "needs one of working_days and local_days")]),
        (
            'working_days = 1, local_days = 1, calendar = "US", roll = "following"',
            [("", "needs one of working_days and local_days")],
        ),
        ("working_days = 5", [(".calendar", "is missing")]),
        ('working_days = 0, calendar = "US"', [(".working_days", "is no whole number from 1 to 3660")]),
        ("local_days = 3661", [(".local_days", "is no whole number from 1 to 3660")]),
        ("local_days = true", [(".local_days", "is no whole number from 1 to 3660")]),
        ("local_days = 1.5", [(".local_days", "is no whole number from 1 to 3660")]),
        ('local_days = 1, at = "24:00"', [(".at", "is no time of a clock")]),
        ('local_days = 1, at = "8"', [(".at", "is no time of a clock")]),
        ('local_days = 1, at = "08:00Z"', [(".at", "is no time of a clock")]),
        ("local_days = 1, at = 8", [(".at", "is no time of a clock")]),
        ("local_days = 1, at = 08:00:00.5", [(".at", "is no time of a clock")]),
        ('local_days = 1, calendar = "US"', [("", "needs both of calendar and roll, or neither")]),
        ('local_days = 1, roll = "following"', [("", "needs both of calendar and roll, or neither")]),
        ('local_days = 1, calendar = "US", roll = "preceding"', [(".roll", "is not known")]),
        ('working_days = 1, calendar = "US", roll = "following"', [(".roll", "goes with local_days only")]),
        ('working_days = 1, calendar = "ZZ"', [(".calendar", "is no calendar that is known: ZZ")]),
        ('working_days = 1, calendar = "US-ZZ"', [(".calendar", "is no calendar that is known: US-ZZ")]),
        ('working_days = 1, calendar = "HolidayBase"', [(".calendar", "is no calendar that is known: HolidayBase")]),
        ('working_days = 1, calendar = "US-"', [(".calendar", "is no calendar that is known: US-")]),
        ("working_days = 1, calendar = 1", [(".calendar", "is no name")]),
        ("local_days = 1, hours = 3", [(".hours", "is no key that is known here")]),
        (
            'local_days = 0, at = "x", zone = "UTC"',
            [
                (".zone", "is no key that is known here"),
                (".local_days", "is no whole number from 1 to 3660"),
                (".at", "is no time of a clock"),
            ],
        ),
    ],
)
def test_every_fault_of_a_limit_is_named_with_its_place(text: str, expected: list[tuple[str, str]]) -> None:
    """All of them at once."""
    assert faults(text) == expected


def test_a_limit_in_days_has_a_bucket_of_as_many_days() -> None:
    """A histogram's bound has a length: so many times 24 hours, whatever the calendar."""
    policies = Policies([read_policy(within(FIVE), "P")])
    assert 5 * DAY / 1000 in delay_bounds(policies)


def test_a_reminder_must_come_before_as_many_days() -> None:
    """By the usual length again."""
    assert read_policy(within(FIVE, 'remind_before = "P4D"\n'), "P").requirements[0].remind_before == 4 * DAY
    with pytest.raises(ConfigurationError, match="remind_before"):
        read_policy(within(FIVE, 'remind_before = "P5D"\n'), "P")


def write(folder: Path, calendars: str) -> Path:
    """Write a policy and its calendars; give the policy's path."""
    (folder / "calendars.toml").write_text(calendars, "utf-8")
    policy = folder / "policy.toml"
    policy.write_text('calendars = "calendars.toml"\n' + within(FIVE.replace('"US"', '"OURS"')), "utf-8")
    return policy


def test_calendars_stand_in_a_file_beside_the_policy(tmp_path: Path) -> None:
    """One may pin years of the library's, or have a name of its own."""
    text = """
        [calendar.OURS]
        holidays = [2018-12-05]
        working = [2016-11-11]
        weekend = ["FRI", "SAT"]
        [calendar.OURS.years]
        2016 = [2016-07-04]
        [calendar.US]
        """
    (policy,) = load_policies([write(tmp_path, text)]).versions
    days = policy.requirements[0].days
    assert days is not None
    assert days.calendar is not None
    assert (days.calendar.code, days.calendar.weekend) == (None, frozenset({4, 5}))
    assert days.calendar.closed == {date(2018, 12, 5)}
    assert days.calendar.worked == {date(2016, 11, 11)}
    assert days.calendar.years == {2016: {date(2016, 7, 4)}}
    assert read_calendars(tmp_path / "calendars.toml")["US"].code == "US"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("holidays = 2016-01-01", "calendar.US.holidays"),
        ('holidays = ["2016-01-01"]', "calendar.US.holidays"),
        ("working = [2016-01-01T00:00:00Z]", "calendar.US.working"),
        ('weekend = ["SUNDAY"]', "calendar.US.weekend"),
        ('weekend = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]', "calendar.US.weekend"),
        ("years = { 2016 = [2017-01-01] }", "calendar.US.years.2016"),
        ("years = { first = [] }", "calendar.US.years.first"),
        ("years = 2016", "calendar.US.years"),
        ("closed = []", "calendar.US.closed"),
    ],
)
def test_every_fault_of_a_calendar_is_named_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    """The file's name first; the policy's own faults beside it."""
    path = write(tmp_path, f"[calendar.US]\n{text}\n")
    with pytest.raises(ConfigurationError) as refusal:
        load_policies([path])
    where = [fault.place for fault in refusal.value.faults]
    assert f"{tmp_path / 'calendars.toml'}: {place}" in where
    assert f"{path}: requirement 1 (report): within.calendar" in where, "OURS is not there"


@pytest.mark.parametrize("text", ["[calendar", "[holiday.US]", "calendar = 1", "[calendar]\nUS = 1"])
def test_a_file_that_is_no_calendars_is_refused(tmp_path: Path, text: str) -> None:
    """With its name."""
    with pytest.raises(ConfigurationError, match=r"calendars\.toml"):
        load_policies([write(tmp_path, text)])


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """It is looked for beside the policy."""
    path = write(tmp_path, "")
    (tmp_path / "calendars.toml").unlink()
    with pytest.raises(ConfigurationError, match=r"calendars\.toml: cannot be read"):
        load_policies([path])


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.times()
_VALUES = st.recursive(_SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3))


@given(
    st.dictionaries(
        st.sampled_from(["working_days", "local_days", "calendar", "at", "roll"]) | st.text(),
        st.sampled_from([1, "US", "following", "08:00", time(8)]) | _VALUES,
        max_size=6,
    )
)
def test_whatever_stands_in_a_limit_is_read_or_refused(table: dict[str, Any]) -> None:
    """Never a traceback, and never both."""
    found: list[Fault] = []
    assert (read_limit(table, "P", {}, found) is None) == bool(found)


def test_a_path_that_is_none_is_refused(tmp_path: Path) -> None:
    """As anything that cannot be read."""
    with pytest.raises(ConfigurationError):
        read_calendars(tmp_path / "\0")


def test_pinned_years_are_printed_for_the_file(tmp_path: Path) -> None:
    """What is printed is read, and says what the library says today."""
    result = run(calendar, "US", "--year", "2017", "--year", "2016")
    assert result.exit_code == 0
    assert "2016-12-26,  # Christmas Day (observed)" in result.stdout
    (tmp_path / "calendars.toml").write_text(result.stdout, "utf-8")
    years = read_calendars(tmp_path / "calendars.toml")["US"].years
    assert list(years) == [2016, 2017]
    assert date(2016, 7, 4) in years[2016]
    assert tomllib.loads(result.stdout)["calendar"]["US"]["years"]["2016"][0] == date(2016, 1, 1)
    assert run(calendar, "ZZ", "--year", "2016").exit_code == 2


def test_whoever_judges_by_local_days_needs_the_register(tmp_path: Path) -> None:
    """Audit and replay say so, and name the requirement; with the register they agree."""
    policy, log, offices = tmp_path / "policy.toml", tmp_path / "log.jsonl", tmp_path / "offices.toml"
    policy.write_text(within('local_days = 1, at = "08:00"'), "utf-8")
    offices.write_text('[[office]]\nid = "a"\nzone = "America/Chicago"\n', "utf-8")
    log.write_text("", "utf-8")
    common = ["--log", str(log), "--policy", str(policy), "--as-of", "2016-03-09T00:00:00Z"]
    ledger = ["--ledger", f"sqlite:///{tmp_path}/ledger.db"]
    for command, more in ((audit, []), (replay, ledger)):
        result = run(command, *common, *more)
        assert result.exit_code == 2
        assert "--offices: is needed: p@1 counts the days of report by each office's own clock" in result.stderr
    assert [run(command, *common, *more, "--offices", str(offices)).exit_code for command, more in
            ((audit, []), (replay, ledger))] == [0, 0]  # fmt: skip


def test_a_worker_has_the_zones_of_its_register(tmp_path: Path) -> None:
    """It reads both files anyway."""
    policy, offices = tmp_path / "policy.toml", tmp_path / "offices.toml"
    policy.write_text(within('local_days = 1, at = "08:00"'), "utf-8")
    offices.write_text('[[office]]\nid = "a"\nzone = "America/Chicago"\n', "utf-8")
    (line,) = read_setup([policy], [offices], None).policies.versions[0].requirements
    assert line.due_of(parse_instant("2016-03-01T12:00:00Z"), "a") == parse_instant("2016-03-02T08:00:00-06:00")


def test_a_policy_without_local_days_needs_none() -> None:
    """It is given back as it is."""
    policies = Policies([read_policy(within("local_days = 1").replace("{ local_days = 1 }", '"P1D"'), "P")])
    assert at_offices(policies, None) is policies


def test_zones_are_those_of_the_installed_tzdata() -> None:
    """Those that it lacks are refused, each with its office, whatever the machine knows."""
    names = ("America/Chicago", "America/Nowhere", "../secrets", "")
    with pytest.raises(ConfigurationError) as refusal:
        zones_of([Office(id=str(number), zone=name) for number, name in enumerate(names)])
    assert [fault.place for fault in refusal.value.faults] == [f"office {number}: zone" for number in (1, 2, 3)]
    assert zones_of([Office(id="a", zone="America/Chicago")])["a"].key == "America/Chicago"
