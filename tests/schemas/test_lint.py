"""The lint says what Avro's own rules miss: every rule fails on a planted fault, and the real files have none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from muster_contract.avsc import HOME, Version, expand, fields_in, read_versions
from muster_contract.lint import PERSONAL, lint, main
from tests.schemas.planted import (
    MATCH,
    MICROS,
    MILLIS,
    Change,
    add,
    amend,
    both,
    changed,
    copy_of_contract,
    drop,
    rename,
    retype,
    source,
)

NO_FIELDS = {"type": "record", "name": "Mark", "namespace": "muster", "fields": []}
UNTIMED = {"type": "long"}

WITHIN: dict[str, tuple[Change, str]] = {
    "another name than the folder": (rename("EncounterSeen"), "is not called as its folder"),
    "a namespace of others": (lambda s: s.update(namespace="org.example"), "namespace that is not ours"),
    "a namespace of ours, but not for records": (lambda s: s.update(namespace="muster"), "namespace that is not ours"),
    "an enum in a namespace of others": (amend("match", namespace="org.example"), "namespace that is not ours"),
    "an enum without a default": (amend("match", default=None), "without UNKNOWN as its first symbol and default"),
    "an enum with another default": (amend("match", default="NONE"), "without UNKNOWN"),
    "an enum whose first symbol is another": (amend("match", symbols=[*MATCH[1:], "UNKNOWN"]), "without UNKNOWN"),
    "a nullable field without a default": (add("district_id", ["null", "string"]), "without the default null"),
    "a nullable field with another default": (
        add("district_id", ["string", "null"], default="none"),
        "is a union other than null and one type",
    ),
    "a union of two types": (add("size", ["null", "long", "string"], default=None), "is a union other than"),
    "microseconds": (add("seen_at", MICROS, default=0), "has the logical type timestamp-micros"),
    "a uuid in text": (add("other_id", {"type": "string", "logicalType": "uuid"}, default=""), "logical type uuid"),
    "an array of nulls": (add("marks", {"type": "array", "items": "null"}, default=[]), "items take no bytes"),
    "an array of empty records": (add("marks", {"type": "array", "items": NO_FIELDS}, default=[]), "take no bytes"),
    "an array of empty fixed": (
        add("marks", {"type": "array", "items": {"type": "fixed", "name": "muster.Void", "size": 0}}, default=[]),
        "take no bytes",
    ),
    "a map": (add("extras", {"type": "map", "values": "string"}, default={}), "is a map"),
    "a boolean": (add("urgent", "boolean", default=False), "is a boolean"),
    "a record inside itself": (
        add("parent", ["null", "muster.field.EncounterReported"], default=None),
        "is a muster.field.EncounterReported",
    ),
    "a forbidden name": (add("surname", "string", default=""), "forbidden name, surname"),
    "a forbidden name as an alias": (add("who_id", "string", aliases=["lastName"]), "forbidden name, lastName"),
    "a forbidden name deep inside": (
        add("rows", {"type": "array", "items": NO_FIELDS | {"fields": [{"name": "dob", "type": "int"}]}}, default=[]),
        "rows[].dob: has a forbidden name",
    ),
}

BETWEEN: dict[str, tuple[Change, Change, str]] = {
    "millis become micros": (lambda _: None, retype("occurred_at", MICROS), "from timestamp-millis in v1 to timestamp"),
    "an instant loses its logical type": (
        lambda _: None,
        retype("occurred_at", UNTIMED),
        "from timestamp-millis in v1",
    ),
    "a number becomes an instant": (retype("occurred_at", UNTIMED), lambda _: None, "from None in v1 to timestamp"),
    "a uuid loses its logical type": (lambda _: None, amend("event_id", logicalType=None), "from uuid in v1 to None"),
    "a nullable instant changes": (
        add("seen_at", ["null", MILLIS], default=None),
        add("seen_at", ["null", UNTIMED], default=None),
        "seen_at: changed its logical type",
    ),
    "the namespace changes": (lambda _: None, lambda s: s.update(namespace="muster.hq"), "is called muster.hq."),
    "a new field has no default": (lambda _: None, add("district_id", "string"), "district_id: is new, and has no"),
    "a field without a default goes": (lambda _: None, drop("custody"), "custody: is gone, and has no default in v1"),
    "a field is renamed": (
        lambda _: None,
        both(drop("case_id"), add("file_id", "string", default="")),
        "case_id: is gone",
    ),
    "only docs change": (lambda _: None, lambda s: s.update(doc="Otherwise."), "has the fingerprint of v1"),
}

GOOD: dict[str, Change] = {
    "a nullable field": add("district_id", ["null", "string"], default=None),
    "a text with a default": add("district_id", "string", default=""),
    "a new symbol": amend("match", symbols=[*MATCH, "PARTIAL"]),
    "rows of a new record": add(
        "rows",
        {"type": "array", "items": NO_FIELDS | {"fields": [{"name": "number", "type": "int"}]}},
        default=[],
    ),
}


def faults_in(*sources: Any, event_type: str = "EncounterReported") -> list[str]:  # noqa: ANN401 - parsed JSON
    """Lint these sources as the versions of one type."""
    return [str(fault) for fault in lint([Version(event_type, n, s) for n, s in enumerate(sources, 1)])]


@pytest.mark.parametrize(("change", "expected"), WITHIN.values(), ids=WITHIN)
def test_a_fault_within_a_version_is_found(change: Change, expected: str) -> None:
    """Each rule about one file fails on its planted fault, with the file's name."""
    found = faults_in(changed(change))
    assert any(fault.startswith("avro/EncounterReported/v1.avsc") and expected in fault for fault in found), found


