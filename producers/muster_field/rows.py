"""What an outbox keeps of an event: its number, its bytes, and a digest that notices when they change.

SQLite has no page checksums: overwritten bytes pass its own check, and would be sent as they are.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

from muster_contract.codec import HEADER_BYTES, MARKER
from muster_contract.schemas import by_fingerprint

DIGEST_BYTES = 16


class Row(NamedTuple):
    """One stored event. ``value`` stands exactly as it is sent; the headers follow from the whole."""

    sequence: int
    event_id: bytes
    recorded_at: int
    value: bytes
    digest: bytes

    @property
    def intact(self) -> bool:
        """Tell whether the row is what was stored; ask before anything else is believed."""
        try:
            return self.digest == digest_of(self[:4])
        except TypeError:  # a damaged row may have no value where there was one
            return False

    @property
    def type(self) -> str:
        """Give the event's type, which the fingerprint in its value names."""
        return _TYPES[self.value[len(MARKER) : HEADER_BYTES]]


def sealed(sequence: int, event_id: bytes, recorded_at: int, value: bytes) -> Row:
    """Build the row of an event, with its digest."""
    return Row(sequence, event_id, recorded_at, value, digest_of((sequence, event_id, recorded_at, value)))


def digest_of(fields: tuple[int, bytes, int, bytes]) -> bytes:
    """Give the digest over all that is sent: number, id, time and value."""
    return blake2b(b"%d %b%d %b" % fields, digest_size=DIGEST_BYTES).digest()


_TYPES = {fingerprint: schema.name for fingerprint, schema in by_fingerprint().items()}
