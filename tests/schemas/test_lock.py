"""What is released is frozen: a file that changes, vanishes or was never locked is seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from muster_contract.errors import ConfigurationError
from muster_contract.lint import main
from muster_contract.lock import FILE_NAME, read_lock, write_lock
from tests.schemas.planted import MICROS, Change, add, changed, copy_of_contract, retype


def run(home: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, list[str]]:
    """Run the lint on a copy; give its exit code and its faults."""
    code = main([str(home), *options])
    return code, capsys.readouterr().out.splitlines()[:-1]


def write(home: Path, version: int, change: Change) -> None:
    """Write a version of EncounterReported."""
    (home / f"avro/EncounterReported/v{version}.avsc").write_text(json.dumps(changed(change)))


def test_a_frozen_file_with_another_wire_format_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The fault says that the wire is concerned, and what to do instead."""
    home = copy_of_contract(tmp_path)
    write(home, 1, add("district_id", "string", default=""))
    code, faults = run(home, capsys)
    assert code == 1
    assert [fault.partition(" (") for fault in faults] == [
        (
            "avro/EncounterReported/v1.avsc: is frozen, and changed: the wire format",
            " (",
            "restore it from the last release, and write the change as a new version)",
        ),
    ]


def test_a_frozen_file_whose_fingerprint_stays_is_found_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Docs leave the fingerprint as it was; the SHA-256 tells."""
    home = copy_of_contract(tmp_path)
    write(home, 1, lambda schema: schema.update(doc="Otherwise."))
    _, faults = run(home, capsys)
    assert [fault.partition(" (")[0] for fault in faults] == [
        "avro/EncounterReported/v1.avsc: is frozen, and changed: docs, defaults or logical types",
    ]


def test_a_frozen_file_that_vanished_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Records on the log are read with it."""
    home = copy_of_contract(tmp_path)
    (home / "avro/TransferDeclined/v1.avsc").unlink()
    _, faults = run(home, capsys)
    assert [fault.partition(" (")[0] for fault in faults] == ["avro/TransferDeclined/v1.avsc: is frozen, and gone"]


def test_a_new_file_is_found_until_it_is_locked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--lock`` adds one line, and leaves all others as they are."""
    home = copy_of_contract(tmp_path)
    write(home, 2, add("district_id", "string", default=""))
    before = (home / FILE_NAME).read_text().splitlines()
    assert run(home, capsys)[1] == [
        "avro/EncounterReported/v2.avsc: is not locked (once it is released: python -m muster_contract.lint --lock)",
    ]
    assert run(home, capsys, "--lock") == (0, [])
    added = set((home / FILE_NAME).read_text().splitlines()) - set(before)
    assert [line.split()[:2] for line in added] == [["EncounterReported", "2"]]


def test_lock_never_rewrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A frozen file that changed stays a fault after ``--lock``, and its line stays as it was."""
    home = copy_of_contract(tmp_path)
    write(home, 1, lambda schema: schema.update(doc="Otherwise."))
    before = (home / FILE_NAME).read_bytes()
    assert run(home, capsys, "--lock")[0] == 1
    assert (home / FILE_NAME).read_bytes() == before


def test_lock_freezes_nothing_while_the_lint_has_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A fault that is frozen would stay for good."""
    home = copy_of_contract(tmp_path)
    write(home, 2, retype("occurred_at", MICROS))
    before = (home / FILE_NAME).read_bytes()
    assert run(home, capsys, "--lock")[0] == 1
    assert (home / FILE_NAME).read_bytes() == before


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("Verdict 1 aa", "is not type, version, fingerprint, SHA-256"),
        ("Verdict one aa bb", "is not type, version, fingerprint, SHA-256"),
        ("Verdict 1 aa bb\nVerdict 1 aa cc", "locks Verdict v1 a second time"),
    ],
)
def test_a_lock_with_a_torn_line_is_refused(line: str, cause: str) -> None:
    """A merge that went wrong is named with its line."""
    with pytest.raises(ConfigurationError, match=cause):
        read_lock(line)


def test_a_lock_reads_as_it_is_written() -> None:
    """Ten comes after nine."""
    text = write_lock(read_lock("B 10 aa bb\nB 9 cc dd\nA 1 ee ff"))
    assert [line.split()[:2] for line in text.splitlines() if line[0] != "#"] == [["A", "1"], ["B", "9"], ["B", "10"]]
    assert write_lock(read_lock(text)) == text
