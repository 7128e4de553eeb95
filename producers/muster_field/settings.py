"""Options that are more than text: read to a value, or refused with the option's name."""

from __future__ import annotations

import re
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from muster_contract.errors import ConfigurationError
from muster_contract.times import parse_duration, parse_instant, to_datetime

_NUMBERS = re.compile(r"(?P<first>[1-9]\d{0,17})(?:-(?P<last>[1-9]\d{0,17}))?", re.ASCII)


def instant(text: str, place: str) -> datetime:
    """Read an RFC 3339 time with a zone."""
    try:
        return to_datetime(parse_instant(text))
    except ValueError as fault:
        raise ConfigurationError.of(place, f"is {fault}") from None


def duration_ms(text: str, place: str) -> int:
    """Read an ISO 8601 duration to milliseconds; it must be longer than nothing."""
    try:
        ms = parse_duration(text)
    except ValueError as fault:
        raise ConfigurationError.of(place, f"is {fault}") from None
    if not ms:
        raise ConfigurationError.of(place, "is no time at all", "such as PT60S")
    return ms


def numbers(text: str, place: str) -> tuple[int, int]:
    """Read a number or a range of them, such as 7 or 7-9."""
    match = _NUMBERS.fullmatch(text)
    first, last = (int(match["first"]), int(match["last"] or match["first"])) if match else (1, 0)
    if first > last:
        raise ConfigurationError.of(place, "is neither a number nor a range", "such as 7 or 7-9")
    return first, last


def digest_of(report: Path, place: str) -> str:
    """Give the SHA-256 of a report's bytes; the report itself goes nowhere."""
    try:
        return sha256(report.read_bytes()).hexdigest()
    except OSError as fault:
        raise ConfigurationError.of(place, f"{report} cannot be read: {fault.strerror}") from None