@pytest.mark.parametrize(("before", "after", "expected"), BETWEEN.values(), ids=BETWEEN)
def test_a_fault_between_versions_is_found(before: Change, after: Change, expected: str) -> None:
    """Each rule about a type's history fails on its planted fault, and names the newer file."""
    found = faults_in(changed(before), changed(after))
    assert any(fault.startswith("avro/EncounterReported/v2.avsc") and expected in fault for fault in found), found


@pytest.mark.parametrize("change", GOOD.values(), ids=GOOD)
def test_a_good_new_version_has_no_fault(change: Change) -> None:
    """A field with a default and a new symbol are how a type grows."""
    assert faults_in(source(), changed(change)) == []


def test_versions_that_are_not_neighbours_are_compared_too() -> None:
    """An instant that goes and comes back in other units is found against the first version."""
    millis, plain = (changed(add("seen_at", type_, default=0)) for type_ in (MILLIS, UNTIMED))
    assert any("v3.avsc seen_at: changed its logical type" in fault for fault in faults_in(millis, source(), plain))


def test_a_gap_between_versions_is_found() -> None:
    """Versions go from 1, one by one."""
    sources = {1: source(), 4: changed(add("district_id", "string", default=""))}
    found = lint(Version("EncounterReported", number, text) for number, text in sources.items())
    assert [fault.place for fault in found] == ["avro/EncounterReported/v2.avsc", "avro/EncounterReported/v3.avsc"]


def test_a_name_with_two_meanings_is_found() -> None:
    """``muster.Custody`` stands in two types: to add a symbol to one alone is to split it."""
    grown = changed(amend("to", symbols=["UNKNOWN", "SUPERVISED", "PAROLED"]), "CustodyChanged")
    found = lint([Version("CustodyChanged", 1, grown), Version("EncounterReported", 1, source())])
    assert [fault.cause for fault in found] == ["defines muster.Custody otherwise than avro/CustodyChanged/v1.avsc"]


