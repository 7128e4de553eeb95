"""A record as it stands in the log, whether Kafka or a file holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from muster_contract.headers import Headers


def no_headers() -> Headers | None:
    """Stand in for the headers of a record that has none, such as one from a log file."""
    return None


class Record(NamedTuple):
    """One record of a stream. ``appended_at`` is the broker's append time in UTC milliseconds.

    ``headers`` is called only for a record whose body cannot be applied: most are never looked at.
    """

    stream: str
    offset: int
    appended_at: int
    value: bytes | None
    headers: Callable[[], Headers | None] = no_headers
