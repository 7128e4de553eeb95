"""What is known of an office's transmission up to its settled time: kept in the ledger, one row an office.

In the usual case that is little: when it was last heard, and one number for each epoch of a stream, up to which
all has been announced. Only what was announced and did not come takes more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from muster_hq.verdicts import Evidence

Range = tuple[int, int]
"""Consecutive numbers: the first and the last."""


@dataclass(slots=True)
class Gap:
    """Numbers ``first`` to ``last`` that one record announced; of them, ``left`` have not come.

    ``missing`` once the instant ``by`` has passed: then it is a finding, which ends when nothing is left.
    """

    first: int
    last: int
    by: int
    announced: Evidence
    left: list[Range]
    missing: bool = False


@dataclass(slots=True)
class Series:
    """The numbers of one epoch of a stream.

    Each up to ``announced`` was received, or is in a gap; ``named`` is the highest that anybody spoke of.
    ``unread`` came with quarantined records only.
    """

    announced: int = 0
    named: int = 0
    gaps: list[Gap] = field(default_factory=list)
    unread: list[Range] = field(default_factory=list)

    def gap_of(self, number: int) -> Gap | None:
        """Give the gap in which a number is left."""
        return next((gap for gap in self.gaps if gap.first <= number <= gap.last and _has(gap.left, number)), None)

    def never_delivered(self) -> list[Range]:
        """Give the numbers that were named and did not come, in order."""
        found = sorted(part for gap in self.gaps for part in gap.left)
        return joined([*found, (self.announced + 1, self.named)] if self.named > self.announced else found)


Key = tuple[str, bytes]
"""A stream and an epoch."""


@dataclass(slots=True)
class Roll:
    """An office's line in the roll.

    ``heard`` is the record by which it was last heard, ``epoch`` the last one heard, ``silent`` since when it is found
    to be silent.
    """

    heard: Evidence | None = None
    silent: int | None = None
    epoch: bytes = b""
    series: dict[Key, Series] = field(default_factory=dict)

    def missing(self) -> Iterator[tuple[Key, list[Range]]]:
        """Give the numbers that are missing, by stream and epoch."""
        for key, series in sorted(self.series.items()):
            left = sorted(part for gap in series.gaps if gap.missing for part in gap.left)
            if left:
                yield key, joined(left)

    def count_missing(self) -> int:
        """Count the numbers that are missing."""
        return sum(size(ranges) for _, ranges in self.missing())


def joined(ranges: list[Range]) -> list[Range]:
    """Join ranges that follow one another; they are in order."""
    found: list[Range] = []
    for first, last in ranges:
        if found and found[-1][1] == first - 1:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def without(ranges: list[Range], number: int) -> list[Range]:
    """Take a number out of ranges."""
    found = []
    for first, last in ranges:
        if first <= number <= last:
            found += [part for part in ((first, number - 1), (number + 1, last)) if part[0] <= part[1]]
        else:
            found.append((first, last))
    return found


def size(ranges: list[Range]) -> int:
    """Count the numbers in ranges."""
    return sum(last - first + 1 for first, last in ranges)


def text_of(first: int, last: int) -> str:
    """Write a range down."""
    return str(first) if first == last else f"{first}-{last}"


def _has(ranges: list[Range], number: int) -> bool:
    return any(first <= number <= last for first, last in ranges)


def dump(roll: Roll) -> str:
    """Give the form in which a ledger keeps it."""
    series = [
        [stream, epoch.hex(), s.announced, s.named, [_dump_gap(gap) for gap in s.gaps], s.unread]
        for (stream, epoch), s in roll.series.items()
    ]
    heard = None if roll.heard is None else _dump_place(roll.heard)
    return json.dumps([heard, roll.silent, roll.epoch.hex(), series], separators=(",", ":"))


def load(text: str | None) -> Roll:
    """Read that form; an office that nothing is known of has none."""
    if not text:
        return Roll()
    heard, silent, epoch, series = json.loads(text)
    return Roll(
        None if heard is None else _load_place(heard),
        silent,
        bytes.fromhex(epoch),
        {
            (stream, bytes.fromhex(of)): Series(
                announced, named, [_load_gap(gap) for gap in gaps], [(first, last) for first, last in unread]
            )
            for stream, of, announced, named, gaps, unread in series
        },
    )


def _dump_gap(gap: Gap) -> list[Any]:
    return [gap.first, gap.last, gap.by, _dump_place(gap.announced), gap.left, gap.missing]


def _load_gap(row: list[Any]) -> Gap:
    first, last, by, announced, left, missing = row
    return Gap(first, last, by, _load_place(announced), [(a, b) for a, b in left], missing)


def _dump_place(place: Evidence) -> list[Any]:
    return [*place[:3], place.event_id and place.event_id.hex()]


def _load_place(row: list[Any]) -> Evidence:
    received_at, stream, offset, event_id = row
    return Evidence(received_at, stream, offset, None if event_id is None else bytes.fromhex(event_id))
