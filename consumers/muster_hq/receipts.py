"""What an office is told of its events: accepted, a duplicate, or quarantined and why. Pure.

Sent is not received, and the one who can act must know (docs/receipts.md). A run of numbers that were all accepted
is one receipt, so that what is usual costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Receipt(NamedTuple):
    """What became of one event of a stream, or of all from ``sequence`` to ``through``, when that is set.

    ``at`` is a received_at in UTC milliseconds, ``offset`` its place on the stream; the last one's of several.
    """

    office_id: str
    stream: str
    outcome: str
    at: int
    offset: int
    event_id: bytes | None
    epoch: bytes | None
    sequence: int | None
    through: int | None = None
    reason: str | None = None


def accepted(
    office_id: str, stream: str, epoch: bytes, rows: Sequence[tuple[int, int, int, bytes]]
) -> Iterator[Receipt]:
    """Give the receipts of accepted events: (received_at, offset, number, event_id), in order of offset; one a run."""
    first = 0
    for place, (at, offset, number, event_id) in enumerate(rows):
        ends = place + 1 == len(rows) or rows[place + 1][2] != number + 1
        if ends:
            alone = first == place
            yield Receipt(
                office_id,
                stream,
                "ACCEPTED",
                at,
                offset,
                event_id if alone else None,
                epoch or None,
                rows[first][2],
                None if alone else number,
            )
            first = place + 1
