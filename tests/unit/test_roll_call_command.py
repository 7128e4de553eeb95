"""``headquarters roll-call``: one line an office, exit code 1 when one is silent or a number is missing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
import typer
from typer.testing import CliRunner, Result

from muster_contract.shell.running import run_command
from muster_hq.commands.roll_call import roll_call
from muster_hq.ledger.opening import open_ledger
from muster_hq.policies import Policies
from muster_hq.replay import replay
from tests.builders import policies_of, records_of
from tests.cases.bad_records import heartbeat
from tests.cases.builders import T0, Event, encounter, pulse, raw
from tests.cases.policies import REPORT

EPOCH = UUID(int=7)
POLICIES = Policies([replace(policy, gap_after=10, silent_after=100) for policy in policies_of(REPORT).versions])
BEAT = raw(heartbeat(epoch=EPOCH.bytes, last_encounter_sequence=1, pending=2), 5, "field.a.encounters")


def numbered(number: int, at: int) -> Event:
    """Build an encounter with a number."""
    return encounter(f"E{number}", at, sequence=number, epoch=EPOCH.bytes)


def run(folder: Path, events: Sequence[Event], *options: str, as_of: int = 50) -> Result:
    """Run the command on a ledger with these events, not on a terminal."""
    url = f"sqlite:///{folder}/ledger.db"
    with closing(open_ledger(url)) as ledger:
        replay(records_of(*events), POLICIES, ["a", "b"], ledger, T0 + as_of)
    app = typer.Typer()
    app.command()(run_command(roll_call))
    return CliRunner().invoke(app, ["--ledger", url, *options])


def test_all_is_well(tmp_path: Path) -> None:
    """One line an office, in order; an office that was never heard has no time."""
    result = run(tmp_path, [numbered(1, 0), BEAT])
    assert result.exit_code == 0
    heard, never = [json.loads(line) for line in result.stdout.splitlines()]
    assert heard == {
        "office_id": "a",
        "last_heard": "2016-03-01T00:00:00.005Z",
        "unsent": 2,
        "missing": 0,
        "gaps": [],
        "silent_since": None,
        "epoch": str(EPOCH),
    }
    assert (never["office_id"], never["last_heard"], never["unsent"], never["epoch"]) == ("b", None, None, None)


def test_what_is_missing_is_named_with_its_place(tmp_path: Path) -> None:
    """Exit code 1, and one line on stderr for whoever is on duty."""
    result = run(tmp_path, [numbered(1, 0), numbered(4, 1), numbered(9, 2)])
    assert result.exit_code == 1
    row = json.loads(result.stdout.splitlines()[0])
    assert row["missing"] == 6
    assert row["gaps"] == [{"stream": "field.a.encounters", "epoch": str(EPOCH), "numbers": ["2-3", "5-8"]}]
    assert "6 numbers are missing of a" in result.stderr


@pytest.mark.parametrize(("as_of", "code"), [(105, 0), (106, 1)])
def test_a_silent_office_is_told(tmp_path: Path, as_of: int, code: int) -> None:
    """Since it was last heard."""
    result = run(tmp_path, [numbered(1, 0), BEAT], as_of=as_of)
    assert result.exit_code == code
    row = json.loads(result.stdout.splitlines()[0])
    assert row["silent_since"] == ("2016-03-01T00:00:00.005Z" if code else None)
    assert ("a silent" in result.stderr) == bool(code)


def test_one_that_was_never_heard_is_silent_since_its_streams_began(tmp_path: Path) -> None:
    """Heard never, silent since."""
    result = run(tmp_path, [numbered(1, 190), pulse(7, "field.b.encounters")], as_of=200)
    row = json.loads(result.stdout.splitlines()[1])
    assert (row["last_heard"], row["silent_since"]) == (None, "2016-03-01T00:00:00.007Z")


def test_a_table_for_people(tmp_path: Path) -> None:
    """The same, to be looked at."""
    result = run(tmp_path, [numbered(1, 0), numbered(4, 1)], "--format", "table")
    assert result.exit_code == 1
    assert "encounters 2-3" in result.stdout
    assert "never" in result.stdout


def test_with_a_register_it_tells_who_has_a_classified_network(tmp_path: Path) -> None:
    """Of an office that is not in it nothing is known."""
    register = tmp_path / "offices.toml"
    register.write_text('[[office]]\nid = "a"\nclassified_network = true\n\n[[office]]\nid = "c"\n')
    rows = run(tmp_path, [numbered(1, 0), BEAT], "--offices", str(register)).stdout.splitlines()
    assert [json.loads(row)["classified_network"] for row in rows] == [True, None]
    other = tmp_path / "table"
    other.mkdir()
    table = run(other, [numbered(1, 0), BEAT], "--offices", str(register), "--format", "table").stdout
    assert "classified network" in table
