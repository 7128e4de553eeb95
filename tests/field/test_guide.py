"""The guide for integrators does what it says: its program runs, and its tables are whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from muster_field.reserve import FLOOR_BYTES, RESERVE_BYTES
from muster_field.state import Reason

GUIDE = (Path(__file__).parents[2] / "docs" / "field-office.md").read_text("utf-8")


def test_the_program_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It records an encounter, and is refused an incident for three faults."""
    monkeypatch.chdir(tmp_path)
    Path("offices.toml").write_text('[[office]]\nid = "dal"\n', "utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    exec(compile(program, "docs/field-office.md", "exec"), {})  # noqa: S102 - our own guide
    accepted, *faults = capsys.readouterr().out.splitlines()
    assert accepted.endswith("field.dal.encounters 1")
    assert [fault.partition(":")[0] for fault in faults] == [
        f"IncidentReported.{name}" for name in ("case_id", "occurred_at", "report_sha256")
    ]


def test_reasons_and_sizes_are_those_of_the_code() -> None:
    """A number that is said twice is said alike."""
    assert all(f"| `{reason}` |" in GUIDE for reason in Reason)
    assert f"Below {FLOOR_BYTES // 2**20} MiB free" in GUIDE
    assert f"a file of {RESERVE_BYTES // 2**20} MiB" in GUIDE
