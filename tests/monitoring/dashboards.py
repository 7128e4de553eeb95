"""Grafana's dashboards, read as what they ask Prometheus."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.monitoring.programs import ROOT

FOLDER = ROOT / "docker" / "grafana" / "dashboards"


class Panel(NamedTuple):
    """A panel that shows something: (expression, legend) pairs, with Grafana's own variables filled in."""

    kind: str
    title: str
    description: str
    unit: str
    place: tuple[int, int, int, int]
    """Column, line, width and height, on a grid of 24 columns."""
    stacked: bool
    steps: list[tuple[float | None, str]]
    """From which value on (None: all) it has which colour."""
    targets: list[tuple[str, str]]


def panels(name: str, *, office: str = "dal", rate_interval: str = "1m") -> list[Panel]:
    """Give the panels of a dashboard, without its rows."""
    variables = {"$__rate_interval": rate_interval, "$office": office}
    board = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return [_read(panel, variables) for panel in board["panels"] if panel["type"] != "row"]


def headings(name: str) -> list[tuple[int, str]]:
    """Give the rows of a dashboard: the line and the title of each."""
    board = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return [(panel["gridPos"]["y"], panel["title"]) for panel in board["panels"] if panel["type"] == "row"]


def _read(panel: Any, variables: Mapping[str, str]) -> Panel:  # noqa: ANN401 - parsed JSON
    defaults = panel["fieldConfig"]["defaults"]
    column, line, width, height = (panel["gridPos"][name] for name in "xywh")
    steps = defaults.get("thresholds", {}).get("steps", [])
    return Panel(
        kind=panel["type"],
        title=panel["title"],
        description=panel["description"],
        unit=defaults["unit"],
        place=(column, line, width, height),
        stacked=defaults.get("custom", {}).get("stacking", {}).get("mode") == "normal",
        steps=[(step["value"], step["color"]) for step in steps],
        targets=[(_filled(target["expr"], variables), target["legendFormat"]) for target in panel["targets"]],
    )


def _filled(expression: str, variables: Mapping[str, str]) -> str:
    for name, value in variables.items():
        expression = expression.replace(name, value)
    return expression
