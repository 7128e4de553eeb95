"""What falls due, by when and from where: the list of what is open, and the offices that nobody judges any more."""

from __future__ import annotations

import csv
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from muster_contract.shell.running import run_command
from muster_contract.times import format_instant, now_ms
from muster_hq.commands.assembly import tell_unregistered
from muster_hq.commands.due import due
from muster_hq.ledger.opening import open_reader
from tests.builders import ledger_of
from tests.cases.builders import T0, encounter, report
from tests.cases.directed import hold
from tests.cases.moved import move

EVENTS = (
    encounter("E1", 0, enc="missed"),
    encounter("E2", 495, enc="later"),
    encounter("E3", 492, enc="of-b", office="b"),
    encounter("E4", 491, enc="sooner"),
    encounter("E5", 490, enc="on-time"),
    report("S5", 493, enc="on-time"),
)
"""What is open is due at T0 + 501, 502 and 505; the replay ends at T0 + 499."""


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Give a ledger in which three reports are open."""
    return ledger_of(tmp_path, *EVENTS, until=499)


def run(url: str, *options: str) -> Result:
    """Run the command as a program does, not on a terminal."""
    app = typer.Typer()
    app.command()(run_command(due))
    return CliRunner().invoke(app, ["--ledger", url, *options])


def rows(result: Result) -> list[dict[str, Any]]:
    """Read JSON Lines."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def encounters(result: Result) -> list[str]:
    """Give the encounters of JSON Lines."""
    return [row["encounter_id"] for row in rows(result)]


def test_what_is_open_earliest_due_first(url: str) -> None:
    """Neither what was missed nor what came; on stderr, how many are open of each office."""
    result = run(url)
    assert encounters(result) == ["sooner", "of-b", "later"]
    first = rows(result)[0]
    assert (first["state"], first["due_at"], first["next_at"]) == ("OPEN", *[format_instant(T0 + 501)] * 2)
    assert (first["office_id"], first["in_charge"], first["evidence"][0]["offset"]) == ("a", "a", 2)
    assert (result.exit_code, result.stderr) == (0, "a: 2 of 2 that are open\nb: 1 of 1 that are open\n")


def test_by_is_an_instant_that_counts(url: str) -> None:
    """What is due then is listed; the number beside it is still that of all that is open."""
    result = run(url, "--by", format_instant(T0 + 502))
    assert encounters(result) == ["sooner", "of-b"]
    assert result.stderr == "a: 1 of 2 that are open\nb: 1 of 1 that are open\n"


def test_within_counts_from_now(tmp_path: Path) -> None:
    """A day back from what is due in two, and what is due in an hour."""
    day, now = 86_400_000, now_ms() - T0
    far, near = encounter("E1", now + 2 * day, enc="far"), encounter("E2", now + day // 2, enc="near")
    url = ledger_of(tmp_path, far, near, until=now + 2 * day)
    assert encounters(run(url, "--within", "P3D")) == ["far"]
    assert encounters(run(url, "--within", "P1D")) == []


def test_of_one_office_and_no_more_than_so_many(url: str) -> None:
    """And it is said that there may be more."""
    result = run(url, "--office", "a", "--limit", "1")
    assert encounters(result) == ["sooner"]
    assert result.stderr == "a: 1 of 2 that are open\nno more than 1 are listed: --limit\n"


def test_an_office_that_owes_nothing_has_its_line(tmp_path: Path) -> None:
    """Whoever closes it reads a nought, and not nothing."""
    result = run(ledger_of(tmp_path, encounter("E1", 495), until=499), "--office", "b")
    assert (result.stdout, result.stderr) == ("", "b: 0 of 0 that are open\n")


@pytest.mark.parametrize("moved_at", [497, 509])
def test_who_is_in_charge_while_it_is_held(tmp_path: Path, moved_at: int) -> None:
    """A case that is moved while its due time moves along is the other office's, however late."""
    events = encounter("E1", 495), hold(496), move(moved_at)
    url = ledger_of(tmp_path, *events, until=520)
    (row,) = rows(run(url))
    assert (row["office_id"], row["in_charge"], row["state"], row["next_at"]) == ("a", "b", "OPEN", None)


@pytest.mark.parametrize(
    ("options", "place"),
    [
        (("--by", "tomorrow"), "--by: "),
        (("--within", "24h"), "--within: "),
        (("--within", "PT1H", "--by", "2016-03-01T00:00:00Z"), "--within: "),
        (("--office", "elsewhere"), "--office: elsewhere is not in this ledger"),
    ],
)
def test_what_cannot_be_meant_is_refused(url: str, options: tuple[str, ...], place: str) -> None:
    """With the option's name, and nothing on stdout: a slip must not look like an office that owes nothing."""
    result = run(url, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(place)


def test_as_a_table_and_as_csv(url: str) -> None:
    """For people with the totals below it; for spreadsheets without them."""
    lines = run(url, "--format", "table").stdout.splitlines()
    assert lines[-2:] == ["a: 2 of 2 that are open", "b: 1 of 1 that are open"]
    cells = list(csv.DictReader(run(url, "--format", "csv").stdout.splitlines()))
    assert [(row["encounter_id"], row["state"], row["policy"]) for row in cells][:1] == [("sooner", "OPEN", "p@1")]
    assert len(cells) == 3


def test_an_office_that_the_register_lacks_is_told_once_where_it_owes_something(url: str) -> None:
    """And what it owes is counted; what is outstanding is judged already."""
    with closing(open_reader(url)) as reader:
        with capture_logs() as said:
            tell_unregistered(reader, ["b"])
        assert [(line["event"], line["office"], line["pending"]) for line in said] == [
            ("office_not_registered", "a", 2)
        ]
        with capture_logs() as said:
            tell_unregistered(reader, ["a", "b"])
        assert said == []
