"""The real clock and real ids, for commands and for programs that use the field API."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from muster_contract.register import Office
from muster_contract.times import now_ms
from muster_field.office import FieldOffice


def open_office(path: Path, office_id: str, register: Iterable[Office]) -> FieldOffice:
    """Open an office's outbox, or make it, with this machine's clock."""
    return FieldOffice.open(path, office_id, register, clock=now_ms, new_id=new_id)


def new_id(now: int) -> UUID:
    """Make a UUIDv7 (RFC 9562) of an instant in UTC milliseconds: the rest is random."""
    random = int.from_bytes(os.urandom(10))
    return UUID(int=now << 80 | random & _RANDOM_BITS | _VERSION_AND_VARIANT)


_VERSION_AND_VARIANT = 7 << 76 | 2 << 62
_RANDOM_BITS = 0xFFF << 64 | (1 << 62) - 1
