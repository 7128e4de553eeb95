"""The log as a file: one JSON object a line (DESIGN section 8), to the records that Kafka would give, and back."""

from __future__ import annotations

import json
import sys
from base64 import b64decode, b64encode
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TextIO
from uuid import UUID

from muster_contract.codec import PULSE, Undecodable, decode, encode
from muster_contract.errors import ConfigurationError, Fault
from muster_contract.headers import Headers, number_of
from muster_contract.jsonform import from_json, to_json
from muster_contract.schemas import newest
from muster_contract.times import format_instant, parse_instant
from muster_contract.topics import parse_stream
from muster_hq.records import Record, no_headers

MOST_FAULTS = 20
"""How many faults a reading gathers before it gives up: a file of another kind would have one a line."""
_TOO_LATE = parse_instant("9900-01-01T00:00:00Z")
"""Kafka has no times before 1970; and what is due a hundred years later must have an RFC 3339 form."""


def read_log(path: Path) -> Iterator[Record]:
    """Read a log file as a stream of records; ``-`` is the standard input. Blank lines are passed over.

    ConfigurationError names the faults by line and field. It comes when the reading meets them: the
    records before the first fault have been given by then, none after it.
    """
    if str(path) == "-":
        yield from read_lines(sys.stdin.buffer, "stdin")
        return
    try:
        with path.open("rb") as lines:
            yield from read_lines(lines, str(path))
    except OSError as fault:
        raise ConfigurationError.of(str(path), f"cannot be read: {fault.strerror}") from None


def count_lines(path: Path) -> int | None:
    """Count the lines of a log file, for whoever waits; None for the standard input, or when it cannot be read."""
    try:
        with path.open("rb") as lines:
            return sum(block.count(b"\n") for block in iter(partial(lines.read, 1 << 20), b""))
    except OSError:
        return None


def read_lines(lines: Iterable[bytes], name: str) -> Iterator[Record]:
    """Read the lines of a log; ``name`` stands for the file in faults. As ``read_log``."""
    reader = _Reader()
    faults: list[Fault] = []
    for number, whole in enumerate(lines, 1):
        line = whole.removeprefix(BOM_UTF8) if number == 1 else whole
        if not line.strip():
            continue
        record = reader.read(line)
        if isinstance(record, Record):
            if not faults:
                yield record
            continue
        faults += [_placed(fault, f"{name}:{number}") for fault in record]
        if len(faults) >= MOST_FAULTS:
            break
    if faults:
        raise ConfigurationError(faults[:MOST_FAULTS])


def write_log(records: Iterable[Record], out: TextIO) -> None:
    """Write records as lines that ``read_log`` reads back to the same bytes."""
    for record in records:
        line = {
            "stream": record.stream,
            "offset": record.offset,
            "appended_at": format_instant(record.appended_at),
            **_content(record),
        }
        out.write(json.dumps(line) + "\n")


def offices_in(records: Iterable[Record]) -> frozenset[str]:
    """Give the offices that the streams of these records name."""
    streams = {record.stream for record in records}
    return frozenset(stream.office for name in streams if (stream := parse_stream(name)) and stream.office)


def _placed(fault: Fault, line: str) -> Fault:
    return Fault(f"{line}: {fault.place}" if fault.place else line, fault.cause, fault.hint)


class _Reader:
    """Turns lines into records, and knows which offset comes next on each stream.

    Faults name the field, or nothing for the whole line; they never show what stands there.
    """

    def __init__(self) -> None:
        self._next: dict[str, int] = {}
        self._unread = False

    def read(self, line: bytes) -> Record | list[Fault]:
        """Give the line's record, or everything that is wrong with it."""
        try:
            row = json.loads(line.decode())
        except UnicodeDecodeError:
            self._unread = True
            return [Fault("", "is not UTF-8 text", "packed, or in another encoding? write it as plain UTF-8")]
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            self._unread = True
            return [Fault("", "is not a JSON object", "a torn line? write the log anew")]
        faults: list[Fault] = []
        stream, offset = self._place(row, faults)
        appended_at = _instant(row, faults)
        value = _raw_value(row, faults) if "value" in row else _event_value(row, faults)
        headers = _headers(row, value, faults)
        return faults or Record(stream, offset, appended_at, value, headers)

    def _place(self, row: dict[str, Any], faults: list[Fault]) -> tuple[str, int]:
        stream, offset = row.get("stream"), row.get("offset")
        if not isinstance(stream, str) or parse_stream(stream) is None:
            faults.append(_lacking(row, "stream", "is no stream's name", "field.<office>.encounters or .incidents"))
            stream = ""
        if type(offset) is not int or offset < 0:
            faults.append(_lacking(row, "offset", "is not a number from 0"))
            offset = -1
        if not stream or offset < 0:
            self._unread = True
            return "", -1
        expected = self._next.get(stream, 0)
        # A line that could not be read may have held the offsets that seem to be left out.
        if offset < expected or (offset > expected and not self._unread):
            cause = "was there before" if offset < expected else f"leaves out {offset - expected} before it"
            faults.append(Fault("offset", cause, f"{expected} comes next on {stream}"))
        self._next[stream] = max(expected, offset + 1)
        return sys.intern(stream), offset


