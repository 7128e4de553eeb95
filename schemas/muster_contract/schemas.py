"""The ``.avsc`` files, loaded: every version of every type, by name and by fingerprint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

Json: TypeAlias = Any
"""Parsed JSON: a schema is data, and fastavro takes it as such."""


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """One version of one event type; ``names`` are those of its fields.

    ``source`` is the ``.avsc`` as written. ``wire`` is the same without logical types, parsed: our code
    keeps instants as integers and ids as bytes, and so spares a conversion a field on the hot path.
    """

    name: str
    version: int
    source: Json
    wire: Json
    fingerprint: bytes
    names: frozenset[str]

    @property
    def fullname(self) -> str:
        """The record's full name, which is also its subject in a registry (strategy RECORD)."""
        return f"{self.source['namespace']}.{self.source['name']}"

    @property
    def fields(self) -> Mapping[str, Json]:
        """The fields' types as written, by field name, in order."""
        return {field["name"]: field["type"] for field in self.source["fields"]}

    @property
    def defaults(self) -> Mapping[str, Json]:
        """What stands for a field that an older version has not, by field name, where it has a default."""
        return {field["name"]: field["default"] for field in self.source["fields"] if "default" in field}


def load(source: Json, version: int) -> Schema:
    """Build a Schema from a parsed ``.avsc``; its fingerprint is CRC-64-AVRO, little-endian, 8 bytes."""
    canonical = to_parsing_canonical_form(source)
    # fastavro prints the Rabin fingerprint in hex of the little-endian bytes, as the framing wants them.
    mark = bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))
    wire = fastavro.parse_schema(_without_logical_types(source))
    return Schema(source["name"], version, source, wire, mark, frozenset(f["name"] for f in source["fields"]))


@cache
def all_schemas() -> tuple[Schema, ...]:
    """Load every ``avro/<type>/v<version>.avsc``, by name and then version."""
    found = [
        load(json.loads(file.read_text("utf-8")), int(file.name[1:].removesuffix(".avsc")))
        for folder in files(__package__).joinpath("avro").iterdir()
        for file in folder.iterdir()
        if file.name.endswith(".avsc")
    ]
    return tuple(sorted(found, key=lambda s: (s.name, s.version)))


@cache
def newest() -> Mapping[str, Schema]:
    """Give the newest version of each type, by its name."""
    return {schema.name: schema for schema in all_schemas()}


@cache
def by_fingerprint() -> Mapping[bytes, Schema]:
    """Give every version by its 8-byte fingerprint."""
    return {schema.fingerprint: schema for schema in all_schemas()}


@cache
def enum_symbols() -> Mapping[str, tuple[str, ...]]:
    """Give the symbols of every enum of the newest schemas, by its simple name, such as ``Match``."""
    return {e["name"]: tuple(e["symbols"]) for s in newest().values() for e in _enums(s.source)}


@cache
def code_fields(schema: Schema) -> Mapping[str, tuple[str, ...] | None]:
    """Give the fields of a version that hold codes, in order, with their symbols; None where any code may stand."""
    symbols = {name: enum_symbols().get(_simple_name(avro_type)) for name, avro_type in schema.fields.items()}
    return {name: found for name, found in symbols.items() if found is not None or name == "jurisdiction"}


def _simple_name(avro_type: Json) -> str:
    name = avro_type.get("name", "") if isinstance(avro_type, dict) else avro_type
    return str(name).rpartition(".")[2]


def _enums(node: Json) -> list[Json]:
    if isinstance(node, list):
        return [e for n in node for e in _enums(n)]
    if not isinstance(node, dict):
        return []
    if node.get("type") == "enum":
        return [node]
    return [e for key in ("type", "fields", "items") for e in _enums(node.get(key))]


def _without_logical_types(node: Json) -> Json:
    if isinstance(node, list):
        return [_without_logical_types(n) for n in node]
    if isinstance(node, dict):
        return {key: _without_logical_types(value) for key, value in node.items() if key != "logicalType"}
    return node
