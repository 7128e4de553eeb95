"""Grafana's dashboards, read as what they ask Prometheus."""

from __future__ import annotations

import json
from typing import NamedTuple

from tests.monitoring.programs import ROOT

FOLDER = ROOT / "docker" / "grafana" / "dashboards"


class Panel(NamedTuple):
    """A panel that shows something: (expression, legend) pairs, with Grafana's own variables filled in."""

    kind: str
    title: str
    description: str
    unit: str
    stacked: bool
    targets: list[tuple[str, str]]


def panels(name: str, *, office: str = "dal", rate_interval: str = "1m") -> list[Panel]:
    """Give the panels of a dashboard, without its rows."""
    board = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    variables = {"$__rate_interval": rate_interval, "$office": office}
    found = []
    for panel in board["panels"]:
        if panel["type"] != "row":
            defaults = panel["fieldConfig"]["defaults"]
            stacked = defaults.get("custom", {}).get("stacking", {}).get("mode") == "normal"
            targets = [(_filled(target["expr"], variables), target["legendFormat"]) for target in panel["targets"]]
            words = panel["title"], panel["description"], defaults["unit"]
            found.append(Panel(panel["type"], *words, stacked, targets))
    return found


def _filled(expression: str, variables: dict[str, str]) -> str:
    for name, value in variables.items():
        expression = expression.replace(name, value)
    return expression
