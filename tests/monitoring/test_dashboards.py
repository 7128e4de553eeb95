"""Dashboards: every expression parses and speaks of what exists, and every panel says what it shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.monitoring.dashboards import FOLDER, Panel, panels
from tests.monitoring.expressions import assert_is_in_the_vocabulary, selectors
from tests.monitoring.test_rules import RECORDED

BOARDS = sorted(FOLDER.glob("*.json"))
UNITS = {"dateTimeFromNow", "percentunit", "reqps", "s", "short"}


def read(name: str) -> dict[str, Any]:
    """Read a dashboard."""
    board: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return board


PANELS = [
    pytest.param(name, panel, id=f"{name}-{panel.title}") for name in ("fleet", "office") for panel in panels(name)
]


def test_both_dashboards_are_there_and_are_named_once() -> None:
    """Grafana finds them by their uid, and links lead to one of them."""
    boards = {board.stem: read(board.stem) for board in BOARDS}
    assert {name: board["uid"] for name, board in boards.items()} == {
        "fleet": "muster-fleet",
        "office": "muster-office",
    }
    for board in boards.values():
        assert {link["url"] for link in board["links"]} <= {f"/d/{other['uid']}" for other in boards.values()}


@pytest.mark.parametrize("name", ["fleet", "office"])
def test_panels_have_an_id_each_and_do_not_overlap(name: str) -> None:
    """On the grid of 24 columns."""
    found = read(name)["panels"]
    assert len({panel["id"] for panel in found}) == len(found)
    cells = [
        (x, y)
        for panel in found
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize(("name", "panel"), PANELS)
def test_a_panel_speaks_of_metrics_that_exist(name: str, panel: Panel) -> None:
    """Of the vocabularies, or recorded; one office's only of that office."""
    assert panel.title
    assert panel.description.endswith(".")
    assert panel.unit in UNITS
    for expression, legend in panel.targets:
        assert_is_in_the_vocabulary(expression, RECORDED)
        assert legend
        if name == "office":
            for selector in selectors(expression):
                assert any(matcher.name == "office" for matcher in selector.matchers.matchers), expression


def test_the_dashboards_ask_the_datasource_that_is_provisioned() -> None:
    """By its uid, whatever it is called."""
    provisioned = yaml.safe_load((FOLDER.parent / "provisioning" / "datasources" / "prometheus.yml").read_text("utf-8"))
    (source,) = provisioned["datasources"]
    for name in ("fleet", "office"):
        used = {panel["datasource"]["uid"] for panel in read(name)["panels"] if panel["type"] != "row"}
        assert used == {source["uid"]}
    providers = yaml.safe_load((FOLDER.parent / "provisioning" / "dashboards" / "muster.yml").read_text("utf-8"))
    assert providers["providers"][0]["options"]["path"] == "/var/lib/grafana/dashboards"
