"""The checked-in examples and their golden bytes, for whoever tests with them."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, NamedTuple

from muster_contract.schemas import Schema, all_schemas

EXAMPLES = files("muster_contract").joinpath("examples")


class Example(NamedTuple):
    """One example of one version of one type: its JSON form, and the bytes that it must always have."""

    schema: Schema
    event: dict[str, Any]
    value: bytes


def key(schema: Schema) -> str:
    """Give the name of a version's examples."""
    return f"{schema.name}.v{schema.version}"


def golden() -> dict[str, list[bytes]]:
    """Read the golden bytes of every version."""
    texts = json.loads(EXAMPLES.joinpath("golden.json").read_text("utf-8"))
    return {name: [bytes.fromhex(text) for text in values] for name, values in texts.items()}


def events(schema: Schema) -> list[dict[str, Any]]:
    """Read the examples of a version; one that has none yet fails the test that wants them."""
    file = EXAMPLES.joinpath(f"{key(schema)}.json")
    return list(json.loads(file.read_text("utf-8"))) if file.is_file() else []


def examples() -> list[Example]:
    """Give every example of every version."""
    return [
        Example(schema, event, value)
        for schema in all_schemas()
        for event, value in zip(events(schema), golden().get(key(schema), []), strict=False)
    ]


def label(example: Example) -> str:
    """Name an example in a test's id."""
    return f"{key(example.schema)}-{len(example.value)}"
