"""CloudEvents headers, binary mode, with ``epoch`` and ``sequence``: a number is accounted for unread.

Kafka keys and headers are visible to operators: they say which office, which type and when it was
recorded, never which case (CloudEvents 1.0.2, Kafka protocol binding).
"""

from __future__ import annotations

import re
import struct
from binascii import hexlify
from collections.abc import Sequence
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
    writer = OutboxHeaders(stamp.office_id, stamp.epoch)
    return writer.of(event_type, stamp.event_id.bytes, stamp.recorded_at, stamp.sequence)


def of_heartbeat(heartbeat: OfficeHeartbeat) -> list[tuple[str, bytes]]:
    """Build the headers of a heartbeat, which has no sequence."""
    writer = OutboxHeaders(heartbeat.office_id, heartbeat.epoch)
    return writer.of(heartbeat.type, heartbeat.event_id.bytes, heartbeat.recorded_at)


class OutboxHeaders:
    """Builds the headers of what one outbox sends: what they have in common is built once a type."""

    def __init__(self, office_id: str, epoch: UUID) -> None:
        self._office_id, self._epoch = office_id, epoch
        self._constant: dict[str, tuple[tuple[str, bytes], ...]] = {}

    def of(
        self, event_type: str, event_id: bytes, recorded_at: int, sequence: int | None = None
    ) -> list[tuple[str, bytes]]:
        """Build the headers of a record; a heartbeat has no sequence."""
        constant = self._constant.get(event_type) or self._constant_of(event_type)
        headers = [*constant, ("ce_id", _uuid_text(event_id)), ("ce_time", format_instant(recorded_at).encode())]
        if sequence is not None:
            headers.append(("sequence", b"%d" % sequence))
        return headers

    def _constant_of(self, event_type: str) -> tuple[tuple[str, bytes], ...]:
        texts = {
            "ce_specversion": "1.0",
            "ce_type": newest()[event_type].fullname,
            "ce_source": f"/offices/{self._office_id}",
            "content-type": "application/avro",
            "epoch": str(self._epoch),
        }
        self._constant[event_type] = tuple((name, text.encode()) for name, text in texts.items())
        return self._constant[event_type]


_PARTS = struct.Struct("8s4s4s4s12s")


def _uuid_text(raw: bytes) -> bytes:
    return b"-".join(_PARTS.unpack(hexlify(raw)))


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
