"""Records as JSON, for log files and people: instants as RFC 3339, ids as UUIDs, digests as hex.

The form follows from the schema, so every type has one, and both directions are here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from uuid import UUID

from muster_contract.errors import Fault
from muster_contract.schemas import enum_symbols, newest
from muster_contract.times import format_instant, parse_instant

NIL = bytes(16)


def to_json(fields: Mapping[str, Any], event_type: str) -> dict[str, Any]:
    """Turn wire fields into a JSON object, in the schema's order."""
    forms = _forms(event_type)
    return {name: write(fields[name]) for name, (write, _) in forms.items() if name in fields}


def from_json(event: Mapping[str, Any], event_type: str) -> tuple[dict[str, Any], list[Fault]]:
    """Turn a JSON object into wire fields, and name every fault (by field, never by value).

    A log file may leave out what only the transport needs (``epoch``, ``sequence``, ``recorded_at``,
    ``label``; of a heartbeat also ``event_id`` and ``pending``) and whatever has a default in the schema.
    What stands for them depends on the event alone, so that a second copy of it still has the same bytes.
    """
    forms = _forms(event_type)
    faults = [Fault(f"event.{name}", f"is no field of {event_type}") for name in event if name not in forms]
    fields: dict[str, Any] = {}
    for name, (_, read) in forms.items():
        try:
            fields[name] = read(event[name]) if name in event else _left_out(name, event_type, fields)
        except _Unfit as fault:
            faults.append(Fault(f"event.{name}", str(fault)))
    return fields, faults


def _left_out(name: str, event_type: str, before: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any field's value
    if name == "recorded_at":
        return before.get("occurred_at", 0)
    if name in {"epoch", "sequence", "label"}:
        return {"epoch": NIL, "sequence": 0, "label": "UNCLASSIFIED"}[name]
    if event_type == "OfficeHeartbeat" and name in {"event_id", "pending"}:
        return NIL if name == "event_id" else 0
    defaults = newest()[event_type].defaults
    if name not in defaults:
        raise _Unfit("is missing")
    return defaults[name]


class _Unfit(Exception):
    """A value that has not the form of its field; says so without showing it."""


Form = tuple[Callable[[Any], Any], Callable[[Any], Any]]
"""How a type is written to JSON, and how it is read; reading raises _Unfit and nothing else."""


@cache
def _forms(event_type: str) -> Mapping[str, Form]:
    return {name: _form(type_) for name, type_ in newest()[event_type].fields.items()}


def _form(type_: Any) -> Form:  # noqa: ANN401 - any Avro type
    if isinstance(type_, list):
        return _nullable(*_form(type_[1]))
    if isinstance(type_, str):
        return _named(type_)
    if type_.get("logicalType") == "timestamp-millis":
        return format_instant, _text_then(parse_instant, "is not a time")
    if type_["type"] == "array":
        return _rows({field["name"]: _form(field["type"]) for field in type_["items"]["fields"]})
    return _named(f"{type_['namespace']}.{type_['name']}")


def _named(name: str) -> Form:
    if name == "muster.Uuid":
        return (lambda raw: str(UUID(bytes=raw))), _text_then(lambda text: UUID(text).bytes, "is not a UUID")
    if name == "muster.Sha256":
        return bytes.hex, _text_then(_digest, "is not a SHA-256 digest")
    if name in {"long", "int"}:
        return int, _integer(64 if name == "long" else 32)
    if name == "bytes":
        return bytes.hex, _text_then(bytes.fromhex, "is not hex")
    if name == "string":
        return str, _text_then(lambda text: text.encode().decode(), "is not text that UTF-8 can hold")
    return str, _one_of(enum_symbols()[name.rpartition(".")[2]])


def _nullable(write: Callable[[Any], Any], read: Callable[[Any], Any]) -> Form:
    return (
        lambda value: None if value is None else write(value),
        lambda value: None if value is None else read(value),
    )


def _rows(items: Mapping[str, Form]) -> Form:
    def read(rows: Any) -> list[dict[str, Any]]:  # noqa: ANN401
        if not isinstance(rows, list) or not all(isinstance(row, dict) and row.keys() == items.keys() for row in rows):
            raise _Unfit("is not a list of objects with " + ", ".join(items))
        return [{name: items[name][1](row[name]) for name in items} for row in rows]

    return lambda rows: [{name: items[name][0](row[name]) for name in items} for row in rows], read


def _text_then(read: Callable[[str], Any], cause: str) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:  # noqa: ANN401
        if not isinstance(value, str):
            raise _Unfit("is not text")
        try:
            return read(value)
        except ValueError:
            raise _Unfit(cause) from None

    return checked


def _integer(bits: int) -> Callable[[Any], int]:
    def checked(value: Any) -> int:  # noqa: ANN401
        if not isinstance(value, int) or isinstance(value, bool) or not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            raise _Unfit(f"is not a {bits}-bit integer")
        return value

    return checked


def _digest(text: str) -> bytes:
    raw = bytes.fromhex(text)
    if len(raw) != 32:  # noqa: PLR2004 - SHA-256
        raise ValueError
    return raw


def _one_of(symbols: tuple[str, ...]) -> Callable[[Any], str]:
    def checked(value: Any) -> str:  # noqa: ANN401
        if value not in symbols:
            raise _Unfit("is not one of " + ", ".join(symbols))
        return str(value)

    return checked
