"""Alerts: each is right on both sides of its threshold, has a runbook, and speaks of metrics that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

import muster_field.__main__
import muster_hq.__main__
from tests.monitoring.expressions import assert_is_in_the_vocabulary
from tests.monitoring.programs import ROOT, RULES, run

PROMETHEUS = RULES.parent
FILES = sorted(RULES.glob("*.yml"))
TESTS = sorted((ROOT / "tests" / "monitoring" / "rules").glob("*.yml"))
RUNBOOKS = ROOT / "docs" / "runbooks"
COMMANDS = {
    "headquarters": get_command(muster_hq.__main__.app),
    "field-office": get_command(muster_field.__main__.app),
}


def rules() -> list[dict[str, Any]]:
    """Read every rule."""
    groups = [group for file in FILES for group in yaml.safe_load(file.read_text("utf-8"))["groups"]]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = [rule for rule in rules() if "alert" in rule]
RECORDED = {rule["record"] for rule in rules() if "record" in rule}


def test_promtool_and_amtool_find_no_fault() -> None:
    """With the configuration, the rules, and whom alerts go to."""
    run("promtool", "check", "config", "--lint=all", "--lint-fatal", PROMETHEUS / "prometheus.yml")
    run("promtool", "check", "rules", "--lint=all", "--lint-fatal", *FILES)
    run("amtool", "check-config", PROMETHEUS / "alertmanager.yml")


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_alerts_fire_when_they_should_and_only_then(file: Path) -> None:
    """By promtool's own unit tests, which have both sides of every threshold."""
    run("promtool", "test", "rules", file)


def test_every_alert_is_seen_to_fire_in_the_unit_tests() -> None:
    """One that nobody has seen fire is a hope."""
    text = "".join(file.read_text("utf-8") for file in TESTS)
    fired = {*re.findall(r'alertname="(\w+)",alertstate="firing"', text), *re.findall(r"alertname: (\w+)", text)}
    assert fired == {rule["alert"] for rule in ALERTS}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_rule_speaks_of_metrics_and_labels_that_exist(rule: dict[str, Any]) -> None:
    """Of the vocabulary, or recorded by another rule."""
    assert_is_in_the_vocabulary(rule["expr"], RECORDED)


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_is_the_matter_and_has_a_runbook(rule: dict[str, Any]) -> None:
    """Four parts, of which the tired need each; and a line in the list of alerts."""
    annotations, severity = rule["annotations"], rule["labels"]["severity"]
    assert annotations.keys() == {"summary", "description", "runbook_url"}
    assert severity in {"critical", "warning", "info", "none"}
    runbook = (ROOT / annotations["runbook_url"]).read_text("utf-8")
    assert re.findall(r"(?m)^##? (.*)$", runbook) == [
        rule["alert"],
        "What it means",
        "Look first",
        "What to do",
        "How you know that it is over",
    ]
    listed = (ROOT / "docs" / "alerts.md").read_text("utf-8")
    assert f"| [{rule['alert']}](runbooks/{rule['alert']}.md) | {severity} |" in listed


def test_every_command_of_a_runbook_exists_with_its_options() -> None:
    """A tired person types what stands there."""
    found = [*commands_in(RUNBOOKS.glob("[A-Z]*.md"))]
    assert len(found) > 30
    for words in found:
        command = COMMANDS[words[0]]
        for word in words[1:]:
            if not isinstance(command, TyperGroup) or (word not in command.commands and command.invoke_without_command):
                break
            assert word in command.commands, f"{words}: {word}"
            command = command.commands[word]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= known, words


def test_every_link_of_a_runbook_leads_somewhere() -> None:
    """To another runbook, or to a page of the documentation."""
    for runbook in RUNBOOKS.glob("[A-Z]*.md"):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", runbook.read_text("utf-8")):
            assert (runbook.parent / target).exists(), f"{runbook.name}: {target}"


def commands_in(pages: Iterator[Path]) -> Iterator[list[str]]:
    """Give the commands of ours that pages name, word by word: those in a console, and those between backquotes."""
    for page in pages:
        for written in re.findall(r"`[^`\n]+`|(?m:^ *\$ .*\n)", page.read_text("utf-8")):
            call = re.search(r"(?:headquarters|field-office) [a-z].*", written.strip(" `\n"))
            if call:
                yield call[0].partition("#")[0].split()
