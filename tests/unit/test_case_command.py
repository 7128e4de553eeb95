"""The commands for case files: one case with its evidence, and a sample refused where there is nothing to draw."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from muster_contract.shell.running import run_command
from muster_contract.times import format_instant
from muster_hq.commands.case import case
from muster_hq.commands.declined_transfers import declined_transfers
from muster_hq.commands.sample import sample
from muster_hq.ledger.opening import open_ledger
from muster_hq.replay import replay
from tests.cases.builders import T0, Case, declined, directive, encounter, id_of, report
from tests.cases.policies import REPORT

EVENTS = [encounter("E", 0), report("S", 12, own=9), encounter("F", 20, enc="f"), encounter("O", 1, case="other")]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Give a ledger with two cases; of c, one report came late, and another is outstanding."""
    url, log = f"sqlite:///{tmp_path}/ledger.db", Case("case", REPORT, EVENTS)
    with closing(open_ledger(url)) as ledger:
        replay(log.records, log.policies, ["a"], ledger, T0 + 100)
    return url


def run(command: Callable[..., None], *arguments: str) -> Result:
    """Run a command as a program does, not on a terminal."""
    app = typer.Typer()
    app.command()(run_command(command))
    return CliRunner().invoke(app, list(arguments))


def test_a_case_is_shown_in_order_of_time(url: str) -> None:
    """What arrived, what was due, what was judged, and last what is open; nothing of another case."""
    result = run(case, "c", "--ledger", url)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["kind"], row.get("type", row.get("verdict", row.get("state")))) for row in rows] == [
        ("event", "EncounterReported"),
        ("due", None),
        ("verdict", "MISSED"),
        ("event", "IncidentReported"),
        ("verdict", "LATE"),
        ("event", "EncounterReported"),
        ("due", None),
        ("verdict", "MISSED"),
        ("open", "OUTSTANDING"),
    ]
    assert rows[3]["own_at"] == format_instant(T0 + 9)
    assert [record["event_id"] for record in rows[4]["evidence"]] == [str(id_of("E")), str(id_of("S"))]
    assert rows[8]["due_at"] == format_instant(T0 + 30)


def test_as_a_table_each_verdict_stands_with_its_records(url: str) -> None:
    """As stream@offset, for people."""
    lines = run(case, "c", "--ledger", url, "--format", "table").stdout.splitlines()
    (late,) = (line for line in lines if "report 1: LATE" in line)
    assert "field.a.encounters@0 field.a.incidents@0" in late
    assert not [line for line in lines if "field.a.encounters@2" in line]


def test_what_was_ordered_stands_in_the_case(tmp_path: Path) -> None:
    """By whom and why; what is ignored says why; not what concerns other cases."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    events = [
        encounter("E", 0),
        directive("H", 4, "HOLD", "encounter:c/a/e", 6),
        directive("M", 5, "MOVE_CASE", "move:c/a/b"),
        directive("X", 5, "EXTEND", "encounter:c/a/e"),
        directive("N", 6, "MOVE_CASE", "move:other/a/b"),
    ]
    log = Case("ordered", REPORT, events)
    with closing(open_ledger(url)) as ledger:
        replay(log.records, log.policies, ["a", "b"], ledger, T0 + 100)
    rows = [json.loads(line) for line in run(case, "c", "--ledger", url).stdout.splitlines()]
    ordered = [row for row in rows if row["kind"] == "directive"]
    assert [(row["action"], row["target"], row["ignored"]) for row in ordered] == [
        ("HOLD", "encounter:c/a/e", None),
        ("MOVE_CASE", "move:c/a/b", None),
        ("EXTEND", "encounter:c/a/e", "UNTIL_UNFIT"),
    ]
    assert (ordered[0]["authority"], ordered[0]["until"]) == ("HQ-1", format_instant(T0 + 6))
    lines = run(case, "c", "--ledger", url, "--format", "table").stdout
    assert "MOVE_CASE move:c/a/b" in lines
    assert "hq.directives@1" in lines


def test_a_case_that_nobody_heard_of_is_refused(url: str) -> None:
    """Exit code 2, and the id is not repeated."""
    result = run(case, "secret-id", "--ledger", url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("case: is not in this ledger")
    assert "secret-id" not in result.stderr


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (["--from", "2016-03-02", "--to", "2016-03-02"], "--to: is not after --from"),
        (["--from", "2017-01-01", "--to", "2018-01-01"], "no case was first seen in that time"),
        (["--from", "soon", "--to", "2018-01-01"], "--from: "),
        (["--from", "2016-03-01", "--to", "2016-03-02", "--csv", "/nowhere/at/all.csv"], "cannot be written"),
    ],
)
def test_a_sample_of_nothing_is_refused(url: str, options: list[str], cause: str) -> None:
    """With the option that is wrong, and no traceback."""
    result = run(sample, "--ledger", url, *options)
    assert result.exit_code == 2
    assert cause in result.stderr


def test_a_sample_counts_the_files_without_fault_too(url: str, tmp_path: Path) -> None:
    """Both cases are drawn; each has what it has. The same seed writes the same bytes."""
    options = ["--from", "2016-03-01", "--to", "2016-03-02", "--html", str(tmp_path / "a.html")]
    first, again = (run(sample, "--ledger", url, *options) for _ in range(2))
    assert first.stdout == again.stdout
    assert first.stdout.endswith("2 of 2 files have at least one instance of noncompliance\n")
    assert (tmp_path / "a.html").read_text("utf-8").count('<section class="file">') == 2


def test_declined_transfers_are_listed_by_jurisdiction(tmp_path: Path) -> None:
    """Which the metrics do not tell."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    events = [declined("T", 1), declined("U", 2, jurisdiction="US-TX"), declined("V", 3, jurisdiction="US-TX")]
    log = Case("declined", REPORT, events)
    with closing(open_ledger(url)) as ledger:
        replay(log.records, log.policies, ["a"], ledger, T0 + 100)
    lines = run(declined_transfers, "--ledger", url).stdout.splitlines()
    assert [json.loads(line) for line in lines] == [
        {"office_id": "a", "jurisdiction": "US-CA", "declined": 1},
        {"office_id": "a", "jurisdiction": "US-TX", "declined": 2},
    ]
