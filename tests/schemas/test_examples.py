"""Every version has examples; they keep their bytes for good, and every later reader reads them."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import fastavro
import pytest

from muster_contract.codec import HEADER_BYTES, decode, encode
from muster_contract.jsonform import from_json, to_json
from muster_contract.schemas import Schema, all_schemas, load, newest
from tests.schemas.examples import EXAMPLES, Example, events, examples, golden, key, label
from tests.schemas.planted import MATCH, add, amend, both, changed

ALL = examples()
NEWEST = [example for example in ALL if example.schema is newest()[example.schema.name]]
READERS = {
    f"{key(schema)} reads {label(example)}": (schema, example)
    for schema in all_schemas()
    for example in ALL
    if example.schema.name == schema.name
}


def test_every_version_has_examples() -> None:
    """No version without one, no file without its version."""
    keys = [key(schema) for schema in all_schemas()]
    assert sorted(file.name for file in EXAMPLES.iterdir()) == sorted([*(f"{k}.json" for k in keys), "golden.json"])
    assert sorted(golden()) == sorted(keys)
    assert all(len(events(schema)) == len(golden()[key(schema)]) > 0 for schema in all_schemas())


@pytest.mark.parametrize("example", NEWEST, ids=label)
def test_an_example_comes_back_as_it_went(example: Example) -> None:
    """JSON, wire, bytes, wire, JSON."""
    fields, faults = from_json(example.event, example.schema.name)
    assert faults == []
    decoded = decode(encode(example.schema.name, fields))
    assert decoded.fields == fields
    assert to_json(decoded.fields, decoded.schema.name) == example.event


@pytest.mark.parametrize("schema", newest().values(), ids=key)
def test_examples_have_their_golden_bytes(schema: Schema) -> None:
    """The bytes on the wire are checked in: whatever changes them is a break."""
    values = [encode(schema.name, from_json(event, schema.name)[0]).hex() for event in events(schema)]
    assert values == [value.hex() for value in golden().get(key(schema), [])]


@pytest.mark.parametrize("example", ALL, ids=label)
def test_golden_bytes_read_as_their_example(example: Example) -> None:
    """Whatever was once written stays readable, by the version that wrote it."""
    decoded = decode(example.value)
    assert decoded.schema is example.schema
    assert to_json(decoded.fields, decoded.schema.name) == example.event


@pytest.mark.parametrize(("reader", "example"), READERS.values(), ids=READERS)
def test_every_version_reads_every_versions_examples(reader: Schema, example: Example) -> None:
    """Fields that both have keep their values; a symbol that the reader does not know yet is UNKNOWN to it."""
    read = read_as(reader, example)
    written = decode(example.value).fields
    symbols = {name: t["symbols"] for name, t in reader.fields.items() if isinstance(t, dict) and "symbols" in t}
    understood = {n: v if v in symbols.get(n, [v]) else "UNKNOWN" for n, v in written.items()}
    assert list(read) == list(reader.fields)
    assert {name: read[name] for name in read if name in written} == {n: v for n, v in understood.items() if n in read}


def test_a_newer_reader_gives_a_new_field_its_default() -> None:
    """A planted second version reads the first one's examples."""
    second = load(changed(add("district_id", ["null", "string"], default=None)), 2)
    example = first("EncounterReported")
    assert read_as(second, example) == decode(example.value).fields | {"district_id": None}


def test_an_older_reader_takes_a_new_symbol_for_unknown_and_leaves_a_new_field_out() -> None:
    """The first version reads what a planted second one wrote."""
    change = both(amend("match", symbols=[*MATCH, "PARTIAL"]), add("district_id", "string", default=""))
    second, example = load(changed(change), 2), first("EncounterReported")
    fields = decode(example.value).fields
    body = BytesIO()
    fastavro.schemaless_writer(body, second.wire, fields | {"match": "PARTIAL", "district_id": "7"})
    read = read_as(example.schema, Example(second, {}, bytes(HEADER_BYTES) + body.getvalue()))
    assert read == fields | {"match": "UNKNOWN"}


def test_examples_hold_nothing_but_ids_codes_digests_and_times() -> None:
    """No personal data, and no prose but the detail that our own code writes."""
    texts = [text for example in ALL for name, text in leaves(example.event) if name != "detail"]
    assert len(texts) > 100
    assert [text for text in texts if not re.fullmatch(r"[A-Za-z0-9._@:-]{0,64}", text)] == []


def read_as(reader: Schema, example: Example) -> Any:  # noqa: ANN401 - any record
    """Read an example's body by schema resolution."""
    return fastavro.schemaless_reader(BytesIO(example.value[HEADER_BYTES:]), example.schema.wire, reader.wire)


def first(event_type: str) -> Example:
    """Give the first example of the first version of a type."""
    return next(example for example in ALL if key(example.schema) == f"{event_type}.v1")


def leaves(node: Any, name: str = "") -> list[tuple[str, str]]:  # noqa: ANN401 - parsed JSON
    """List every text in an example with its field's name."""
    if isinstance(node, dict):
        return [leaf for inner, value in node.items() for leaf in leaves(value, inner)]
    if isinstance(node, list):
        return [leaf for value in node for leaf in leaves(value, name)]
    return [(name, node)] if isinstance(node, str) else []
