"""Avro single-object encoding, and the decode guard: whatever arrives, a record or a reason comes out.

Neither fastavro nor avro implements the framing: two marker bytes, the schema's CRC-64-AVRO fingerprint,
the body (Avro specification 1.12, "Single object encoding"). It lets an office enqueue and send without
a registry. Confluent's framing is recognised and refused by name until a registry is configured (ADR 0004).
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any, NamedTuple

from fastavro import schemaless_reader, schemaless_writer

from muster_contract.schemas import Schema, by_fingerprint, newest
from muster_contract.topics import MAX_VALUE_BYTES

MARKER = b"\xc3\x01"
HEADER_BYTES = 10
_CONFLUENT_MAGIC = 0
_CONFLUENT_BYTES = 5


class Undecodable(Exception):
    """A value that is no record of ours. ``reason`` is a QuarantineReason; ``detail`` never shows content."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Decoded(NamedTuple):
    """A record as it stands on the wire: instants as UTC milliseconds, ids and digests as bytes."""

    schema: Schema
    fields: dict[str, Any]


def encode(event_type: str, fields: Mapping[str, Any]) -> bytes:
    """Frame a record of the newest version of its type; ValueError when the fields do not fit the schema."""
    schema = newest()[event_type]
    if fields.keys() != schema.names:  # the writer's own check, ``strict``, takes as long as all the rest
        raise ValueError(f"the fields do not fit {event_type} v{schema.version}: KeyError")
    body = BytesIO()
    try:
        schemaless_writer(body, schema.wire, fields)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as fault:
        # The writer's own message would print the value: name the type only.
        raise ValueError(f"the fields do not fit {event_type} v{schema.version}: {type(fault).__name__}") from None
    return MARKER + schema.fingerprint + body.getvalue()


PULSE = encode("ClockPulse", {})
"""The one value of every pulse: known before decoding, by comparison."""


def decode(value: bytes | None) -> Decoded:
    """Read a framed record, with its writer's schema; raise Undecodable for anything else.

    The order of the checks is the contract's decode guard: size before anything is parsed, the framing,
    the fingerprint, the body, and that the body was consumed whole.
    """
    if not value:
        raise Undecodable("EMPTY_VALUE", "no bytes")
    if len(value) > MAX_VALUE_BYTES:
        raise Undecodable("OVERSIZED", f"{len(value)} bytes, at most {MAX_VALUE_BYTES}")
    if value[:2] != MARKER:
        if value[0] == _CONFLUENT_MAGIC and len(value) >= _CONFLUENT_BYTES:
            schema_id = int.from_bytes(value[1:_CONFLUENT_BYTES], "big")
            raise Undecodable("CONFLUENT_FRAMING", f"schema id {schema_id}, and no registry is set")
        raise Undecodable("NOT_FRAMED", "does not begin with the marker C3 01")
    if len(value) < HEADER_BYTES:
        raise Undecodable("NOT_FRAMED", f"ends after {len(value)} of the header's {HEADER_BYTES} bytes")
    schema = by_fingerprint().get(value[2:HEADER_BYTES])
    if schema is None:
        raise Undecodable("UNKNOWN_FINGERPRINT", f"schema {value[2:HEADER_BYTES].hex()}")
    body = BytesIO(value)
    body.seek(HEADER_BYTES)
    try:
        fields = schemaless_reader(body, schema.wire, None)
    except Exception as fault:  # noqa: BLE001 - the decoder raises many kinds, and each means the same here
        raise Undecodable("UNDECODABLE", f"{schema.name} v{schema.version}: {type(fault).__name__}") from None
    if body.tell() != len(value):
        raise Undecodable("TRAILING_BYTES", f"{len(value) - body.tell()} bytes after {schema.name} v{schema.version}")
    return Decoded(schema, fields)  # type: ignore[arg-type]  # a record's schema reads to a dict
