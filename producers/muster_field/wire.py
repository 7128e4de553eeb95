"""An event's bytes, checked and written in one pass: most of what accepting an event costs is here.

The contract's check and its codec would do (a test holds the two equal, byte by byte and fault by fault), but
one after the other they take three times as long. A writer raises for a value that the contract forbids; it
does not say what is wrong, since ``faults_of`` does, for all fields at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from muster_contract.codec import MARKER
from muster_contract.events import (
    FIELD_EVENTS,
    JURISDICTION,
    OPAQUE_ID,
    SHA256_HEX,
    FieldEvent,
    above_ceiling,
)
from muster_contract.schemas import enum_symbols, newest
from muster_contract.times import MAX_MS, to_ms
from muster_contract.topics import topic_of_kind

KINDS = ("encounters", "incidents")
"""The two streams of an office, by what they hold."""

Writer = Callable[[Any], bytes]
"""Gives a value's Avro bytes; raises one of UNFIT when the contract forbids the value."""

UNFIT = (ValueError, TypeError, KeyError, AttributeError, OverflowError)


class Body(NamedTuple):
    """An event's own fields, written one by one: only the outbox's stamp is missing."""

    form: Form
    parts: list[bytes]


class Form(NamedTuple):
    """How the events of one type are written."""

    type: str
    kind: str
    ceiling: str
    head: bytes
    values: Callable[[FieldEvent], tuple[Any, ...]]
    writers: tuple[Writer, ...]

    def write(self, event: FieldEvent) -> Body:
        """Write an event's own fields; raise one of UNFIT when one of them does not fit."""
        values = self.values(event)
        return Body(self, [write(value) for write, value in zip(self.writers, values)])  # noqa: B905 - of equal length


class Stamper:
    """Completes events with what one outbox adds to them: office, epoch, id, number and time."""

    def __init__(self, office_id: str, epoch: UUID) -> None:
        self._sender = _string(office_id) + epoch.bytes

    def value(self, body: Body, event_id: bytes, sequence: int, recorded_at: int) -> bytes:
        """Give an event's bytes exactly as they will be sent."""
        case_id, encounter_id, occurred_at, *rest = body.parts
        return b"".join((
            body.form.head, event_id, self._sender, _long(sequence),
            case_id, encounter_id, occurred_at, _millis(recorded_at), *rest,
        ))  # fmt: skip


def stream_name(kind: str, office_id: str) -> str:
    """Name the topic of one of an office's streams."""
    return topic_of_kind(kind).name.format(office=office_id)


def _form(event_class: type[FieldEvent]) -> Form:
    schema = newest()[event_class.__name__]
    topic = next(topic for topic in map(topic_of_kind, KINDS) if schema.name in topic.types)
    names = [field.name for field in fields(event_class)]
    order = list(schema.fields)
    if order != ["event_id", "office_id", "epoch", "sequence", *names[:3], "recorded_at", *names[3:]]:
        raise TypeError(f"{schema.name} v{schema.version} is not laid out as this writer writes it")
    writers = tuple(_writer(name, schema.fields[name], str(topic.ceiling)) for name in names)
    return Form(schema.name, topic.kind, str(topic.ceiling), MARKER + schema.fingerprint, attrgetter(*names), writers)


def _writer(name: str, type_: Any, ceiling: str) -> Writer:  # noqa: ANN401 - any Avro type
    type_name = type_.get("name", "") if isinstance(type_, dict) else type_.rpartition(".")[2]
    if isinstance(type_, dict) and type_.get("logicalType") == "timestamp-millis":
        return _instant
    if type_name == "Uuid":
        return _uuid
    if type_name == "Sha256":
        return _sha256
    if type_name in enum_symbols():
        return _enum(enum_symbols()[type_name], ceiling if name == "label" else None)
    return _text(JURISDICTION if name == "jurisdiction" else OPAQUE_ID)


def _instant(value: datetime) -> bytes:
    ms = to_ms(value)
    if not 0 <= ms <= MAX_MS:
        raise ValueError
    return _millis(ms)


def _uuid(value: UUID) -> bytes:
    if not isinstance(value, UUID):
        raise TypeError
    return value.bytes


def _sha256(value: str) -> bytes:
    if not SHA256_HEX.fullmatch(value):
        raise ValueError
    return bytes.fromhex(value)


def _text(pattern: re.Pattern[str]) -> Writer:
    matches = pattern.fullmatch

    def write(value: str) -> bytes:
        if not matches(value):
            raise ValueError
        return _LENGTHS[len(value)] + value.encode()

    return write


def _enum(symbols: tuple[str, ...], ceiling: str | None) -> Writer:
    return {
        symbol: _long(number)
        for number, symbol in enumerate(symbols)
        if symbol != "UNKNOWN" and (ceiling is None or not above_ceiling(symbol, ceiling))
    }.__getitem__


def _string(text: str) -> bytes:
    raw = text.encode()
    return _long(len(raw)) + raw


def _millis(ms: int) -> bytes:
    n = ms << 1
    if n < 1 << 35 or n >= 1 << 42:
        return _long(ms)
    # Six bytes: the instants from 1970 to 2039, written without a loop.
    return bytes(
        (n & 127 | 128, n >> 7 & 127 | 128, n >> 14 & 127 | 128, n >> 21 & 127 | 128, n >> 28 & 127 | 128, n >> 35)
    )


def _long(number: int) -> bytes:
    """Write an Avro long that is not negative: zigzag, then seven bits a byte, the lowest first."""
    rest = number << 1
    out = bytearray()
    while rest > 127:  # noqa: PLR2004 - seven bits
        out.append(rest & 127 | 128)
        rest >>= 7
    out.append(rest)
    return bytes(out)


_LENGTHS = tuple(_long(length) for length in range(65))
FORMS = {event_class: _form(event_class) for event_class in FIELD_EVENTS}
"""How the events of each class are written."""