def test_the_same_name_in_two_namespaces_is_found() -> None:
    """Our code finds an enum by its simple name."""
    found = lint(
        [
            Version("CustodyChanged", 1, changed(amend("to", namespace="muster.hq"), "CustodyChanged")),
            Version("EncounterReported", 1, source()),
        ]
    )
    assert [fault.cause for fault in found] == ["defines muster.Custody otherwise than avro/CustodyChanged/v1.avsc"]


def test_an_older_version_may_keep_its_older_enum() -> None:
    """One name has one meaning among the newest versions; history stays as it was."""
    symbols = ["UNKNOWN", "IN_CUSTODY", "SUPERVISED", "RELEASED", "REMOVED", "ELSEWHERE", "PAROLED"]
    assert (
        lint(
            [
                Version("CustodyChanged", 1, source("CustodyChanged")),
                Version("CustodyChanged", 2, changed(amend("to", symbols=symbols), "CustodyChanged")),
                Version("EncounterReported", 1, source()),
                Version("EncounterReported", 2, changed(amend("custody", symbols=symbols))),
            ]
        )
        == []
    )


FORBIDDEN = """
name first_name last_name firstName lastname surname full_names subject_name alias aliases birth_date birthdate dob
date_of_birth place_of_birth age sex gender nationality nationalities citizenship country_of_birth narrative
narrative_text text free_text freetext texts comment comments note notes case_note remark remarks description summary
ssn alien_number a_number anumber passport passport_number visa address phone email photo face biometrics fingerprints
hit_type message body
"""

ALLOWED = """
office_id case_id encounter_id event_id reason_code report_reference report_sha256 receipt_reference jurisdiction detail
context context_id custody match stage outcome kind channel label topic offset size value page renamed
denominator nationwide storage usage targets notice_id
"""


@pytest.mark.parametrize("name", FORBIDDEN.split())
def test_a_name_that_promises_a_person_or_prose_is_forbidden(name: str) -> None:
    """Whole words decide, however they are joined."""
    assert any("forbidden" in fault for fault in faults_in(changed(add(name, "string"))))


@pytest.mark.parametrize("name", ALLOWED.split())
def test_a_name_that_only_looks_like_one_is_allowed(name: str) -> None:
    """A word inside another word is another word."""
    assert not PERSONAL.search(name)


def test_no_field_of_ours_has_a_forbidden_name() -> None:
    """No personal data, by construction."""
    versions, _ = read_versions(HOME)
    paths = [path for version in versions for path in fields_in(expand(version.source))]
    assert "case_id" in paths
    assert not [path for path in paths if PERSONAL.search(path.rpartition(".")[2])]


def test_the_command_passes_on_what_is_released(capsys: pytest.CaptureFixture[str]) -> None:
    """The contract has no fault, and every file is locked as it stands."""
    assert main([]) == 0
    assert capsys.readouterr().out.endswith(" schema files, 0 faults\n")


def test_the_command_prints_a_line_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, and files that are no schema are faults like any other."""
    home = copy_of_contract(tmp_path)
    (home / "avro/ClockPulse/v1.avsc~").write_text("{}")
    (home / "avro/Verdict/v2.avsc").write_text("{")
    (home / "avro/Finding/v2.avsc").write_text('"int"')
    (home / "avro/Receipt/v2.avsc").write_text('{"type": "record", "name": "Receipt", "fields": [{"name": "at"}]}')
    assert main([str(home)]) == 1
    assert [line.split(": ")[:2] for line in capsys.readouterr().out.splitlines()[:-1]] == [
        ["avro/ClockPulse/v1.avsc~", "is no file of the contract (avro/<Type>/v<number>.avsc, from v1)"],
        ["avro/Finding/v2.avsc", "is no record (every event is one)"],
        ["avro/Receipt/v2.avsc", "is no Avro schema"],
        ["avro/Verdict/v2.avsc", "is no Avro schema"],
    ]


def test_the_command_refuses_a_folder_that_is_no_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2: nothing was linted."""
    assert main([str(tmp_path)]) == 2
    assert "has no folder avro/" in capsys.readouterr().err
