"""Evidence as it is stored: the stream's number, offset, received_at and event_id of each record, 35 bytes."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from muster_hq.ledger.postgres.words import Words
from muster_hq.verdicts import Evidence

_EVIDENCE = Struct(">hqq16s?")


def pack_evidence(evidence: Iterable[Evidence], words: Words) -> bytes:
    """Pack evidence for storing."""
    streams = words.of("stream")
    return b"".join(
        [
            _EVIDENCE.pack(streams[stream], offset, received_at, event_id or b"", event_id is not None)
            for received_at, stream, offset, event_id in evidence
        ]
    )


def unpack_evidence(packed: bytes, words: Words) -> tuple[Evidence, ...]:
    """Read packed evidence."""
    streams = words.text("stream")
    return tuple(
        Evidence(received_at, streams[stream], offset, event_id if has_id else None)
        for stream, offset, received_at, event_id, has_id in _EVIDENCE.iter_unpack(packed)
    )
