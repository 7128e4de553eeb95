"""CloudEvents headers, binary mode, with ``epoch`` and ``sequence``: a number is accounted for unread.

Kafka keys and headers are visible to operators: they say which office, which type and when it was
recorded, never which case (CloudEvents 1.0.2, Kafka protocol binding).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from muster_contract.events import Stamp
from muster_contract.schemas import newest
from muster_contract.times import format_instant

Headers = Sequence[tuple[str, bytes | None]]

_SEQUENCE = re.compile(rb"[1-9][0-9]{0,17}")
"""Sequences go from 1, and this many digits stay within a 64-bit integer."""


def of_event(event_type: str, stamp: Stamp) -> list[tuple[str, bytes]]:
    """Build the headers of a field event."""
    texts = {
        "ce_specversion": "1.0",
        "ce_id": str(stamp.event_id),
        "ce_source": f"/offices/{stamp.office_id}",
        "ce_type": newest()[event_type].fullname,
        "ce_time": format_instant(stamp.recorded_at),
        "content-type": "application/avro",
        "epoch": str(stamp.epoch),
        "sequence": str(stamp.sequence),
    }
    return [(name, text.encode()) for name, text in texts.items()]


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
