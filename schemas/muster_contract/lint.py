"""What Avro's compatibility rules miss, over all versions of every type: ``python -m muster_contract.lint``.

The Parsing Canonical Form, and with it every compatibility checker, drops logical types, enum defaults and
docs. What each of these rules has against its faults is in ``docs/contract.md``. Exit code 0: none; 1: a
line a fault. ``--lock`` freezes the files that are new, once they have no fault.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, combinations, groupby
from pathlib import Path

from fastavro.schema import to_parsing_canonical_form

from muster_contract.avsc import HOME, Version, expand, fields_in, read_versions, types_in
from muster_contract.errors import Fault, MusterError
from muster_contract.lock import FILE_NAME, lock_faults, read_lock, with_new, write_lock
from muster_contract.schemas import Json

RECORD_NAMESPACES = ("muster.field", "muster.hq")
NAMESPACES = ("muster", *RECORD_NAMESPACES)
PRIMITIVES = ("null", "int", "long", "string", "bytes")
LOGICAL_TYPES = {("long", "timestamp-millis"), ("fixed", "uuid")}

PERSONAL = re.compile(
    r"""(?:^|_)(?:
        [a-z]*name | alias | dob | birth[a-z]* | born | age | sex | gender | race | ethnic[a-z]* | religion
      | national(?:ity|ities)? | citizen[a-z]* | country | ssn | a_?number | alien[a-z]* | passport | visa | licen[cs]e
      | address | phone | telephone | mobile | e?mail | photo | picture | image | face | iris | biometric[a-z]*
      | fingerprint | spouse | mother | father | child | relative | hair | eye | height | weight
      | narrative | [a-z]*(?<!con)text | comment | note | remark | description | summary | message | body | content
      | memo | statement | biography | hit_type
    )(?:s|es)?(?:_|$)""",
    re.VERBOSE,
)
"""Words of a field's name that promise a person, or room to describe one: ids, codes and digests suffice."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; give its exit code."""
    parser = argparse.ArgumentParser("python -m muster_contract.lint", description="Check every .avsc file.")
    parser.add_argument("home", nargs="?", type=Path, default=HOME, help="the folder of avro/ (default: the package)")
    parser.add_argument("--lock", action="store_true", help=f"add files without a fault to {FILE_NAME}")
    options = parser.parse_args(arguments)
    try:
        faults, count = _run(options.home, lock_new=options.lock)
    except MusterError as refusal:
        sys.stderr.write(f"{refusal}\n")
        return refusal.exit_code
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    sys.stdout.write(f"{count} schema files, {len(faults)} faults\n")
    return 1 if faults else 0


def _run(home: Path, *, lock_new: bool) -> tuple[list[Fault], int]:
    versions, faults = read_versions(home)
    faults += lint(versions)
    lock_file = home / FILE_NAME
    lock = read_lock(lock_file.read_text("utf-8") if lock_file.exists() else "")
    if lock_new and not faults:
        lock = with_new(lock, versions)
        lock_file.write_text(write_lock(lock), "utf-8", newline="\n")
    return faults + lock_faults(lock, versions), len(versions)


def lint(versions: Iterable[Version]) -> list[Fault]:
    """Name every fault of these versions, which are all versions of their types; each must be valid Avro."""
    ordered = sorted(versions, key=lambda v: (v.type, v.number))
    expanded = {(v.type, v.number): expand(v.source) for v in ordered}
    histories = [list(group) for _, group in groupby(ordered, key=lambda v: v.type)]
    faults = chain(
        (fault for v in ordered for fault in _faults_within(v, expanded[v.type, v.number])),
        (fault for history in histories for fault in _faults_of_history(history, expanded)),
        _faults_between_types([(h[-1], expanded[h[-1].type, h[-1].number]) for h in histories]),
    )
    return list(dict.fromkeys(faults))


