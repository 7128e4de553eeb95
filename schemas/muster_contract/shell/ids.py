"""Real ids, for commands; everything else takes an id as an argument."""

from __future__ import annotations

import os
from uuid import UUID


def new_id(now: int) -> UUID:
    """Make a UUIDv7 (RFC 9562) of an instant in UTC milliseconds: the rest is random."""
    random = int.from_bytes(os.urandom(10))
    return UUID(int=now << 80 | random & _RANDOM_BITS | _VERSION_AND_VARIANT)


_VERSION_AND_VARIANT = 7 << 76 | 2 << 62
_RANDOM_BITS = 0xFFF << 64 | (1 << 62) - 1
