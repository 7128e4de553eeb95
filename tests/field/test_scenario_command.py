"""``field-office scenario``: what it refuses, and the sender that relays share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from muster_field.__main__ import app
from muster_field.fakes import FakeBroker
from muster_field.scenario.kept_open import KeptOpen
from muster_field.sender import Parcel

PARCEL = Parcel("field.dal.encounters", 1, b"x", [])


def scenario(folder: Path, *arguments: str, offices: str = "dal elp") -> Result:
    """Run the command with a register of these offices; nothing of the environment's is set."""
    register = folder / "offices.toml"
    register.write_text("".join(f'[[office]]\nid = "{name}"\n' for name in offices.split()), "utf-8")
    return CliRunner(env={"MUSTER_BOOTSTRAP": None}).invoke(
        app, ["scenario", arguments[0], "--offices", str(register), *arguments[1:]]
    )


def test_a_scenario_must_go_somewhere(tmp_path: Path) -> None:
    """To a broker, to a log, or at least its truth to a file."""
    result = scenario(tmp_path, "oig-18-36")
    assert result.exit_code == 2
    assert "has nowhere to go" in result.stderr


def test_the_truth_alone_needs_no_outbox(tmp_path: Path) -> None:
    """It is worked out before anything is recorded."""
    result = scenario(tmp_path, "oig-18-36", "--truth", str(tmp_path / "truth.json"), "--untransmitted", "3")
    assert result.exit_code == 0
    assert json.loads((tmp_path / "truth.json").read_text("utf-8"))["untransmitted"] == 3


def test_a_log_holds_the_whole_scenario(tmp_path: Path) -> None:
    """Its offsets begin at 0: a period alone would be no log."""
    result = scenario(tmp_path, "oig-18-36", "--log", "-", "--between", "2013-01-01T00:00:00Z", "2014-01-01T00:00:00Z")
    assert result.exit_code == 2
    assert "--between: goes with --bootstrap only" in result.stderr


def test_a_period_has_times(tmp_path: Path) -> None:
    """A refusal names the option."""
    result = scenario(tmp_path, "oig-18-36", "--truth", "-", "--between", "2013", "2014")
    assert result.exit_code == 2
    assert result.stderr.startswith("--between: ")


def test_an_outage_needs_two_offices(tmp_path: Path) -> None:
    """One that has it, and one that has not."""
    result = scenario(tmp_path, "outage", "--log", "-", offices="dal")
    assert result.exit_code == 2
    assert "has one office only" in result.stderr


def test_relays_in_turn_share_a_connection() -> None:
    """Closing it waits for what is under way, and keeps it."""
    broker, made = FakeBroker(), []
    kept = KeptOpen(lambda: made.append(broker.connect()) or made[-1])  # type: ignore[func-returns-value]  # counts them
    for _ in range(2):
        kept.send(PARCEL)
        assert [report.sequence for report in kept.close(1)] == [1]
    assert len(made) == 1


@pytest.mark.parametrize("trouble", ["lost", "not there"])
def test_a_connection_in_trouble_is_not_kept(trouble: str) -> None:
    """The next relay gets a new one, and what was under way is not known to have been appended."""
    broker, made = FakeBroker(), []
    kept = KeptOpen(lambda: made.append(broker.connect()) or made[-1])  # type: ignore[func-returns-value]  # the same
    broker.loses_next_sender, broker.reachable = trouble == "lost", trouble == "lost"
    kept.send(PARCEL)
    assert kept.close(0.01) == []
    broker.reachable = True
    kept.send(PARCEL)
    assert [report.sequence for report in kept.close(1)] == [1]
    assert len(made) == 2


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (["--office", "hou"], "--office: is not in "),
        (["--metrics-port", "0"], "--metrics-port: goes with one --office"),
        (["--metrics-port", "0", "--office", "dal", "--office", "elp"], "--metrics-port: goes with one --office"),
    ],
)
def test_live_offices_are_of_the_register_and_metrics_are_one_offices(
    tmp_path: Path, options: list[str], cause: str
) -> None:
    """Each relay has its own metrics, and its own health."""
    result = scenario(tmp_path, "live", "--bootstrap", "127.0.0.1:1", "--work", str(tmp_path), *options)
    assert result.exit_code == 2
    assert result.stderr.startswith(cause)


def test_a_live_office_lives_alone_and_says_how_it_is(tmp_path: Path) -> None:
    """Only its outbox is made; its metrics are served as a relay's are."""
    options = ("--bootstrap", "127.0.0.1:1", "--work", str(tmp_path / "work"), "--seconds", "2")
    result = scenario(tmp_path, "live", *options, "--office", "elp", "--metrics-port", "0")
    assert result.exit_code == 0, result.stderr
    assert [path.name for path in (tmp_path / "work").glob("*.outbox")] == ["elp.outbox"]
    assert '"event": "serving"' in result.stderr
