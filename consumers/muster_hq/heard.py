"""What was heard of an office and is not settled yet: intake writes it down, the roll call reads it in fact order.

It is packed by batch, stream and epoch: in the usual case (numbers in order, none left out) a look at the first
and the last row says it all.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from enum import IntEnum
from itertools import starmap
from struct import Struct
from typing import NamedTuple

from muster_contract.topics import encounters, incidents
from muster_hq.verdicts import Evidence


class Kind(IntEnum):
    """What rows are of."""

    EVENTS = 0
    """Applied events."""
    UNREAD = 1
    """Quarantined records whose headers have a number."""
    BEATS = 2
    """Heartbeats."""
    BEGUN = 3
    """The first record of a stream."""


Row = tuple[int, int, int, bytes]
"""Received_at, offset, number and event_id; 0 and zeros for what has none."""
Beat = tuple[int, int, bytes, int, int, int, int]
"""Received_at, offset, event_id; the last numbers of encounters and incidents; up to which all were sent, of both."""

_ROW = Struct("<qqq16s")
_BEAT = Struct("<qq16sqqqq")


class HeardRows(NamedTuple):
    """Packed rows of one kind; ``at`` and ``offset`` are the first one's. ``epoch`` is empty for what has none."""

    office_id: str
    stream: str
    kind: int
    epoch: bytes
    at: int
    offset: int
    rows: bytes


class Said(NamedTuple):
    """One thing that was heard, for itself; these sort in fact order. ``beat`` has the numbers of a heartbeat."""

    place: Evidence
    kind: int
    epoch: bytes
    number: int
    beat: tuple[int, int, int, int] | None


def pack(office_id: str, stream: str, kind: Kind, epoch: bytes, rows: list[Row] | list[Beat]) -> HeardRows:
    """Pack rows of one stream, in order of offset."""
    form = _BEAT if kind is Kind.BEATS else _ROW
    packed = b"".join(starmap(form.pack, rows))
    return HeardRows(office_id, stream, int(kind), epoch, rows[0][0], rows[0][1], packed)


def rows_of(heard: HeardRows) -> list[Row]:
    """Unpack rows that are no heartbeats."""
    return list(_ROW.iter_unpack(heard.rows))


def beats_of(heard: HeardRows) -> list[Beat]:
    """Unpack heartbeats."""
    return list(_BEAT.iter_unpack(heard.rows))


def last_of(heard: HeardRows) -> Evidence:
    """Give the place of the last row."""
    if heard.kind == Kind.BEATS:
        at, offset, event_id, *_ = _BEAT.unpack_from(heard.rows, len(heard.rows) - _BEAT.size)
        return Evidence(at, heard.stream, offset, event_id)
    at, offset, _, event_id = _ROW.unpack_from(heard.rows, len(heard.rows) - _ROW.size)
    return Evidence(at, heard.stream, offset, event_id if heard.kind == Kind.EVENTS else None)


def cut(heard: HeardRows, clock: int) -> tuple[HeardRows, HeardRows | None]:
    """Split what begins by the clock into what was received by then, and the rest."""
    form = _BEAT if heard.kind == Kind.BEATS else _ROW
    if last_of(heard).received_at <= clock:
        return heard, None
    times = [row[0] for row in form.iter_unpack(heard.rows)]
    split = bisect_right(times, clock)
    _, offset, *_ = form.unpack_from(heard.rows, split * form.size)
    rest = heard._replace(at=times[split], offset=offset, rows=heard.rows[split * form.size :])
    return heard._replace(rows=heard.rows[: split * form.size]), rest


def each(heard: Iterable[HeardRows]) -> list[Said]:
    """Give everything one by one, in fact order."""
    found = []
    for item in heard:
        if item.kind == Kind.BEATS:
            for beat in beats_of(item):
                at, offset, event_id = beat[:3]
                place = Evidence(at, item.stream, offset, event_id)
                found.append(Said(place, item.kind, item.epoch, 0, beat[3:]))
            continue
        named = item.kind == Kind.EVENTS
        for at, offset, number, event_id in rows_of(item):
            place = Evidence(at, item.stream, offset, event_id if named else None)
            found.append(Said(place, item.kind, item.epoch, number, None))
    return sorted(found, key=lambda said: said.place[:3])


def announced_by(said: Said, office: str) -> list[tuple[str, int, int]]:
    """Give (stream, last number named, up to which all were sent) for each stream that this speaks of."""
    if said.beat is not None:
        encounter, incident, encounters_sent, incidents_sent = said.beat
        return [(encounters(office), encounter, encounters_sent), (incidents(office), incident, incidents_sent)]
    return [(said.place.stream, said.number, said.number)] if said.number else []
