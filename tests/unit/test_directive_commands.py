"""Giving directives: what is in quarantine, what will come of it, what is refused, and what then stands in the log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from muster_contract.codec import decode
from muster_contract.topics import DIRECTIVES
from muster_hq.__main__ import app
from muster_hq.embedded import EmbeddedBroker
from muster_hq.kafka import Scan
from muster_hq.ledger.opening import open_ledger, open_reader
from muster_hq.logfile import write_log
from muster_hq.replay import replay
from tests.cases.builders import T0, Case, directive, encounter, raw, report
from tests.cases.policies import REPORT
from tests.older_program import older_program

INCIDENTS = "field.a.incidents"
EVENTS = [
    encounter("E", 0),
    raw(b"junk", 1, INCIDENTS),
    report("S", 2, label="SECRET"),
    report("S2", 3),
    raw(b"more", 4, INCIDENTS),
    raw(b"whose", 5, DIRECTIVES),
    directive("D", 6, "REJECT", f"{INCIDENTS}@3"),
    directive("D2", 7, "HOLD", "a person"),
    encounter("E2", 480, enc="open"),
]
CODES = ("--authority", "HQ-1", "--reason", "R-1")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Give a ledger with records in quarantine: junk, a label, one that a newer program reads, and one rejected."""
    url, case = f"sqlite:///{tmp_path}/ledger.db", Case("", REPORT, EVENTS)
    with closing(open_ledger(url)) as ledger, older_program([(INCIDENTS, 2)]):
        replay(case.records, case.policies, ["a"], ledger, T0 + 485)
    return url


@pytest.fixture
def bootstrap() -> Iterator[str]:
    """Run a broker with headquarters' own stream."""
    with EmbeddedBroker() as broker:
        broker.create_topic(DIRECTIVES)
        yield broker.bootstrap


def run(*arguments: str) -> Result:
    """Run the program, not on a terminal."""
    return CliRunner().invoke(app, arguments)


def rows(result: Result) -> list[dict[str, Any]]:
    """Give the rows of JSON Lines."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def given(bootstrap: str) -> list[dict[str, Any]]:
    """Read the directives that stand in the log."""
    with Scan({}, bootstrap=bootstrap, topics=[DIRECTIVES], trust_create_time=True) as scan:
        return [decode(record.value).fields for record in scan]


def test_what_waits_for_a_decision_is_listed(url: str) -> None:
    """Exit code 1; not what was decided, nor what stands on a stream that is no office's."""
    result = run("quarantine", "--ledger", url)
    assert result.exit_code == 1
    assert [(row["record"], row["reason"], row["size"]) for row in rows(result)] == [
        (f"{INCIDENTS}@0", "NOT_FRAMED", 4),
        (f"{INCIDENTS}@1", "LABEL_ABOVE_CEILING", rows(result)[1]["size"]),
        (f"{INCIDENTS}@2", "UNDECODABLE", rows(result)[2]["size"]),
    ]
    assert "3 records wait" in result.stderr
    assert "junk" not in result.stdout


def test_everything_that_was_quarantined_is_listed_on_demand(url: str) -> None:
    """With when it was decided, and where that stands in the log."""
    listed = {row["record"]: row for row in rows(run("quarantine", "--all", "--ledger", url))}
    assert listed[f"{INCIDENTS}@3"]["ended_at"] == "2016-03-01T00:00:00.006Z"
    assert listed[f"{INCIDENTS}@3"]["ended_by"] == f"{DIRECTIVES}@1"
    assert listed[f"{DIRECTIVES}@0"]["ended_at"] is None


