"""Every version of a type reads every other, and a breaking change does not get through."""

from __future__ import annotations

from itertools import groupby

import pytest

from muster_contract.schemas import all_schemas
from tests.schemas.compatibility import incompatibilities
from tests.schemas.planted import MATCH, MICROS, Change, add, amend, both, changed, drop, rename, retype, source

HISTORIES = {name: list(versions) for name, versions in groupby(all_schemas(), key=lambda schema: schema.name)}

BREAKING: dict[str, Change] = {
    "a symbol is gone, and the enum has no default": amend("match", symbols=MATCH[:-1], default=None),
    "a long becomes a string": retype("sequence", "string"),
    "a long becomes an int": retype("sequence", "int"),
    "a string becomes nullable": retype("case_id", ["null", "string"]),
    "a new field has no default": add("district_id", "string"),
    "a field without a default is gone": drop("custody"),
    "a field is renamed": both(drop("case_id"), add("file_id", "string", default="")),
    "the record is renamed": rename("EncounterSeen"),
    "an enum is renamed": amend("match", name="Hit"),
    "a fixed has another size": amend("event_id", size=20),
}

GOOD: dict[str, Change] = {
    "a new field has a default": add("district_id", ["null", "string"], default=None),
    "a new symbol meets a reader with a default": amend("match", symbols=[*MATCH, "PARTIAL"]),
    "a symbol is gone, and readers have a default": amend("match", symbols=MATCH[:-1]),
    "other docs": lambda schema: schema.update(doc="Otherwise."),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_every_version_reads_every_other(name: str) -> None:
    """FULL_TRANSITIVE holds for what is released."""
    assert incompatibilities({schema.version: schema.source for schema in HISTORIES[name]}) == []


@pytest.mark.parametrize("change", BREAKING.values(), ids=BREAKING)
def test_a_breaking_change_is_found(change: Change) -> None:
    """Each planted break fails in at least one direction."""
    assert incompatibilities({1: source(), 2: changed(change)})


@pytest.mark.parametrize("change", GOOD.values(), ids=GOOD)
def test_a_good_change_passes(change: Change) -> None:
    """Each planted good change passes in both directions."""
    assert incompatibilities({1: source(), 2: changed(change)}) == []


def test_a_new_symbol_breaks_an_enum_that_had_no_default() -> None:
    """This is why each enum has one from its first version on."""
    without = changed(amend("match", default=None))
    assert incompatibilities({1: without, 2: changed(amend("match", symbols=[*MATCH, "PARTIAL"]))})


def test_versions_that_are_not_neighbours_are_compared_too() -> None:
    """A field that goes, and comes back as another type, breaks with the first version alone."""
    with_text = changed(add("district_id", ["null", "string"], default=None))
    with_number = changed(add("district_id", ["null", "long"], default=None))
    found = incompatibilities({1: with_text, 2: source(), 3: with_number})
    assert [fault.partition(":")[0] for fault in found] == ["v1 cannot read v3", "v3 cannot read v1"]


def test_the_library_calls_micros_compatible_with_millis() -> None:
    """This is why the lint exists: the day that it fails, a rule of the lint can go."""
    assert incompatibilities({1: source(), 2: changed(retype("occurred_at", MICROS))}) == []
