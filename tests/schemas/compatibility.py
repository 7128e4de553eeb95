"""FULL_TRANSITIVE compatibility by the ``avro`` library: every version reads every other, both ways.

What that library does not see (logical types above all) is the lint's part.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from itertools import permutations
from typing import Any

import avro.schema
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType


def incompatibilities(versions: Mapping[int, Any]) -> list[str]:
    """Name each pair of a type's versions of which one cannot read what the other writes, and why."""
    parsed = {number: parse(source) for number, source in versions.items()}
    return [
        f"v{reader} cannot read v{writer}: {reason}"
        for reader, writer in permutations(parsed, 2)
        for reason in _reasons(parsed[reader], parsed[writer])
    ]


def parse(source: Any) -> avro.schema.Schema:  # noqa: ANN401 - parsed JSON
    """Parse a schema with ``avro``, which does not know the uuid on a fixed and warns of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", avro.errors.IgnoredLogicalType)
        return avro.schema.parse(json.dumps(source))


def _reasons(reader: avro.schema.Schema, writer: avro.schema.Schema) -> list[str]:
    checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]  # avro annotates no __init__
    result = checker.get_compatibility(reader, writer)
    if result.compatibility is SchemaCompatibilityType.compatible:
        return []
    kinds = ", ".join(sorted({kind.value for kind in result.incompatibilities}))
    return [f"{kinds} at {', '.join(sorted(result.locations))}"]
