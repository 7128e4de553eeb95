"""``docs/contract.md`` names what the contract has, and its examples are true."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Any

import pytest

from muster_contract.avsc import HOME, expand, fields_in, types_in
from muster_contract.codec import PULSE, Undecodable, decode, encode
from muster_contract.events import JURISDICTION, OPAQUE_ID, Stamp
from muster_contract.headers import of_event
from muster_contract.jsonform import from_json
from muster_contract.schemas import newest
from muster_contract.times import parse_instant
from muster_contract.topics import MAX_VALUE_BYTES, OFFICE_ID, Topic, parse_stream, topics
from tests.schemas.builders import STAMP
from tests.schemas.examples import golden

PAGE = (HOME.parents[1] / "docs" / "contract.md").read_text("utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ")]
COMMON = {*Stamp.__dataclass_fields__, "case_id", "encounter_id", "occurred_at", "label"}


def row(first: str) -> str:
    """Find the row of a table by its first cell."""
    return next(line for line in ROWS if line.split(" | ")[0] == f"| {first}")


def block(language: str) -> str:
    """Find the code block of a language."""
    return PAGE.split(f"```{language}\n")[1].split("```")[0]


@pytest.mark.parametrize("topic", topics(), ids=lambda topic: topic.kind)
def test_a_topic_has_a_row_with_its_types(topic: Topic) -> None:
    """All of them, and no more."""
    types = row(f"`{topic.name.format(office='<office>')}`").split(" | ")[1]
    assert set(types.split(", ")) == topic.types


@pytest.mark.parametrize("name", newest())
def test_a_type_has_a_row_with_its_fields_and_symbols(name: str) -> None:
    """In its row, in that of the type that it refers to, or among the common fields."""
    schema = expand(newest()[name].source)
    text = row(name) + "".join(row(other) for other in re.findall(r"as (\w+)'s", row(name)))
    common = COMMON if newest()[name].fields.keys() >= COMMON else set()
    fields = {path.rpartition(".")[2] for path in fields_in(schema)} - common
    symbols = {symbol for path, type_ in types_in(schema) if path not in common for symbol in symbols_of(type_)}
    assert {field for field in fields if f"`{field}`" not in text} == set()
    assert symbols - set(re.findall(r"\w+", text)) == {"UNKNOWN"} & symbols


def symbols_of(type_: Any) -> list[str]:  # noqa: ANN401 - an expanded Avro type
    """Give the symbols of an enum, and none of another type."""
    return list(type_.get("symbols", ())) if isinstance(type_, dict) else []


def test_the_common_fields_have_rows() -> None:
    """All nine of them."""
    table = PAGE.split("same nine fields:")[1].split("Instants are")[0]
    assert len(COMMON) == 9
    assert set(re.findall(r"`(\w+)`", "".join(line.split(" | ")[0] for line in table.splitlines()))) == COMMON


def test_the_patterns_and_limits_are_the_codes() -> None:
    """Office ids, opaque ids, jurisdictions, the size cap."""
    assert all(f"`{pattern.pattern}`" in PAGE for pattern in (OFFICE_ID, OPAQUE_ID, JURISDICTION))
    assert f"At most {MAX_VALUE_BYTES:,} bytes" in PAGE


def test_the_worked_example_is_the_golden_record() -> None:
    """Every byte of it."""
    lines = [re.split(r"  +", line)[0] for line in block("hex").splitlines()]
    assert bytes.fromhex("".join(lines)) == golden()["EncounterReported.v1"][0]


def test_headers_have_rows() -> None:
    """All that our code builds, and no more."""
    table = PAGE.split("## Headers")[1].split("## ")[0]
    assert set(re.findall(r"^\| `([\w-]+)`", table, re.MULTILINE)) == dict(of_event("IncidentReported", STAMP)).keys()


def test_the_log_lines_can_be_read() -> None:
    """An event that leaves out what it may, a pulse, and bytes that nobody can decode."""
    event, pulse, raw = map(json.loads, block("jsonl").splitlines())
    for offset, line in enumerate((event, pulse, raw)):
        assert parse_stream(line["stream"]) is not None
        assert line["offset"] == offset
        assert parse_instant(line["appended_at"])
    fields, faults = from_json(event["event"], event["type"])
    assert faults == []
    assert decode(encode(event["type"], fields)).fields["sequence"] == 0
    assert encode(pulse["type"], from_json(pulse["event"], pulse["type"])[0]) == PULSE
    with pytest.raises(Undecodable, match="CONFLUENT_FRAMING"):
        decode(b64decode(raw["value"], validate=True))
