"""Ids as PostgreSQL keeps them: a UUID as its 16 bytes, any other id as its text.

Where both share a column, a text of 16 characters has a zero byte before it, so that it is not taken for a UUID.
A case's id, which is looked up, has a column for each.
"""

from __future__ import annotations

from collections.abc import Sequence

from muster_hq.ledger.ids import pack, unpack

_UUID_BYTES = 16


def stored(ids: Sequence[str]) -> list[bytes]:
    """Give ids as they are stored."""
    return [packed if isinstance(packed, bytes) else _text(packed) for packed in pack(ids)]


def text_of(packed: bytes) -> str:
    """Give an id as it came."""
    return unpack(packed) if len(packed) == _UUID_BYTES else packed.removeprefix(b"\0").decode()


def apart(ids: Sequence[str]) -> tuple[list[bytes], list[str]]:
    """Give those ids that are UUIDs, as their bytes, and the others."""
    packed = pack(ids)
    return [one for one in packed if isinstance(one, bytes)], [one for one in packed if isinstance(one, str)]


def name_of(packed: bytes | None, text: str | None) -> str:
    """Give an id as it came, of its two columns."""
    return text or unpack(packed or b"")


def _text(text: str) -> bytes:
    encoded = text.encode()
    return b"\0" + encoded if len(encoded) == _UUID_BYTES else encoded
