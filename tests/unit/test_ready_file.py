"""A ready file that cannot be written is a mistake of whoever named it, not a traceback."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from muster_hq.__main__ import app


def test_a_place_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Exit code 2, and the broker ends."""
    offices = tmp_path / "offices.toml"
    offices.write_text('[[office]]\nid = "dal"\n')
    options = ("--offices", str(offices), "--ready-file", str(tmp_path / "nowhere" / "ready.json"))
    result = CliRunner().invoke(app, ["embedded-broker", *options])
    assert result.exit_code == 2
    assert result.stderr.startswith("--ready-file: ")
