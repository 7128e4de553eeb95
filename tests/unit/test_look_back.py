"""The look-back: every outstanding report with its evidence, as long as the gauge, in three forms."""

from __future__ import annotations

import csv
import json
from contextlib import closing
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from muster_contract.shell.running import run_command
from muster_contract.times import format_instant
from muster_hq.commands.look_back import look_back
from muster_hq.ledger.opening import open_reader
from tests.builders import ledger_of
from tests.cases.builders import T0, encounter, id_of, not_a_match, report
from tests.cases.moved import move

EVENTS = [
    encounter("E1", 0, enc="missed"),
    encounter("E2", 1, enc="late"),
    encounter("E3", 2, enc="cleared"),
    encounter("E4", 5, enc="missed-too", office="b"),
    encounter("E5", 490, enc="open"),
    report("S2", 12, enc="late"),
    not_a_match("W3", 13, enc="cleared"),
]
"""Due at T0 + 10, 11, 12, 15 and 500."""


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Give a ledger in which two reports are outstanding."""
    return ledger_of(tmp_path, *EVENTS, until=499)


def run(url: str, *options: str) -> Result:
    """Run the command as a program does, not on a terminal."""
    app = typer.Typer()
    app.command()(run_command(look_back))
    return CliRunner().invoke(app, ["--ledger", url, *options])


def encounters(result: Result) -> list[str]:
    """Give the encounters of JSON Lines."""
    return [json.loads(line)["encounter_id"] for line in result.stdout.splitlines()]


def test_what_is_outstanding_with_its_evidence(url: str) -> None:
    """Oldest due first; the last line, on stderr, says how many."""
    result = run(url)
    assert encounters(result) == ["missed", "missed-too"]
    assert json.loads(result.stdout.splitlines()[0]) == {
        "case_id": "c",
        "encounter_id": "missed",
        "office_id": "a",
        "in_charge": "a",
        "requirement": "report",
        "occurrence": 1,
        "due_at": format_instant(T0 + 10),
        "policy": "p@1",
        "evidence": [
            {
                "topic": "field.a.encounters",
                "partition": 0,
                "offset": 0,
                "appended_at": format_instant(T0),
                "event_id": str(id_of("E1")),
            }
        ],
    }
    assert (result.exit_code, result.stderr) == (0, "outstanding: 2\n")


def test_it_is_as_long_as_the_gauge(url: str) -> None:
    """Both come from one ledger."""
    with closing(open_reader(url)) as reader:
        gauge = sum(n for (_, _, state), n in reader.obligation_counts().items() if state == "OUTSTANDING")
    assert len(encounters(run(url))) == gauge


@pytest.mark.parametrize(
    ("since", "found"),
    [
        (format_instant(T0 + 10), ["missed", "missed-too"]),
        (format_instant(T0 + 11), ["missed-too"]),
        (format_instant(T0 + 16), []),
        ("2016-03-01", ["missed", "missed-too"]),
        ("2016-03-02", []),
    ],
)
def test_since_counts_what_was_due_from_then_on(url: str, since: str, found: list[str]) -> None:
    """From the very instant, or from the beginning of a day."""
    result = run(url, "--since", since)
    assert encounters(result) == found
    assert result.stderr == f"outstanding since {since}: {len(found)}\n"


@pytest.mark.parametrize(("moved_at", "in_charge"), [(10, "b"), (11, "a")])
def test_who_was_to_see_to_it(tmp_path: Path, moved_at: int, in_charge: str) -> None:
    """The office to which the case was moved by the due time; the report stays the other office's."""
    url = ledger_of(tmp_path, encounter("E1", 0), move(moved_at), until=499)
    (row,) = map(json.loads, run(url).stdout.splitlines())
    assert (row["office_id"], row["in_charge"]) == ("a", in_charge)


@pytest.mark.parametrize("since", ["2016-02-30", "yesterday", "2016-03-01T00:00:00"])
def test_a_date_that_is_none_is_refused(url: str, since: str) -> None:
    """With the option's name, and no traceback."""
    result = run(url, "--since", since)
    assert result.exit_code == 2
    assert result.stderr.startswith("--since: ")


def test_as_a_table_it_ends_with_the_number(url: str) -> None:
    """For people: nothing is cut off, and the last line of it is the sum."""
    lines = run(url, "--format", "table").stdout.splitlines()
    assert lines[-1] == "outstanding: 2"
    assert any(str(id_of("E4")) in line and "field.b.encounters" in line for line in lines)


def test_as_csv_it_is_one_line_each(url: str) -> None:
    """For spreadsheets: a header, and the same cells as the table."""
    rows = list(csv.DictReader(run(url, "--format", "csv").stdout.splitlines()))
    assert [(row["encounter_id"], row["topic"], row["offset"]) for row in rows] == [
        ("missed", "field.a.encounters", "0"),
        ("missed-too", "field.b.encounters", "0"),
    ]


def test_a_ledger_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    """And not made."""
    result = run(f"sqlite:///{tmp_path}/none.db")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "does it exist" in result.stderr
    assert not list(tmp_path.iterdir())