def _faults_within(version: Version, schema: Json) -> Iterator[Fault]:
    place, name = version.place, schema["name"]
    if name.rpartition(".")[2] != version.type:
        yield Fault(place, "is not called as its folder", f'"name": "{version.type}"')
    if name.rpartition(".")[0] not in RECORD_NAMESPACES:
        yield Fault(place, "has a namespace that is not ours", "one of " + ", ".join(RECORD_NAMESPACES))
    for path, type_ in types_in(schema):
        for cause, hint in _faults_of_type(type_):
            yield Fault(f"{place} {path}".rstrip(), cause, hint)
    for path, field in fields_in(schema).items():
        for called in (field["name"], *field.get("aliases", ())):
            if PERSONAL.search(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", called).lower()):
                yield Fault(f"{place} {path}", f"has a forbidden name, {called}", "opaque ids, codes and digests only")
        if isinstance(field["type"], list) and field.get("default", ...) is not None:
            yield Fault(f"{place} {path}", "is nullable without the default null", 'add "default": null')


def _faults_of_type(type_: Json) -> Iterator[tuple[str, str]]:
    if isinstance(type_, list):
        if len(type_) != 2 or type_[0] != {"type": "null"}:  # noqa: PLR2004 - null and one more
            yield "is a union other than null and one type", 'the only one that the JSON form knows is ["null", T]'
        return
    kind, name, logical = type_["type"], type_.get("name", ""), type_.get("logicalType")
    if name and name.rpartition(".")[0] not in NAMESPACES:
        yield f"names {name} in a namespace that is not ours", "one of " + ", ".join(NAMESPACES)
    if logical is not None and (kind, logical) not in LOGICAL_TYPES:
        yield f"has the logical type {logical}", "instants are timestamp-millis on a long, ids are uuid on a fixed"
    if kind == "enum" and (type_["symbols"][0] != "UNKNOWN" or type_.get("default") != "UNKNOWN"):
        yield f"is an enum, {name}, without UNKNOWN as its first symbol and default", "or no symbol can be added later"
    if kind == "array" and not _takes_bytes(type_["items"]):
        yield "is an array whose items take no bytes", "a few bytes can claim 2^63 items, and hang the reader"
    if kind not in {*PRIMITIVES, "record", "enum", "fixed", "array"}:
        yield f"is a {kind}", "the JSON form has no " + kind


def _takes_bytes(type_: Json) -> bool:
    if isinstance(type_, list):
        return True  # the branch's number
    if type_["type"] == "record":
        return any(_takes_bytes(field["type"]) for field in type_["fields"])
    return bool(type_["type"] != "null" and type_.get("size", 1))


def _faults_of_history(history: Sequence[Version], expanded: Mapping[tuple[str, int], Json]) -> Iterator[Fault]:
    present = {version.number for version in history}
    for number in sorted(set(range(1, max(present))) - present):
        yield Fault(f"avro/{history[0].type}/v{number}.avsc", "is missing", "versions go from 1 without a gap")
    for older, newer in combinations(history, 2):
        before, after = expanded[older.type, older.number], expanded[newer.type, newer.number]
        if before["name"] != after["name"]:
            yield Fault(newer.place, f"is called {after['name']}, and v{older.number} {before['name']}", "the old name")
        if to_parsing_canonical_form(older.source) == to_parsing_canonical_form(newer.source):
            cause = f"has the fingerprint of v{older.number}: a reader cannot tell them apart"
            yield Fault(newer.place, cause, "a version changes a field or a symbol; docs wait for the next one")
        yield from _faults_of_change(newer, older.number, before, after)


def _faults_of_change(newer: Version, older: int, before: Json, after: Json) -> Iterator[Fault]:
    logical_before, logical_after = _logical_types(before), _logical_types(after)
    for path in sorted(logical_before.keys() & logical_after.keys()):
        if logical_before[path] != logical_after[path]:
            cause = f"changed its logical type from {logical_before[path]} in v{older} to {logical_after[path]}"
            yield Fault(f"{newer.place} {path}", cause, "the bytes look the same and mean something else: a new field")
    for path in _fields_only_in(after, before):
        yield Fault(f"{newer.place} {path}", "is new, and has no default", f"v{older} does not write it")
    for path in _fields_only_in(before, after):
        yield Fault(f"{newer.place} {path}", f"is gone, and has no default in v{older}", f"v{older} needs it to read")


def _fields_only_in(one: Json, other: Json) -> list[str]:
    """Name the fields without a default of records that both have, and that one record alone has."""
    shared = {path for path, _ in types_in(other)}
    without_default = {path for path, field in fields_in(one).items() if "default" not in field}
    alone = sorted(without_default - fields_in(other).keys())
    return [path for path in alone if path.rpartition(".")[0] in shared]


def _logical_types(schema: Json) -> dict[str, str | None]:
    single = ((path, type_) for path, type_ in types_in(schema) if isinstance(type_, dict) and type_["type"] != "null")
    return {path: type_.get("logicalType") for path, type_ in single}


def _faults_between_types(newest: Iterable[tuple[Version, Json]]) -> Iterator[Fault]:
    seen: dict[str, tuple[Version, Json]] = {}
    for version, schema in newest:
        for _, type_ in types_in(schema):
            if not isinstance(type_, dict) or "name" not in type_:
                continue
            first, definition = seen.setdefault(type_["name"].rpartition(".")[2], (version, type_))
            if definition != type_:
                cause = f"defines {type_['name']} otherwise than {first.place}"
                yield Fault(version.place, cause, "one name, one meaning: a new version of both")


if __name__ == "__main__":
    sys.exit(main())
