"""Values that commands take as text, read or refused with the option that they stand at."""

from __future__ import annotations

from muster_contract.errors import ConfigurationError
from muster_contract.times import parse_instant


def instant(text: str, option: str) -> int:
    """Read an RFC 3339 time to UTC milliseconds; ConfigurationError names the option."""
    try:
        return parse_instant(text)
    except ValueError as fault:
        raise ConfigurationError.of(option, str(fault)) from None