@pytest.mark.parametrize(("decision", "offset"), [("readmit", 2), ("reject", 0), ("reject", 1), ("reject", 2)])
def test_a_decision_stands_in_the_log(decision: str, offset: int, url: str, bootstrap: str) -> None:
    """With its authority and reason, under an id of its own."""
    result = run("quarantine", decision, f"{INCIDENTS}@{offset}", *CODES, "--ledger", url, "--bootstrap", bootstrap)
    assert result.exit_code == 0
    assert f"{INCIDENTS}@{offset} will" in result.stdout
    (fields,) = given(bootstrap)
    assert (fields["action"], fields["target"]) == (decision.upper(), f"{INCIDENTS}@{offset}")
    assert (fields["authority"], fields["reason_code"], fields["until"]) == ("HQ-1", "R-1", None)


@pytest.mark.parametrize(
    ("decision", "record", "why"),
    [
        ("readmit", f"{INCIDENTS}@0", "can still not be read: NOT_FRAMED"),
        ("readmit", f"{INCIDENTS}@1", "LABEL_ABOVE_CEILING is never readmitted"),
        ("readmit", f"{INCIDENTS}@3", "was decided at 2016-03-01T00:00:00.006Z"),
        ("reject", f"{INCIDENTS}@3", "was decided"),
        ("reject", f"{INCIDENTS}@9", "is not quarantined"),
        ("reject", "incidents 3", "has not the form"),
        ("reject", f"{DIRECTIVES}@0", "has not the form"),
    ],
)
def test_a_decision_that_would_do_nothing_is_refused(
    decision: str, record: str, why: str, url: str, bootstrap: str
) -> None:
    """Exit code 2, and nothing is written."""
    result = run("quarantine", decision, record, *CODES, "--ledger", url, "--bootstrap", bootstrap)
    assert result.exit_code == 2
    assert why in result.stderr
    assert given(bootstrap) == []


def test_a_directive_says_what_it_concerns(url: str, bootstrap: str) -> None:
    """As it stands now."""
    until = "2016-03-02T00:00:00Z"
    options = (*CODES, "--until", until, "--ledger", url, "--bootstrap", bootstrap)
    result = run("direct", "EXTEND", "encounter:c/a/open", *options)
    assert (result.exit_code, result.stdout) == (0, "report 1: OPEN, due 2016-03-01T00:00:00.490Z\n")
    (fields,) = given(bootstrap)
    assert (fields["action"], fields["target"], fields["until"]) == ("EXTEND", "encounter:c/a/open", T0 + 86_400_000)


def test_one_that_concerns_nothing_yet_is_given_all_the_same(url: str, bootstrap: str) -> None:
    """What opens later may be meant."""
    result = run("direct", "HOLD", "encounter:c/a/later", *CODES, "--ledger", url, "--bootstrap", bootstrap)
    assert "counts for what opens later" in result.stdout
    assert len(given(bootstrap)) == 1


def test_a_move_concerns_all_that_the_office_owes_in_the_case(url: str, bootstrap: str) -> None:
    """Of every encounter: it names none."""
    moved = run("direct", "MOVE_CASE", "move:c/a/b", *CODES, "--ledger", url, "--bootstrap", bootstrap)
    with closing(open_reader(url)) as reader:
        history = reader.case("c")
    assert history is not None
    assert len(moved.stdout.splitlines()) == len(history.obligations) > 1
    assert "counts for what opens later" not in moved.stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("OBEY", "encounter:c/a/e", *CODES), "none that is carried out"),
        (("HOLD", "c/a/e", *CODES), "encounter:CASE/OFFICE/ENCOUNTER or obligation:"),
        (("HOLD", "encounter:c/a/e", "--authority", "the chief", "--reason", "R-1"), "is no code"),
        (("EXTEND", "encounter:c/a/e", *CODES), "give a time"),
        (("RESUME", "encounter:c/a/e", *CODES, "--until", "2016-03-02T00:00:00Z"), "for EXTEND, HOLD"),
        (("EXTEND", "encounter:c/a/e", *CODES, "--until", "tomorrow"), "--until"),
    ],
)
def test_a_directive_that_would_be_ignored_is_refused(arguments: tuple[str, ...], why: str, bootstrap: str) -> None:
    """Exit code 2, with what would do."""
    result = run("direct", *arguments, "--bootstrap", bootstrap)
    assert result.exit_code == 2
    assert why in result.stderr
    assert given(bootstrap) == []


