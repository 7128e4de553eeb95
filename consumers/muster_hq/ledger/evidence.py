"""Evidence as ledgers store it: the stream's number, offset, received_at and event_id of each record, 37 bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from struct import Struct

from muster_hq.verdicts import Evidence

_EVIDENCE = Struct("<Iqq16s?")


def pack_evidence(evidence: Iterable[Evidence], streams: Mapping[str, int]) -> bytes:
    """Pack evidence for storing; ``streams`` are their numbers."""
    return b"".join(
        [
            _EVIDENCE.pack(streams[stream], offset, received_at, event_id or b"", event_id is not None)
            for received_at, stream, offset, event_id in evidence
        ]
    )


def unpack_evidence(packed: bytes, streams: Mapping[int, str]) -> tuple[Evidence, ...]:
    """Read packed evidence; ``streams`` are their names."""
    return tuple(
        Evidence(received_at, streams[stream], offset, event_id if has_id else None)
        for stream, offset, received_at, event_id, has_id in _EVIDENCE.iter_unpack(packed)
    )