def _lacking(row: dict[str, Any], key: str, cause: str, hint: str = "") -> Fault:
    return Fault(key, cause, hint) if key in row else Fault(key, "is missing")


def _instant(row: dict[str, Any], faults: list[Fault]) -> int:
    text = row.get("appended_at")
    try:
        instant = parse_instant(text if isinstance(text, str) else "")
    except ValueError as fault:
        faults.append(_lacking(row, "appended_at", f"is {fault}"))
        return 0
    if not 0 <= instant < _TOO_LATE:
        faults.append(Fault("appended_at", "is not of the years 1970 to 9899"))
    return instant


def _raw_value(row: dict[str, Any], faults: list[Fault]) -> bytes | None:
    text = row["value"]
    if "type" in row or "event" in row:
        faults.append(Fault("value", "stands beside type or event", "either the bytes, or what they say"))
    if text is None:
        return None
    try:
        return b64decode(text, validate=True)
    except (TypeError, ValueError):
        faults.append(Fault("value", "is neither base64 nor null"))
        return None


def _headers(row: dict[str, Any], value: bytes | None, faults: list[Fault]) -> Callable[[], Headers | None]:
    """Give the headers that account for a number: the line's own epoch and sequence, or those of its event."""
    if "epoch" not in row and "sequence" not in row:
        return partial(_own_headers, value)
    epoch, sequence = row.get("epoch"), row.get("sequence")
    if epoch is None and sequence is None:
        return no_headers
    headers = [
        (name, str(value).encode("utf-8", "replace")) for name, value in (("epoch", epoch), ("sequence", sequence))
    ]
    if not isinstance(epoch, str) or type(sequence) is not int or number_of(headers) is None:
        faults.append(Fault("sequence", "with epoch, is no number of an event", "a UUID, and a number from 1"))
    return lambda: headers


def _own_headers(value: bytes | None) -> Headers | None:
    try:
        fields = decode(value).fields
    except Undecodable:
        return None
    if not fields.get("sequence"):
        return None
    return [("epoch", str(UUID(bytes=fields["epoch"])).encode()), ("sequence", b"%d" % fields["sequence"])]


def _event_value(row: dict[str, Any], faults: list[Fault]) -> bytes | None:
    type_, event = row.get("type"), row.get("event")
    if type_ == "ClockPulse":
        return PULSE
    if not isinstance(event, dict):
        faults.append(_lacking(row, "event", "is not an object"))
    if not isinstance(type_, str) or type_ not in newest():
        faults.append(_lacking(row, "type", "is no type of the contract", "docs/contract.md has them"))
        return None
    if not isinstance(event, dict):
        return None
    fields, unfit = from_json(event, type_)
    if unfit:
        faults += unfit
        return None
    try:
        return encode(type_, fields)
    except ValueError as fault:
        faults.append(Fault("event", str(fault)))
        return None


def _content(record: Record) -> dict[str, Any]:
    """Give type and event where they say it all; otherwise the bytes, as for what nobody can decode.

    The number in the headers stands beside them where the event does not say it, or says another.
    """
    number = number_of(record.headers())
    if number == number_of(_own_headers(record.value)):
        return _value_of(record.value)
    told = {"epoch": str(number.epoch), "sequence": number.sequence} if number else {"epoch": None, "sequence": None}
    return told | _value_of(record.value)


def _value_of(value: bytes | None) -> dict[str, Any]:
    try:
        schema, fields = decode(value)
        event = to_json(fields, schema.name)
        again, unfit = from_json(event, schema.name)
        if not unfit and encode(schema.name, again) == value:
            return {"type": schema.name, "event": event}
    except (Undecodable, ValueError, OverflowError):
        pass
    return {"value": None if value is None else b64encode(value).decode()}
