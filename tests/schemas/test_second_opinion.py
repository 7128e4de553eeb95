"""Another library, and the specification's own algorithm, agree with our bytes."""

from __future__ import annotations

import json
from datetime import datetime
from io import BytesIO
from typing import Any

import pytest
from avro.io import BinaryDecoder, BinaryEncoder, DatumReader, DatumWriter

from muster_contract.codec import HEADER_BYTES, MARKER, decode
from muster_contract.schemas import Schema, all_schemas
from muster_contract.times import to_datetime, to_ms
from tests.schemas.compatibility import parse
from tests.schemas.examples import Example, examples, key, label

EMPTY = 0xC15D213AA4D7A795
"""The fingerprint of no bytes, from the Avro specification."""


@pytest.mark.parametrize("example", examples(), ids=label)
def test_avro_reads_the_same_values(example: Example) -> None:
    """The golden body, read by the ``avro`` library with the schema as written."""
    body = BytesIO(example.value[HEADER_BYTES:])
    theirs = DatumReader(parse(example.schema.source)).read(BinaryDecoder(body))
    assert body.read() == b""
    assert without_datetimes(theirs) == decode(example.value).fields


@pytest.mark.parametrize("example", examples(), ids=label)
def test_avro_writes_the_same_bytes(example: Example) -> None:
    """The decoded fields, written by the ``avro`` library, are the golden body again."""
    body = BytesIO()
    fields = with_datetimes(decode(example.value).fields, example.schema.source)
    DatumWriter(parse(example.schema.source)).write(fields, BinaryEncoder(body))
    assert body.getvalue().hex() == example.value[HEADER_BYTES:].hex()


@pytest.mark.parametrize("schema", all_schemas(), ids=key)
def test_the_fingerprint_is_the_specifications(schema: Schema) -> None:
    """CRC-64-AVRO of the Parsing Canonical Form, little-endian, by the specification's pseudocode."""
    assert schema.fingerprint == crc64_avro(canonical(schema.source, "", set()).encode()).to_bytes(8, "little")


def test_the_algorithm_gives_the_published_values() -> None:
    """From the test data that Avro's own implementations share."""
    assert crc64_avro(b'"null"') == 0x63DD24E7CC258F8A
    assert crc64_avro(b'"int"') == 0x7275D51A3F395C8F


@pytest.mark.parametrize("example", examples(), ids=label)
def test_the_header_is_the_marker_and_the_fingerprint(example: Example) -> None:
    """Ten bytes, and the body begins."""
    assert example.value[:HEADER_BYTES] == MARKER + example.schema.fingerprint


def crc64_avro(data: bytes) -> int:
    """Fingerprint bytes as the specification's pseudocode does."""
    mark = EMPTY
    for byte in data:
        step = (mark ^ byte) & 0xFF
        for _ in range(8):
            step = (step >> 1) ^ (EMPTY & -(step & 1))
        mark = (mark >> 8) ^ step
    return mark


def canonical(node: Any, namespace: str, known: set[str]) -> str:  # noqa: ANN401 - parsed JSON
    """Give the Parsing Canonical Form; ``known`` are the names defined so far."""
    if isinstance(node, list):
        return "[" + ",".join(canonical(branch, namespace, known) for branch in node) + "]"
    if isinstance(node, str):
        return json.dumps(node if "." in node or f"{namespace}.{node}" not in known else f"{namespace}.{node}")
    parts = []
    if "name" in node:
        namespace = node.get("namespace", namespace)
        known.add(f"{namespace}.{node['name']}")
        parts.append(f'"name":"{namespace}.{node["name"]}"')
    parts.append(f'"type":"{node["type"]}"')
    if "fields" in node:
        fields = (f'{{"name":"{f["name"]}","type":{canonical(f["type"], namespace, known)}}}' for f in node["fields"])
        parts.append('"fields":[' + ",".join(fields) + "]")
    if "symbols" in node:
        parts.append('"symbols":' + json.dumps(node["symbols"], separators=(",", ":")))
    if "items" in node:
        parts.append('"items":' + canonical(node["items"], namespace, known))
    if "size" in node:
        parts.append(f'"size":{node["size"]}')
    return json.dumps(node["type"]) if len(parts) == 1 else "{" + ",".join(parts) + "}"


def without_datetimes(node: Any) -> Any:  # noqa: ANN401 - any value
    """Turn the instants of ``avro`` into our milliseconds."""
    if isinstance(node, dict):
        return {name: without_datetimes(value) for name, value in node.items()}
    if isinstance(node, list):
        return [without_datetimes(value) for value in node]
    return to_ms(node) if isinstance(node, datetime) else node


def with_datetimes(value: Any, type_: Any) -> Any:  # noqa: ANN401 - any value, any Avro type
    """Turn our milliseconds into what ``avro`` takes for an instant."""
    if isinstance(type_, list):
        return None if value is None else with_datetimes(value, type_[1])
    if not isinstance(type_, dict):
        return value
    if type_["type"] == "record":
        return {field["name"]: with_datetimes(value[field["name"]], field["type"]) for field in type_["fields"]}
    if type_["type"] == "array":
        return [with_datetimes(row, type_["items"]) for row in value]
    return to_datetime(value) if type_.get("logicalType") == "timestamp-millis" else value
