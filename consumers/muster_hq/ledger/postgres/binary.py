"""Values in PostgreSQL's binary form, many at once: arrays to join with, and rows to COPY.

One statement a table and batch leaves little for PostgreSQL to do but its own work; here the same is done for Python:
numbers and ids become bytes by the thousand, not one by one.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Any, Final

from psycopg import Connection, Cursor
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format
from psycopg.types.string import ByteaBinaryLoader

NULL: Final = b"\xff\xff\xff\xff"
"""A value of a row to COPY that is null."""
SIZED: Final = [size.to_bytes(4, "big") for size in range(256)]
"""The size that stands before a short value of a row to COPY."""

_COPY_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END: Final = b"\xff\xff"
_ARRAY_HEADER: Final = Struct(">iiIii")


class _Array(bytes):
    """An array in its binary form."""


class Int8s(_Array):
    """A bigint[]."""


class Int4s(_Array):
    """An integer[]."""


class Int2s(_Array):
    """A smallint[]."""


class Uuids(_Array):
    """A uuid[]."""


class Byteas(_Array):
    """A bytea[]."""


def int8s(values: Iterable[int]) -> Int8s:
    """Give a bigint[]."""
    return Int8s(_numbers(20, array("q", values)))


def int4s(values: Iterable[int]) -> Int4s:
    """Give an integer[]."""
    return Int4s(_numbers(23, array("i", values)))


def int2s(values: Iterable[int]) -> Int2s:
    """Give a smallint[]."""
    return Int2s(_numbers(21, array("h", values)))


def uuids(values: Sequence[bytes]) -> Uuids:
    """Give a uuid[] of 16 bytes each."""
    return Uuids(_header(2950, len(values)) + b"".join([SIZED[16] + value for value in values]))


def byteas(values: Sequence[bytes]) -> Byteas:
    """Give a bytea[] of short values."""
    return Byteas(_header(17, len(values)) + b"".join([SIZED[len(value)] + value for value in values]))


def sized(value: bytes | None) -> bytes:
    """Give a value of a row to COPY, its size before it."""
    return NULL if value is None else len(value).to_bytes(4, "big") + value


def copy(cursor: Cursor[Any], into: str, rows: Sequence[bytes]) -> None:
    """Append rows, each in the binary form of COPY; ``into`` is ``table (column, ...)``."""
    if rows:
        with cursor.copy(f"copy {into} from stdin (format binary)") as out:
            out.write(b"".join([_COPY_HEADER, *rows, _COPY_END]))


def adapt(connection: Connection[Any]) -> None:
    """Teach a connection these arrays, and to give a uuid as its 16 bytes."""
    for kind, oid in ((Int8s, 1016), (Int4s, 1007), (Int2s, 1005), (Uuids, 2951), (Byteas, 1001)):
        connection.adapters.register_dumper(kind, type("_Dump", (_DumpArray,), {"oid": oid}))
    connection.adapters.register_loader("uuid", ByteaBinaryLoader)


class _DumpArray(Dumper):
    format = Format.BINARY

    def dump(self, obj: _Array) -> Buffer | None:
        return obj


def _header(of: int, count: int) -> bytes:
    return _ARRAY_HEADER.pack(1, 0, of, count, 1)


def _numbers(of: int, values: array[int]) -> bytes:
    """Put each number's size before it, in eight strides over all of them at most."""
    if sys.byteorder == "little":
        values.byteswap()
    width, raw = values.itemsize, values.tobytes()
    elements = bytearray((SIZED[width] + bytes(width)) * len(values))
    for byte in range(width):
        elements[4 + byte :: 4 + width] = raw[byte::width]
    return _header(of, len(values)) + bytes(elements)
