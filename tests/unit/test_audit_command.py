"""``headquarters audit`` on files: rows on stdout, what became of the records on stderr, refusals with exit code 2."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from subprocess import PIPE
from subprocess import run as run_process

import apsw
import pytest
from typer.testing import CliRunner, Result

from muster_hq.__main__ import app
from muster_hq.logfile import write_log
from tests.cases.builders import Case, encounter, id_of, raw, report
from tests.cases.policies import REPORT

LATE = Case("", REPORT, [encounter("E", 0, sequence=3), report("S", 11), raw(b"junk", 12, "field.a.incidents")])


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a log, a policy and a register; make their folder the current one."""
    with (tmp_path / "log.jsonl").open("w") as out:
        write_log(LATE.records, out)
    (tmp_path / "policy.toml").write_text(REPORT, "utf-8")
    (tmp_path / "offices.toml").write_text('[[office]]\nid = "b"\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*options: str, as_of: str = "2016-03-01T01:00:00Z", policy: str = "policy.toml") -> Result:
    """Run the command on the log."""
    arguments = ["audit", "--log", "log.jsonl", "--policy", policy, "--as-of", as_of, *options]
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments)


@pytest.mark.usefixtures("files")
def test_one_line_a_verdict() -> None:
    """JSON Lines, unless a terminal asks; the counts are on stderr."""
    result = run()
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["verdict"], row["at"]) for row in rows] == [
        ("MISSED", "2016-03-01T00:00:00.010Z"),
        ("LATE", "2016-03-01T00:00:00.011Z"),
    ]
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "3 records: 2 applied, 0 duplicate, 0 pulse, 1 quarantined",
        "quarantined: 1 NOT_FRAMED",
        "first of each: NOT_FRAMED at field.a.incidents, offset 1",
    ]


@pytest.mark.usefixtures("files")
def test_findings_are_asked_for() -> None:
    """Instead of the verdicts, whose lines stay what they are."""
    result = run("--findings")
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {
            "kind": "SEQUENCE_GAP",
            "office_id": "a",
            "stream": "field.a.encounters",
            "at": "2016-03-01T00:01:00.000Z",
            "detail": "open: 1-2 of 00000000-0000-0000-0000-000000000000",
            "evidence": [
                {
                    "topic": "field.a.encounters",
                    "partition": 0,
                    "offset": 0,
                    "appended_at": "2016-03-01T00:00:00.000Z",
                    "event_id": str(id_of("E")),
                }
            ],
        }
    ]
    assert "SEQUENCE_GAP" in run("--findings", "--format", "table").stdout


@pytest.mark.usefixtures("files")
def test_a_replay_finds_the_same() -> None:
    """Through the live engine and a ledger."""
    options = ["--log", "log.jsonl", "--policy", "policy.toml", "--as-of", "2016-03-01T01:00:00Z"]
    replayed = CliRunner().invoke(app, ["replay", *options, "--ledger", "sqlite:///new.db", "--findings"])
    assert replayed.stdout == run("--findings").stdout != ""


@pytest.mark.usefixtures("files")
def test_a_ledger_with_other_findings_differs(files: Path) -> None:
    """Verdict by verdict, and finding by finding."""
    options = ["--log", "log.jsonl", "--policy", "policy.toml"]
    CliRunner().invoke(app, ["replay", *options, "--as-of", "2016-03-01T01:00:00Z", "--ledger", "sqlite:///new.db"])
    compare = ["audit", *options, "--compare", "sqlite:///new.db"]
    agreed = CliRunner().invoke(app, compare)
    assert (agreed.exit_code, agreed.stdout) == (0, "")
    assert "audit: 1 findings; ledger: 1" in agreed.stderr
    connection = apsw.Connection(str(files / "new.db"))
    connection.execute("delete from findings")
    connection.close()
    differs = CliRunner().invoke(app, compare)
    assert differs.exit_code == 1
    assert [json.loads(line)["only_in"] for line in differs.stdout.splitlines()] == ["audit"]
    assert "1 findings only in the audit, 0 only in the ledger" in differs.stderr


@pytest.mark.usefixtures("files")
def test_a_table_for_people() -> None:
    """The same rows, to be looked at."""
    result = run("--format", "table")
    assert result.exit_code == 0
    assert "MISSED" in result.stdout


@pytest.mark.usefixtures("files")
def test_a_register_says_whose_streams_count() -> None:
    """The office of the log is not in it."""
    result = run("--offices", "offices.toml")
    assert result.stdout == ""
    assert "quarantined: 1 NOT_FRAMED, 2 UNKNOWN_OFFICE" in result.stderr


@pytest.mark.parametrize(
    ("options", "place"),
    [({"as_of": "tomorrow"}, "--as-of: "), ({"policy": "nowhere.toml"}, "nowhere.toml: cannot be read")],
)
@pytest.mark.usefixtures("files")
def test_a_wrong_option_is_refused(options: dict[str, str], place: str) -> None:
    """One line on stderr, nothing on stdout."""
    result = run(**options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(place)


def test_a_wrong_log_is_refused_with_a_line_a_fault(files: Path) -> None:
    """No verdict of a log that is not whole."""
    path = files / "log.jsonl"
    path.write_text(path.read_text("utf-8") + '{"stream"\n{}\n', "utf-8")
    result = run()
    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == ["log.jsonl:4"] + ["log.jsonl:5"] * 5


@pytest.mark.usefixtures("files")
def test_an_instant_that_is_no_text_is_refused() -> None:
    """Such as a variable of a script that was never set: not taken for the beginning of time."""
    result = run(as_of="")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--as-of: not an RFC 3339 time" in result.stderr


@pytest.mark.usefixtures("files")
def test_a_full_disk_is_a_refusal() -> None:
    """What was written by then is not whole, and so the exit code is not 0."""
    command = [sys.executable, "-m", "muster_hq", "audit", "--log", "log.jsonl", "--policy", "policy.toml"]
    with Path("/dev/full").open("w") as full:
        done = run_process(
            [*command, "--as-of", "2016-03-01T01:00:00Z"], stdout=full, stderr=PIPE, text=True, check=False, timeout=60
        )
    assert done.returncode == 2
    assert (
        done.stderr.splitlines()[-1]
        == "output: cannot be written: No space left on device (what was written is not whole)"
    )
