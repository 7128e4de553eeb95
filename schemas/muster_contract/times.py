"""Instants are UTC milliseconds, as ``int``, everywhere; text and ``datetime`` exist only at the edges."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

MAX_MS = 253_402_300_799_999
"""The last millisecond of the year 9999: later instants have no RFC 3339 form."""

_MIN_MS = -62_135_596_800_000
"""The first millisecond of the year 1: earlier instants have none either."""

_LONGEST = timedelta(days=36_525)
"""A hundred years: a longer time limit is a slip of the pen, and its due time might have no RFC 3339 form."""

_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
_DURATION = re.compile(
    r"P(?!$)(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?!$)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d{1,3})?)S)?)?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def now_ms() -> int:
    """Read the machine's clock. Only commands call this; everything else takes ``now`` as an argument."""
    return time.time_ns() // 1_000_000


def to_ms(instant: datetime) -> int:
    """Give the UTC milliseconds of an aware ``datetime``; ValueError for a naive one.

    A naive value is refused since libraries take it for local time: an hour's error nobody sees.
    """
    if instant.utcoffset() is None:
        raise ValueError("a time without a zone: give it one, such as UTC")
    return (instant - _EPOCH) // _MS


def to_datetime(ms: int) -> datetime:
    """Give the aware ``datetime`` of UTC milliseconds."""
    return _EPOCH + timedelta(milliseconds=ms)


def parse_instant(text: str) -> int:
    """Read an RFC 3339 time with a zone to UTC milliseconds (finer digits are cut); ValueError otherwise."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 time with a zone, such as 2016-03-01T12:00:00.000Z")
    fraction = match[1]
    if fraction is not None:
        text = text.replace(fraction, f"{fraction:0<7}"[:7], 1)
    try:
        ms = to_ms(datetime.fromisoformat(text.upper().replace(" ", "T")))
    except ValueError:
        raise ValueError("not a day of the calendar") from None
    if not _MIN_MS <= ms <= MAX_MS:
        raise ValueError("not an instant of the years 1 to 9999, once it is UTC")
    return ms


def format_instant(ms: int) -> str:
    """Give the RFC 3339 form with milliseconds and Z, the only form that Muster prints."""
    second, rest = divmod(ms, 1000)
    return f"{_format_second(second)}.{rest:03d}Z"


@lru_cache(maxsize=4096)
def _format_second(second: int) -> str:
    return to_datetime(second * 1000).isoformat().removesuffix("+00:00")


def parse_duration(text: str) -> int:
    """Read an ISO 8601 duration of weeks, days and times to milliseconds; ValueError otherwise.

    Years and months are refused: they have no fixed length, and a deadline must have one reading.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        if re.match(r"P[^T]*\d[YM]", text):
            raise ValueError("years and months have no fixed length: write days, such as P30D")
        raise ValueError("not an ISO 8601 duration, such as PT24H or P3D")
    try:
        duration = timedelta(**{unit: float(number) for unit, number in match.groupdict("0").items()})
    except OverflowError:
        duration = timedelta.max
    if duration > _LONGEST:
        raise ValueError("longer than a hundred years")
    return duration // _MS


def format_duration(ms: int) -> str:
    """Give the shortest ISO 8601 form with days as the largest unit, such as P1DT12H."""
    days, rest = divmod(ms, 86_400_000)
    hours, rest = divmod(rest, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    seconds = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") if rest else ""
    clock = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "") + (f"{seconds}S" if seconds else "")
    return "P" + (f"{days}D" if days else "") + (f"T{clock}" if clock else "") if days or clock else "PT0S"