@pytest.mark.parametrize(
    ("target", "given_files", "why"),
    [
        ("policy:p@1#{right}", (), "p@1 is in no file that was given (the file that"),
        ("policy:p@2#{right}", ("policy",), "p@2 is in no file"),
        ("policy:p@1#{wrong}", ("policy",), "p@1 has another SHA-256 in the file"),
        ("register:1#{right}", ("policy",), "register 1 is in no file"),
        ("register:1#{right}", ("offices",), "register 1 has another SHA-256 in the file"),
    ],
)
def test_an_activation_that_would_end_headquarters_is_not_given(
    target: str, given_files: tuple[str, ...], why: str, tmp_path: Path, bootstrap: str
) -> None:
    """A slip of the pen would stand in the log for good: no directive takes it back."""
    files = write_versions(tmp_path)
    named = target.format(right=sha256(files["policy"].read_bytes()).hexdigest(), wrong="0" * 64)
    options = [part for name in given_files for part in (f"--{name}", str(files[name]))]
    action = "ACTIVATE_" + target.partition(":")[0].upper()
    result = run("direct", action, named, *CODES, *options, "--bootstrap", bootstrap)
    assert (result.exit_code, given(bootstrap)) == (2, [])
    assert why in result.stderr


@pytest.mark.parametrize(
    ("action", "target", "file"), [("POLICY", "policy:p@1", "policy"), ("REGISTER", "register:1", "offices")]
)
def test_an_activation_of_a_file_that_is_at_hand_is_given(
    action: str, target: str, file: str, tmp_path: Path, bootstrap: str
) -> None:
    """By its digest, and what it asks of every process is said."""
    path = write_versions(tmp_path)[file]
    named = f"{target}#{sha256(path.read_bytes()).hexdigest()}"
    result = run("direct", f"ACTIVATE_{action}", named, *CODES, f"--{file}", str(path), "--bootstrap", bootstrap)
    assert (result.exit_code, [fields["target"] for fields in given(bootstrap)]) == (0, [named])
    assert "no process of headquarters runs without that file" in result.stdout


def write_versions(folder: Path) -> dict[str, Path]:
    """Write a policy and a register; give them by the option that takes each."""
    files = {"policy": folder / "policy.toml", "offices": folder / "offices.toml"}
    files["policy"].write_text(REPORT)
    files["offices"].write_text('[[office]]\nid = "a"\n')
    return files


def test_what_was_ordered_is_listed_with_what_is_ignored(url: str) -> None:
    """And why."""
    listed = rows(run("directives", "--ledger", url))
    assert [(row["offset"], row["action"], row["authority"]) for row in listed] == [
        (1, "REJECT", "HQ-1"),
        (2, "HOLD", "HQ-1"),
    ]
    assert listed[0]["ignored"] is None
    assert listed[1]["ignored"].startswith("TARGET_MALFORMED: ")


