"""Hypothesis strategies made from the ``.avsc`` files: any record that a schema allows, as it stands on the wire."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from muster_contract.avsc import expand
from muster_contract.schemas import Schema
from muster_contract.times import MAX_MS

TEXTS = st.text("aZ0._-/ \x00\n\u00e9\u20ac\U0001f600\u202e")
"""One to four bytes of UTF-8 a character; all of Unicode would cost a second to load."""

PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "long": st.integers(-(2**63), 2**63 - 1),
    "int": st.integers(-(2**31), 2**31 - 1),
    "string": TEXTS,
    "bytes": st.binary(),
}


def wire_fields(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    """Draw the fields of a record of this schema; instants are those that have an RFC 3339 form."""
    return _record(expand(schema.source))


def _record(type_: Any) -> st.SearchStrategy[dict[str, Any]]:  # noqa: ANN401 - an expanded Avro type
    return st.fixed_dictionaries({field["name"]: _values(field["type"]) for field in type_["fields"]})


def _values(type_: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - an expanded Avro type
    if isinstance(type_, list):
        return st.none() | _values(type_[1])
    if type_.get("logicalType") == "timestamp-millis":
        return st.integers(0, MAX_MS)
    if type_["type"] == "array":
        return st.lists(_record(type_["items"]), max_size=3)
    if type_["type"] == "enum":
        return st.sampled_from(type_["symbols"])
    if type_["type"] == "fixed":
        return st.binary(min_size=type_["size"], max_size=type_["size"])
    return PRIMITIVES[type_["type"]]
