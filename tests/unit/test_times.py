"""Instants and durations at the edges: one reading each, or a refusal that says what to write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_contract.times import (
    MAX_MS,
    format_duration,
    format_instant,
    now_ms,
    parse_duration,
    parse_instant,
    to_datetime,
    to_ms,
)

FIRST_MS = -62_135_596_800_000
HUNDRED_YEARS_MS = 36_525 * 86_400_000
INSTANTS = st.integers(FIRST_MS, MAX_MS)
DURATIONS = st.integers(0, HUNDRED_YEARS_MS)
NOON = 1_456_833_600_000


@given(INSTANTS)
def test_an_instant_comes_back_as_it_went(ms: int) -> None:
    """Through text, and through a datetime."""
    assert parse_instant(format_instant(ms)) == ms
    assert to_ms(to_datetime(ms)) == ms


@given(INSTANTS, INSTANTS)
def test_the_text_of_instants_sorts_as_they_do(one: int, other: int) -> None:
    """Always four digits of year, three of milliseconds, and Z."""
    assert (format_instant(one) < format_instant(other)) is (one < other)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2016-03-01T12:00:00.000Z", NOON),
        ("2016-03-01T12:00:00Z", NOON),
        ("2016-03-01t12:00:00z", NOON),
        ("2016-03-01 12:00:00Z", NOON),
        ("2016-03-01T06:00:00-06:00", NOON),
        ("2016-03-01T17:30:00+05:30", NOON),
        ("2016-03-01T12:00:00-00:00", NOON),
        ("2016-03-01T12:00:00.5Z", NOON + 500),
        ("2016-03-01T12:00:00.001Z", NOON + 1),
        ("2016-03-01T12:00:00.0019Z", NOON + 1),
        ("2016-03-01T12:00:00.001999999Z", NOON + 1),
        ("2016-02-29T00:00:00Z", 1_456_704_000_000),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.9999Z", -1),
        ("0001-01-01T00:00:00Z", FIRST_MS),
        ("9999-12-31T23:59:59.9999Z", MAX_MS),
    ],
)
def test_rfc_3339_is_read(text: str, ms: int) -> None:
    """Digits finer than a millisecond are cut, never rounded up into the next one."""
    assert parse_instant(text) == ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2016-03-01",
        "2016-03-01T12:00:00",
        "2016-03-01T12:00Z",
        "2016-03-01T12:00:00.Z",
        "2016-03-01T12:00:00.0000000000Z",
        "2016-03-01T12:00:00,5Z",
        "2016-03-01T12:00:00+0600",
        "2016-03-01T12:00:00+24:00",
        "2016-03-01T12:00:00+05:60",
        "2016-03-01T24:00:00Z",
        "2016-03-01T12:60:00Z",
        "2016-03-01T23:59:60Z",
        "2016-03-01T12:00:00Z\n",
        " 2016-03-01T12:00:00Z",
        "20160301T120000Z",
        "\uff12016-03-01T12:00:00Z",
        "1456833600",
    ],
)
def test_another_form_of_an_instant_is_refused(text: str) -> None:
    """A time without a zone above all."""
    with pytest.raises(ValueError, match="not an RFC 3339 time with a zone"):
        parse_instant(text)


@pytest.mark.parametrize("text", ["2015-02-29T00:00:00Z", "2016-13-01T00:00:00Z", "2016-04-31T00:00:00Z"])
def test_a_day_that_does_not_exist_is_refused(text: str) -> None:
    """The form is right, the calendar is not."""
    with pytest.raises(ValueError, match="not a day of the calendar"):
        parse_instant(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"])
def test_an_instant_that_has_no_text_in_utc_is_refused(text: str) -> None:
    """What is read can be printed."""
    with pytest.raises(ValueError, match="not an instant of the years 1 to 9999"):
        parse_instant(text)


@given(st.text("0123456789-:.TZ+tz \u0663", max_size=30))
def test_random_text_is_read_or_refused(text: str) -> None:
    """ValueError and nothing else."""
    try:
        ms = parse_instant(text)
    except ValueError:
        return
    assert FIRST_MS <= ms <= MAX_MS


def test_a_naive_datetime_is_refused() -> None:
    """Libraries would take it for local time."""
    with pytest.raises(ValueError, match="a time without a zone"):
        to_ms(datetime(2016, 3, 1, 12))  # noqa: DTZ001 - naive is the subject


@pytest.mark.parametrize(
    ("instant", "ms"),
    [
        (datetime(2016, 3, 1, 12, tzinfo=UTC), NOON),
        (datetime(2016, 3, 1, 6, tzinfo=timezone(timedelta(hours=-6))), NOON),
        (datetime(2016, 3, 1, 12, 0, 0, 999, tzinfo=UTC), NOON),
        (datetime(2016, 3, 1, 12, 0, 0, 1000, tzinfo=UTC), NOON + 1),
        (datetime(1970, 1, 1, tzinfo=UTC) - timedelta(microseconds=1), -1),
    ],
)
def test_an_aware_datetime_is_cut_to_its_millisecond(instant: datetime, ms: int) -> None:
    """In UTC, whatever its zone."""
    assert to_ms(instant) == ms


def test_the_clock_is_the_machines() -> None:
    """Milliseconds since 1970, in this century."""
    assert parse_instant("2024-01-01T00:00:00Z") < now_ms() < parse_instant("2100-01-01T00:00:00Z")


@given(DURATIONS)
def test_a_duration_comes_back_as_it_went(ms: int) -> None:
    """Through the shortest text."""
    assert parse_duration(format_duration(ms)) == ms


@pytest.mark.parametrize(
    ("text", "ms", "shortest"),
    [
        ("PT0S", 0, "PT0S"),
        ("PT0.001S", 1, "PT0.001S"),
        ("PT0.1S", 100, "PT0.1S"),
        ("PT60S", 60_000, "PT1M"),
        ("PT90M", 5_400_000, "PT1H30M"),
        ("PT24H", 86_400_000, "P1D"),
        ("P1DT12H", 129_600_000, "P1DT12H"),
        ("P3D", 259_200_000, "P3D"),
        ("P2W", 1_209_600_000, "P14D"),
        ("P1W1DT1H1M1.001S", 694_861_001, "P8DT1H1M1.001S"),
        ("P36525D", HUNDRED_YEARS_MS, "P36525D"),
    ],
)
def test_an_iso_8601_duration_is_read_and_printed(text: str, ms: int, shortest: str) -> None:
    """Weeks, days, hours, minutes, seconds, and milliseconds exactly."""
    assert parse_duration(text) == ms
    assert format_duration(ms) == shortest


@pytest.mark.parametrize("text", ["P1M", "P1Y", "P1Y2D", "P2M1D", "P1Y1M1DT1H", "P0M"])
def test_years_and_months_are_refused(text: str) -> None:
    """They have no fixed length; the refusal says what to write."""
    with pytest.raises(ValueError, match="years and months have no fixed length: write days, such as P30D"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P1DT", "1D", "P1", "P1H", "PT1D", "p1d", "-P1D", "P-1D", "+P1D", "PT1,5S", "PT0.0001S", "PT.5S",
     "PT1.5H", "P1D\n", " P1D", "P1D1W", "PT1S1M", "P\u0663D", "24h", "P1DT1H2H"],
)  # fmt: skip
def test_another_form_of_a_duration_is_refused(text: str) -> None:
    """One reading, or none."""
    with pytest.raises(ValueError, match="not an ISO 8601 duration, such as PT24H or P3D"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["P36525DT0.001S", "P99999999999999D", f"P{'9' * 5000}D", f"PT{'9' * 400}S"])
def test_a_duration_of_more_than_a_hundred_years_is_refused(text: str) -> None:
    """A slip of the pen, and no traceback."""
    with pytest.raises(ValueError, match="longer than a hundred years"):
        parse_duration(text)


@given(st.text("0123456789.PTWDHMSY", max_size=20))
def test_a_random_duration_is_read_or_refused(text: str) -> None:
    """ValueError and nothing else."""
    try:
        ms = parse_duration(text)
    except ValueError:
        return
    assert 0 <= ms <= HUNDRED_YEARS_MS
