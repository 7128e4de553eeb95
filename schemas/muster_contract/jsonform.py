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
    return {name: None if fields[name] is None else forms[name][0](fields[name]) for name in forms if name in fields}


def from_json(event: Mapping[str, Any], event_type: str) -> tuple[dict[str, Any], list[Fault]]:
    """Turn a JSON object into wire fields, and name every fault (by field, never by value).

    A log file may leave out what only the transport needs: ``epoch``, ``sequence``, ``recorded_at``,
    ``label`` (and a heartbeat more). The defaults depend on the event alone, so that a second copy of an
    event still has the same bytes.
    """
    forms = _forms(event_type)
    faults = [Fault(f"event.{name}", f"is no field of {event_type}") for name in event if name not in forms]
    fields: dict[str, Any] = {}
    for name, (_, read) in forms.items():
        if name not in event:
            default = _default(name, event_type, fields)
            if default is _MISSING:
                faults.append(Fault(f"event.{name}", "is missing"))
            else:
                fields[name] = default
            continue
        try:
            fields[name] = read(event[name])
        except (ValueError, TypeError, AttributeError) as fault:
            faults.append(Fault(f"event.{name}", f"does not fit: {_reason(fault)}"))
    return fields, faults


_MISSING = object()


def _default(name: str, event_type: str, before: Mapping[str, Any]) -> Any:  # noqa: ANN401
    if name == "recorded_at":
        return before.get("occurred_at", 0)
    if name in {"epoch", "sequence", "label"}:
        return {"epoch": NIL, "sequence": 0, "label": "UNCLASSIFIED"}[name]
    if name.startswith(("oldest_", "lowest_")) or name in {"until"}:
        return None
    if event_type == "OfficeHeartbeat" and name in {"event_id", "pending"}:
        return NIL if name == "event_id" else 0
    return _MISSING


def _reason(fault: Exception) -> str:
    """Tell our own words from a library's, which could show the value."""
    return str(fault) if isinstance(fault, _Unfit) else "not the form that the contract gives it"


class _Unfit(ValueError):
    """A value that has not the form of its field."""


Form = tuple[Callable[[Any], Any], Callable[[Any], Any]]


@cache
def _forms(event_type: str) -> Mapping[str, Form]:
    return {name: _form(type_) for name, type_ in newest()[event_type].fields.items()}


def _form(type_: Any) -> Form:  # noqa: ANN401 - any Avro type
    if isinstance(type_, list):
        write, read = _form(type_[1])
        return write, lambda value: None if value is None else read(value)
    if isinstance(type_, str):
        return _named(type_)
    kind = type_["type"]
    if type_.get("logicalType") == "timestamp-millis":
        return format_instant, _text_then(parse_instant)
    if kind in {"fixed", "enum"}:
        return _named(f"{type_['namespace']}.{type_['name']}")
    if kind == "array":
        items = {f["name"]: _form(f["type"]) for f in type_["items"]["fields"]}
        return (
            lambda rows: [{n: None if r[n] is None else items[n][0](r[n]) for n in items} for r in rows],
            lambda rows: [{n: items[n][1](r[n]) for n in items} for r in rows],
        )
    raise TypeError(kind)


def _named(name: str) -> Form:
    if name == "muster.Uuid":
        return (lambda raw: str(UUID(bytes=raw))), _text_then(lambda text: UUID(text).bytes)
    if name == "muster.Sha256":
        return bytes.hex, _text_then(_digest)
    if name in {"long", "int"}:
        return int, _integer
    if name == "bytes":
        return bytes.hex, _text_then(bytes.fromhex)
    if name == "string":
        return str, _text_then(str)
    symbols = enum_symbols()[name.rpartition(".")[2]]
    return str, lambda text: _one_of(text, symbols)


def _text_then(read: Callable[[str], Any]) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:  # noqa: ANN401
        if not isinstance(value, str):
            raise _Unfit("not text")
        return read(value)

    return checked


def _integer(value: Any) -> int:  # noqa: ANN401
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**63:
        raise _Unfit("not a 64-bit integer")
    return value


def _digest(text: str) -> bytes:
    raw = bytes.fromhex(text)
    if len(raw) != 32:  # noqa: PLR2004 - SHA-256
        raise _Unfit("not 64 hex digits")
    return raw


def _one_of(text: Any, symbols: tuple[str, ...]) -> str:  # noqa: ANN401
    if text not in symbols:
        raise _Unfit("not one of " + ", ".join(symbols))
    return str(text)
