"""CloudEvents headers, binary mode, with ``epoch`` and ``sequence``: a number is accounted for unread.

Kafka keys and headers are visible to operators: they say which office, which type and when it was
recorded, never which case (CloudEvents 1.0.2, Kafka protocol binding).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from muster_contract.events import OfficeHeartbeat, Stamp
from muster_contract.schemas import newest
from muster_contract.times import format_instant

Headers = Sequence[tuple[str, bytes | None]]

_SEQUENCE = re.compile(rb"[1-9][0-9]{0,17}")
"""Sequences go from 1, and this many digits stay within a 64-bit integer."""


def of_event(event_type: str, stamp: Stamp) -> list[tuple[str, bytes]]:
    """Build the headers of a field event."""
    numbers = (stamp.event_id.bytes, stamp.sequence, stamp.recorded_at)
    return of_stored_event(event_type, stamp.office_id, stamp.epoch, *numbers)


def of_stored_event(  # noqa: PLR0913, PLR0917 - a stamp, spread: building one an event costs a relay a tenth of its rate
    event_type: str, office_id: str, epoch: UUID, event_id: bytes, sequence: int, recorded_at: int
) -> list[tuple[str, bytes]]:
    """Build the headers of a field event from what an outbox keeps beside its value."""
    return [
        *_constant(event_type, office_id, epoch),
        ("ce_id", _uuid_text(event_id)),
        ("ce_time", format_instant(recorded_at).encode()),
        ("sequence", b"%d" % sequence),
    ]


def of_heartbeat(heartbeat: OfficeHeartbeat) -> list[tuple[str, bytes]]:
    """Build the headers of a heartbeat, which has no sequence."""
    return [
        *_constant(heartbeat.type, heartbeat.office_id, heartbeat.epoch),
        ("ce_id", _uuid_text(heartbeat.event_id.bytes)),
        ("ce_time", format_instant(heartbeat.recorded_at).encode()),
    ]


@lru_cache(maxsize=1024)
def _constant(event_type: str, office_id: str, epoch: UUID) -> tuple[tuple[str, bytes], ...]:
    return (
        ("ce_specversion", b"1.0"),
        ("ce_type", newest()[event_type].fullname.encode()),
        ("ce_source", f"/offices/{office_id}".encode()),
        ("content-type", b"application/avro"),
        ("epoch", str(epoch).encode()),
    )


def _uuid_text(raw: bytes) -> bytes:
    digits = raw.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}".encode()


class Number(NamedTuple):
    """The epoch and sequence of an event whose body may not be readable."""

    epoch: UUID
    sequence: int


def number_of(headers: Headers | None) -> Number | None:
    """Read epoch and sequence from headers; None when they are missing or malformed."""
    found = dict(headers or ())
    epoch, sequence = found.get("epoch"), found.get("sequence")
    if epoch is None or sequence is None or not _SEQUENCE.fullmatch(sequence):
        return None
    try:
        return Number(UUID(epoch.decode("ascii")), int(sequence))
    except ValueError:
        return None