def test_an_audit_takes_the_ledger_s_word_for_what_could_not_be_read(url: str, tmp_path: Path) -> None:
    """A newer program than the ledger's agrees with it, though it could read more."""
    log, policy = tmp_path / "log.jsonl", tmp_path / "policy.toml"
    with log.open("w") as file:
        write_log(Case("", REPORT, EVENTS).records, file)
    policy.write_text(REPORT)
    offices = tmp_path / "offices.toml"
    offices.write_text('[[office]]\nid = "a"\n')
    options = ("--log", str(log), "--policy", str(policy), "--offices", str(offices))
    assert run("audit", *options, "--compare", url).exit_code == 0
    alone = run("audit", *options, "--as-of", "2016-03-01T00:00:00.485Z")
    assert [row["verdict"] for row in rows(alone)] == ["ON_TIME"], "by itself it reads the report in time"


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (f"policy:p@2#{'0' * 64}", "p@2 is activated, and not given"),
        (f"policy:other@1#{'0' * 64}", "other@1 is activated, and not given"),
        (f"policy:p@1#{'0' * 64}", "p@1 is activated with another text"),
        (f"register:1#{'0' * 64}", "register 1 is activated, and not given"),
    ],
)
def test_a_version_that_is_activated_and_not_at_hand_is_refused(target: str, why: str, tmp_path: Path) -> None:
    """By the audit and by the live engine: exit code 2, and what to do."""
    log, policy = tmp_path / "log.jsonl", tmp_path / "policy.toml"
    with log.open("w") as file:
        action = "ACTIVATE_" + target.partition(":")[0].upper()
        write_log(Case("", REPORT, [encounter("E", 0), directive("D", 1, action, target)]).records, file)
    policy.write_text(REPORT)
    options = ("--log", str(log), "--policy", str(policy), "--as-of", "2016-03-01T00:00:00.400Z")
    for result in (run("audit", *options), run("replay", *options, "--ledger", f"sqlite:///{tmp_path}/new.db")):
        assert result.exit_code == 2
        assert why in result.stderr


def test_a_version_is_activated_by_the_digest_of_its_file(tmp_path: Path) -> None:
    """Whatever its line ends: the bytes count."""
    log, policy = tmp_path / "log.jsonl", tmp_path / "policy.toml"
    policy.write_bytes(REPORT.replace("\n", "\r\n").encode())
    target = f"policy:p@1#{sha256(policy.read_bytes()).hexdigest()}"
    with log.open("w") as file:
        write_log(Case("", REPORT, [encounter("E", 0), directive("D", 1, "ACTIVATE_POLICY", target)]).records, file)
    options = ("--log", str(log), "--policy", str(policy), "--as-of", "2016-03-01T00:00:00.400Z")
    assert [row["verdict"] for row in rows(run("audit", *options))] == ["MISSED"]


def test_a_register_is_activated_by_the_digest_of_its_file(tmp_path: Path) -> None:
    """With every version at hand; with another text under the number it is refused, and what to do is said."""
    log, policy, one, two = (tmp_path / name for name in ("log.jsonl", "policy.toml", "one.toml", "two.toml"))
    policy.write_text(REPORT.replace('"PT0.010S"', "{ local_days = 1 }"))
    one.write_text('[[office]]\nid = "a"\n')
    two.write_text('version = 2\n[[office]]\nid = "a"\nzone = "Asia/Kolkata"\n')
    target = f"register:2#{sha256(two.read_bytes()).hexdigest()}"
    with log.open("w") as file:
        events = [encounter("E", 2), directive("D", 1, "ACTIVATE_REGISTER", target)]
        write_log(Case("", REPORT, events).records, file)
    options = ("--log", str(log), "--policy", str(policy), "--as-of", "2016-03-05T00:00:00Z", "--offices", str(one))
    for command in (("audit",), ("replay", "--ledger", f"sqlite:///{tmp_path}/new.db")):
        (verdict,) = rows(run(*command, *options, "--offices", str(two)))
        assert (verdict["verdict"], verdict["due_at"]) == ("MISSED", "2016-03-02T18:29:59.999Z")
    two.write_text('version = 2\n[[office]]\nid = "a"\n')
    for more, why in (((), "and not given"), (("--offices", str(two)), "with another text")):
        refused = run("audit", *options, *more)
        assert refused.exit_code == 2
        assert f"register 2 is activated{',' if not more else ''} {why}" in refused.stderr
        assert "with --offices" in refused.stderr


def test_without_a_ledger_there_is_nothing_to_list() -> None:
    """Exit code 2."""
    assert run("quarantine").exit_code == 2
