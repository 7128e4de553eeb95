"""Changes to a schema that an author might plant, as functions on a copy of the real one."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from muster_contract.avsc import HOME
from muster_contract.lock import FILE_NAME, read_lock, write_lock
from muster_contract.schemas import all_schemas

Change = Callable[[Any], None]


def source(event_type: str = "EncounterReported") -> Any:  # noqa: ANN401 - parsed JSON
    """Give a copy of the first version of a type, to be changed at will."""
    return copy.deepcopy(next(schema.source for schema in all_schemas() if schema.name == event_type))


def changed(change: Change, event_type: str = "EncounterReported") -> Any:  # noqa: ANN401
    """Give a copy of the first version of a type with one change made to it."""
    schema = source(event_type)
    change(schema)
    return schema


def copy_of_contract(folder: Path) -> Path:
    """Copy the first versions and their lock, to be spoilt."""
    shutil.copytree(HOME / "avro", folder / "avro", ignore=shutil.ignore_patterns("v[!1].avsc", "v??*.avsc"))
    lock = read_lock((HOME / FILE_NAME).read_text("utf-8"))
    (folder / FILE_NAME).write_text(write_lock({key: frozen for key, frozen in lock.items() if key[1] == 1}), "utf-8")
    return folder


def field(schema: Any, name: str) -> Any:  # noqa: ANN401
    """Find a field of a record by its name."""
    return next(field for field in schema["fields"] if field["name"] == name)


def add(name: str, type_: Any, **more: Any) -> Change:  # noqa: ANN401
    """Plant a new field."""
    return lambda schema: schema["fields"].append({"name": name, "type": type_, **more})


def drop(name: str) -> Change:
    """Plant the removal of a field."""
    return lambda schema: schema["fields"].remove(field(schema, name))


def retype(name: str, type_: Any) -> Change:  # noqa: ANN401
    """Plant another type for a field."""
    return lambda schema: field(schema, name).update(type=type_)


def amend(name: str, /, **properties: Any) -> Change:  # noqa: ANN401
    """Plant other properties in the type of a field; None takes one away."""

    def change(schema: Any) -> None:  # noqa: ANN401
        type_ = field(schema, name)["type"]
        type_.update(properties)
        for key in [key for key, value in properties.items() if value is None]:
            del type_[key]

    return change


def both(*changes: Change) -> Change:
    """Plant several changes at once."""

    def change(schema: Any) -> None:  # noqa: ANN401
        for one in changes:
            one(schema)

    return change


def rename(name: str) -> Change:
    """Plant another name for the record."""
    return lambda schema: schema.update(name=name)


MATCH = ["UNKNOWN", "NONE", "POTENTIAL", "CONFIRMED"]
MICROS = {"type": "long", "logicalType": "timestamp-micros"}
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
