"""Logs: a closed list, that every call keeps to; a case is never named, an exception never quoted."""

from __future__ import annotations

import ast
import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from muster_contract.shell.log_events import EVENTS, KEYS
from muster_contract.shell.log_filter import OnlyListed
from muster_contract.shell.log_page import page
from muster_field.__main__ import app

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("schemas", "producers", "consumers") for path in (ROOT / folder).rglob("*.py"))
KEY = b"sixteen bytes ok"
PLANTED = "case-7f3a-plain"
LEVELS = ("debug", "info", "warning", "error", "exception", "critical", "log")


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Give every call of a structlog logger in the source, with its place and its level."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
                owner = node.func.value
                if isinstance(owner, ast.Name) and owner.id in {"_log", "log", "logger"}:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node.func.attr, node


def name_of(level: str, call: ast.Call) -> str:
    """Give the event's name; the empty text when it is no literal."""
    name = call.args[1 if level == "log" else 0]
    return str(name.value) if isinstance(name, ast.Constant) else ""


def faults_of(level: str, call: ast.Call) -> list[str]:
    """Say what is wrong with a log call."""
    event = EVENTS.get(name_of(level, call))
    if event is None:
        return ["its event is not in log_events.py"]
    faults = [
        f"{key.arg} is no key of {event.name}" for key in call.keywords if key.arg not in {*event.keys, "exc_info"}
    ]
    if event.level not in {level, "the client's"}:
        faults.append(f"{event.name} is of level {event.level}")
    return faults


def test_every_log_call_keeps_to_the_list() -> None:
    """A name of the list, its level, and only its keys; and the list names nothing that is never said."""
    found = list(calls())
    assert [f"{place}: {fault}" for place, level, call in found for fault in faults_of(level, call)] == []
    said = {name_of(level, call) for _, level, call in found}
    assert said == EVENTS.keys()


def test_nothing_is_logged_but_through_the_list() -> None:
    """No module of ours has another logger, or prints for a log."""
    for path in SOURCES:
        text = path.read_text("utf-8")
        loggers = [line for line in text.splitlines() if "get_logger(" in line]
        assert all(line.startswith("_log = structlog.get_logger(") for line in loggers), path
        assert "logging.getLogger" not in text, path


def test_the_list_explains_itself() -> None:
    """Each key is said what it holds; names and keys are words; sorted, so that a key is found."""
    assert {key for event in EVENTS.values() for key in event.keys} | {"case", "exception"} == KEYS.keys()
    assert list(KEYS) == sorted(KEYS)
    for event in EVENTS.values():
        assert list(event.keys) == sorted(event.keys), event.name
        assert event.says.endswith("."), event.name


def test_the_page_is_made_from_the_list() -> None:
    """``python -m muster_contract.shell.log_page > docs/logs.md``."""
    assert (ROOT / "docs" / "logs.md").read_text("utf-8") == page()


def filtered(event: str, *, strict: bool = False, **keys: object) -> dict[str, object]:
    """Pass an event through the filter."""
    return dict(OnlyListed(KEY, strict=strict)(None, "info", {"event": event, **keys}))


def test_what_is_not_listed_is_dropped_and_its_key_named() -> None:
    """Other keys, other events, and values that could hold anything."""
    assert filtered("stopped", narrative=PLANTED) == {"event": "stopped", "dropped": "narrative"}
    assert filtered(f"stopped {PLANTED}", stream="s") == {"event": "unlisted", "dropped": "stream"}
    assert filtered("pulsing", streams=[PLANTED]) == {"event": "pulsing", "dropped": "streams"}


@pytest.mark.parametrize(("event", "keys"), [("stopped", {"narrative": "n"}), ("nothing_of_ours", {})])
def test_where_tests_run_it_raises(event: str, keys: dict[str, object]) -> None:
    """So that nobody relies on the dropping."""
    with pytest.raises(ValueError, match=r"not in log_events\.py"):
        filtered(event, strict=True, **keys)


def test_a_case_is_written_as_a_keyed_hash() -> None:
    """The same for the same key, as openssl would give it; another for another key."""
    expected = hmac.new(KEY, PLANTED.encode(), hashlib.sha256).hexdigest()[:16]
    assert filtered("case_set_aside", case=PLANTED, strict=True) == {"event": "case_set_aside", "case": expected}
    other = OnlyListed(b"another key of ours", strict=True)(None, "error", {"event": "case_set_aside", "case": PLANTED})
    assert other["case"] not in {expected, PLANTED}


def test_an_exception_is_told_without_its_text() -> None:
    """It may quote an event, and its local variables hold one."""
    try:
        dict[str, str]()[PLANTED]
    except KeyError as fault:
        told = filtered("stopped", exc_info=fault)
        as_flag = filtered("stopped", exc_info=True)
    assert told == as_flag
    assert str(told["exception"]).startswith("KeyError at test_logs.py:")
    assert PLANTED not in json.dumps(told)


def test_programs_log_json_where_nobody_watches() -> None:
    """With event, level and time; here the relay's, at a broker that is not there, through the real command."""
    code = """
import structlog
from muster_contract.shell.logging import configure_logging
configure_logging("info")
structlog.get_logger().error("stream_halted", stream="field.dal.encounters", offset=7, cause="c", hint="h")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    (line,) = done.stderr.splitlines()
    told = json.loads(line)
    assert told.pop("timestamp").endswith("Z")
    expected = {"event": "stream_halted", "level": "error", "stream": "field.dal.encounters", "offset": 7}
    assert told == {**expected, "cause": "c", "hint": "h"}


@pytest.mark.parametrize("key", ["", "fifteen bytes .", None])
def test_a_key_that_is_none_is_refused(tmp_path: Path, key: str | None) -> None:
    """Empty, too short or not there; and never shown."""
    path = tmp_path / "key"
    if key is not None:
        path.write_text(key, "utf-8")
    before = structlog.get_config()
    refused = CliRunner().invoke(app, ["--log-key-file", str(path), "status", "--outbox", "none"])
    assert refused.exit_code == 2
    assert refused.stderr.startswith(f"{path}: ")
    assert not key or key not in refused.stderr
    assert structlog.get_config() == before
