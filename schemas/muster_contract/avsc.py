"""The ``.avsc`` files as their authors wrote them, for those who govern them: the lint and the lock.

``muster_contract.schemas`` loads the same files to encode and decode; here nothing is taken for granted,
and a schema can be *expanded*: names in full, references replaced by what they name, no docs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import fastavro

from muster_contract.errors import ConfigurationError, Fault
from muster_contract.schemas import Json

HOME = Path(__file__).parent
"""The folder that holds ``avro/`` and ``fingerprints.lock``."""

_VERSION_FILE = re.compile(r"v([1-9][0-9]*)\.avsc")


class Version(NamedTuple):
    """One version of one type: the folder's name, the number in the file's, and what the file holds."""

    type: str
    number: int
    source: Json
    raw: bytes = b""

    @property
    def place(self) -> str:
        """Where an author finds it."""
        return f"avro/{self.type}/v{self.number}.avsc"


def read_versions(home: Path) -> tuple[list[Version], list[Fault]]:
    """Read every file below ``avro/``, by type and number, and name those that are no schema."""
    if not (home / "avro").is_dir():
        raise ConfigurationError.of(str(home), "has no folder avro/", "the folder of the contract package")
    versions: list[Version] = []
    faults: list[Fault] = []
    for file in sorted(file for file in (home / "avro").rglob("*") if not file.is_dir()):
        place = file.relative_to(home)
        number = _VERSION_FILE.fullmatch(file.name)
        if number is None or len(place.parts) != 3:  # noqa: PLR2004 - avro, type, file
            faults.append(Fault(str(place), "is no file of the contract", "avro/<Type>/v<number>.avsc, from v1"))
            continue
        raw = file.read_bytes()
        try:
            source = json.loads(raw)
            fastavro.parse_schema(source, _write_hint=False)
        except Exception as fault:  # noqa: BLE001 - the parser raises many kinds, and each means the same here
            faults.append(Fault(str(place), f"is no Avro schema: {type(fault).__name__}: {fault}"))
            continue
        if not isinstance(source, dict) or source["type"] != "record":
            faults.append(Fault(str(place), "is no record", "every event is one"))
            continue
        versions.append(Version(place.parts[1], int(number[1]), source, raw))
    return sorted(versions, key=lambda v: (v.type, v.number)), faults


def expand(source: Json) -> Json:
    """Give a schema with names in full, references replaced by what they name, and no docs."""
    return _expand(source, "", {})


def _expand(node: Json, namespace: str, named: dict[str, Json]) -> Json:
    if isinstance(node, list):
        return [_expand(branch, namespace, named) for branch in node]
    if isinstance(node, str):
        return named.get(_full(node, namespace), {"type": node})
    kind = node["type"]
    if not isinstance(kind, str):
        return _expand(kind, namespace, named)
    plain = {key: value for key, value in node.items() if key not in {"doc", "namespace"}}
    for inner in plain.keys() & {"items", "values"}:
        plain[inner] = _expand(plain[inner], namespace, named)
    if "name" in plain:
        plain["name"] = _full(node["name"], node.get("namespace", namespace))
        namespace = plain["name"].rpartition(".")[0]
    if "fields" in plain:
        plain["fields"] = [
            {k: v for k, v in field.items() if k != "doc"} | {"type": _expand(field["type"], namespace, named)}
            for field in node["fields"]
        ]
    if "name" in plain:
        named[plain["name"]] = plain
    return plain


def _full(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


def types_in(node: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Yield every type of an expanded schema with the path of its field, the root's being empty.

    A nullable type stands at the path of its field, as it would if it were not nullable.
    """
    yield path, node
    if isinstance(node, list):
        for branch in node:
            yield from types_in(branch, path)
        return
    for inner in (node.get("items"), node.get("values")):
        if inner is not None:
            yield from types_in(inner, f"{path}[]")
    for field in node.get("fields", ()):
        yield from types_in(field["type"], f"{path}.{field['name']}".lstrip("."))


def fields_in(node: Json) -> dict[str, Json]:
    """Give every field of an expanded schema by its path, those of nested records too."""
    return {
        f"{path}.{field['name']}".lstrip("."): field
        for path, type_ in types_in(node)
        if isinstance(type_, dict)
        for field in type_.get("fields", ())
    }
