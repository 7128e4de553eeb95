"""Values that commands take as text, read or refused with the option that they stand at."""

from __future__ import annotations

import re

from muster_contract.errors import ConfigurationError
from muster_contract.times import parse_instant


def instant(text: str, option: str) -> int:
    """Read an RFC 3339 time to UTC milliseconds; ConfigurationError names the option."""
    try:
        return parse_instant(text)
    except ValueError as fault:
        raise ConfigurationError.of(option, str(fault)) from None


def day_or_instant(text: str, option: str) -> int:
    """Read a day (UTC, its first instant) or an RFC 3339 time to UTC milliseconds."""
    is_day = re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII)
    return instant(f"{text}T00:00:00Z" if is_day else text, option)
