"""Damage inside a WAL: SQLite takes it for the WAL's end, and would give the numbers that follow a second time.

A kill or a power loss can leave the frames of one transaction behind the last whole one: each is synced before
the next begins. Two transactions there, each frame's checksum built on the one before it, were both committed:
events that were accepted stand behind the damage.
"""

from __future__ import annotations

import struct
from pathlib import Path

import apsw

_HEADER, _FRAME_HEADER = 32, 24
_LITTLE_ENDIAN, _BIG_ENDIAN = 0x377F0682, 0x377F0683
_WAL = 1
"""What SQLite calls the file beside the database, where one is asked for."""
_WORD = 0xFFFFFFFF


def hides_commits(connection: apsw.Connection, outbox: Path) -> bool:
    """Tell whether transactions stand behind the place at which SQLite stopped reading.

    All is read through SQLite's own handles: to open and close its files beside it would drop its locks on them.
    """
    path = outbox.with_name(outbox.name + "-wal")
    length = path.stat().st_size if path.exists() else 0
    if length <= _HEADER:
        return False
    whole, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
    _, wal = connection.read("main", _WAL, 0, length)
    magic, _, page_size = struct.unpack_from(">III", wal)
    if magic not in {_LITTLE_ENDIAN, _BIG_ENDIAN}:
        return True
    order = "<" if magic == _LITTLE_ENDIAN else ">"
    if struct.pack(">II", *_checksum(wal[:24], (0, 0), order)) != wal[24:_HEADER]:
        return True
    size = _FRAME_HEADER + page_size
    frames = [wal[at : at + size] for at in range(_HEADER + whole * size, len(wal) - size + 1, size)]
    return _most_commits([frame for frame in frames if frame[8:16] == wal[16:24]], order) > 1


def _most_commits(frames: list[bytes], order: str) -> int:
    """Count the commits in the longest row of frames of which each is built on the one before it."""
    most = commits = 0
    before: tuple[int, int] | None = None
    for frame in frames:
        checksum = struct.unpack_from(">II", frame, 16)
        follows = before is not None and _checksum(frame[:8] + frame[_FRAME_HEADER:], before, order) == checksum
        commits = (commits if follows else 0) + (frame[4:8] != bytes(4))
        most, before = max(most, commits), checksum
    return most


def _checksum(data: bytes, before: tuple[int, int], order: str) -> tuple[int, int]:
    """Go on with SQLite's checksum, eight bytes at a time."""
    one, two = before
    for first, second in struct.iter_unpack(order + "II", data):
        one = (one + first + two) & _WORD
        two = (two + second + one) & _WORD
    return one, two
