"""The page on policies says what the reader reads: its examples are policies, and its tables name every key."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from muster_hq.calendar_reader import read_calendars
from muster_hq.policy_reader import _Head, _Line, read_policy
from tests.cases.calendars import within

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "policy.md").read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
LIMITS = [line for example in EXAMPLES for line in example.splitlines() if line.startswith("within = {")]


def test_the_policy_is_one() -> None:
    """The first example is whole."""
    assert len(read_policy(EXAMPLES[0], "docs/policy.md").requirements) == 2


@pytest.mark.parametrize("line", LIMITS)
def test_a_limit_in_days_is_read(line: str) -> None:
    """As it stands there."""
    table = line.removeprefix("within = {").removesuffix("}")
    assert read_policy(within(table), "docs/policy.md").requirements[0].days is not None


def test_the_calendars_are_read(tmp_path: Path) -> None:
    """The example of a file of calendars is one."""
    assert LIMITS
    (example,) = (example for example in EXAMPLES if example.startswith("[calendar."))
    path = tmp_path / "calendars.toml"
    path.write_text(example, "utf-8")
    calendars = read_calendars(path)
    assert (calendars["US"].code, calendars["OURS"].code) == ("US", None)


def test_every_key_is_in_a_table() -> None:
    """Whoever adds one says there what it means."""
    heads, lines = (set(model.model_fields) for model in (_Head, _Line))
    named = [set(re.findall(r"`([a-z_]+)`", row.split("|")[1])) for row in PAGE.splitlines() if row.startswith("| `")]
    assert heads | lines | {"working_days", "local_days", "at", "calendar", "roll"} <= set[str]().union(*named)


def test_the_requirement_that_the_page_on_case_files_shows_is_one() -> None:
    """What an office owes after a declined transfer."""
    (example,) = re.findall(r"```toml\n(.*?)```", (DOCS / "case-files.md").read_text("utf-8"), re.DOTALL)
    assert tomllib.loads(example)["requirement"][0]["id"] == "declined-transfer"
    assert read_policy('id = "p"\nversion = 1\n' + example, "docs/case-files.md").requirements[0].scope == "case"
