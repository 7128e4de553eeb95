"""The example policies of docs/policies: both programs give the verdicts that stand beside each, to the byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from muster_contract.shell.running import run_command
from muster_hq.commands.audit import audit
from muster_hq.commands.replay import replay

FOLDER = Path(__file__).parents[2] / "docs" / "policies"
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml") if path.stem != "offices")
AS_OF = "2016-05-01T00:00:00Z"


def run(command: Callable[..., None], name: str, *options: str) -> str:
    """Judge an example's log; give what is printed."""
    app = typer.Typer()
    app.command()(run_command(command))
    files = ["--log", str(FOLDER / f"{name}.log.jsonl"), "--policy", str(FOLDER / f"{name}.toml")]
    register = ["--offices", str(FOLDER / "offices.toml")]
    result = CliRunner().invoke(app, [*files, *register, "--as-of", AS_OF, "--format", "jsonl", *options])
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("name", NAMES)
def test_an_example_gives_its_verdicts(name: str, tmp_path: Path) -> None:
    """By the auditor, and by the live engine and a ledger."""
    expected = (FOLDER / f"{name}.verdicts.jsonl").read_text("utf-8")
    assert {json.loads(line)["verdict"] for line in expected.splitlines()} >= {"ON_TIME", "MISSED"}
    assert run(audit, name) == expected
    assert run(replay, name, "--ledger", f"sqlite:///{tmp_path}/ledger.db") == expected


def test_the_page_names_every_example() -> None:
    """And how it is run."""
    page = (FOLDER / "README.md").read_text("utf-8")
    assert NAMES == ["cbp-deaths-in-custody", "fda-mdr", "prea-115-63"]
    assert all(f"[{name}]({name}.toml)" in page for name in NAMES)
    assert f"--as-of {AS_OF}" in page
