"""Draw a dashboard as Grafana lays it out, from what Prometheus answers to its own expressions."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from tests.monitoring.dashboards import Panel, headings
from tests.monitoring.dashboards import panels as read_panels
from tests.monitoring.stack import Labels
from tests.pictures.story import Recorded

COLUMNS = 24
INCHES_A_COLUMN, INCHES_A_LINE = 0.56, 0.3
HEAD = 1.5
"""Lines above the panels, for the title."""
COLOURS = {"green": "#2e7d32", "orange": "#e07b00", "red": "#c62828", "text": "#24292f"}
_LINES = ("#1f77b4", "#e07b00", "#2e7d32", "#c62828", "#7b52ab", "#8c564b", "#d667ad", "#666666", "#a5a015", "#17a2b8")

mpl.rcParams |= {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#b8bec5",
    "axes.grid": True,
    "grid.color": "#eceff2",
    "axes.axisbelow": True,
    "xtick.color": "#57606a",
    "ytick.color": "#57606a",
}


def draw(board: str, office: str, recorded: Recorded, title: str, file: Path) -> None:
    """Write a dashboard as a PNG."""
    panels = read_panels(board, office=office, rate_interval="15s")
    lines = HEAD + max(line + height for _, line, _, height in (panel.place for panel in panels))
    figure = Figure(figsize=(COLUMNS * INCHES_A_COLUMN, lines * INCHES_A_LINE), dpi=100, facecolor="#f4f5f7")
    figure.text(0.006, 1 - 0.3 / lines, title, va="top", fontsize=12, fontweight="bold", color=COLOURS["text"])
    story = "     ".join(f"{number}  {mark.what}" for number, mark in enumerate(recorded.marks, 1))
    figure.text(0.994, 1 - 0.4 / lines, story, va="top", ha="right", color=COLOURS["text"])
    for line, heading in headings(board):
        place = 1 - (line + HEAD + 0.75) / lines
        figure.text(0.006, place, heading, va="center", fontsize=9, fontweight="bold", color=COLOURS["text"])
    for panel in panels:
        column, line, width, height = panel.place
        bottom = 1 - (line + HEAD + height) / lines
        _DRAWERS[panel.kind](figure, panel, recorded, (column / COLUMNS, bottom, width / COLUMNS, height / lines))
    figure.savefig(file, metadata={"Software": None})
    with Image.open(file) as image:
        image.convert("RGB").quantize(255).save(file, optimize=True)


Box = tuple[float, float, float, float]


def _frame(figure: Figure, panel: Panel, box: Box) -> Any:  # noqa: ANN401 - matplotlib's axes - matplotlib is untyped here
    left, bottom, width, height = box
    gap_x, gap_y = 0.05 / figure.get_figwidth(), 0.05 / figure.get_figheight()
    frame = figure.add_axes((left + gap_x, bottom + gap_y, width - 2 * gap_x, height - 2 * gap_y), facecolor="white")
    frame.set(xticks=[], yticks=[])
    for spine in frame.spines.values():
        spine.set(visible=True, color="#dfe3e8")
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "xytext": (6, -6), "va": "top"}
    frame.annotate(panel.title, (0, 1), fontweight="bold", color=COLOURS["text"], **place)
    return frame


def _plot(figure: Figure, panel: Panel, box: Box, margins: tuple[float, float, float, float]) -> Any:  # noqa: ANN401
    _frame(figure, panel, box)
    (left, bottom, width, height), (to_left, to_bottom, to_right, to_top) = box, margins
    wide, high = figure.get_figwidth(), figure.get_figheight()
    inner = (left + to_left / wide, bottom + to_bottom / high)
    return figure.add_axes((*inner, width - (to_left + to_right) / wide, height - (to_bottom + to_top) / high))


def _stat(figure: Figure, panel: Panel, recorded: Recorded, box: Box) -> None:
    frame = _frame(figure, panel, box)
    values = list(_series(panel, recorded).values())
    value = values[0][-1][1] if values else float("nan")
    colour = _colour(panel, value)
    text = f"{recorded.end - value / 1000:.0f} s ago" if panel.unit == "dateTimeFromNow" else _text(value, panel.unit)
    frame.text(0.5, 0.42, text, ha="center", va="center", fontsize=22, color=colour, transform=frame.transAxes)


def _timeseries(figure: Figure, panel: Panel, recorded: Recorded, box: Box) -> None:
    plot = _plot(figure, panel, box, (0.48, 0.5, 0.25, 0.34))
    found = _series(panel, recorded)
    names = sorted(found, key=lambda name: ([legend for _, legend in panel.targets].index(name[0]), name))
    seconds = range(int(recorded.end - recorded.start) + 1)
    minutes = [second / 60 for second in seconds]
    columns = {name: {round(at - recorded.start): value for at, value in found[name]} for name in names}
    heights = [[columns[name].get(second, math.nan) for second in seconds] for name in names]
    labels = [text for _, text in names]
    colours = _LINES[: len(names)]
    if panel.stacked:
        plot.stackplot(
            minutes, [[_or_zero(v) for v in row] for row in heights], labels=labels, colors=colours, alpha=0.7
        )
    else:
        for row, label, colour in zip(heights, labels, colours, strict=False):
            plot.plot(minutes, row, label=label, color=colour, linewidth=1.2)
    plot.set_xlim(0, (recorded.end - recorded.start) / 60)
    any_height = any(_or_zero(value) for row in heights for value in row)
    plot.set_ylim(0, plot.get_ylim()[1] * 1.06 if any_height else 1)
    plot.yaxis.set_major_formatter(lambda value, _: _text(value, panel.unit))
    plot.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    plot.xaxis.set_major_formatter(lambda value, _: f"{value:g} min")
    for number, mark in enumerate(recorded.marks, 1):
        minute = (mark.at - recorded.start) / 60
        plot.axvline(minute, color="#8b949e", linewidth=0.8, linestyle=(0, (2, 2)))
        plot.text(minute, 1, f" {number}", transform=plot.get_xaxis_transform(), va="top", fontsize=7, color="#57606a")
    plot.yaxis.get_major_locator().set_params(nbins=5)
    if names:
        plot.legend(
            loc="upper left", bbox_to_anchor=(-0.02, -0.12), ncol=6, frameon=False, fontsize=7, handlelength=1,
            columnspacing=0.9, handletextpad=0.4, borderaxespad=0,
        )  # fmt: skip


def _bargauge(figure: Figure, panel: Panel, recorded: Recorded, box: Box) -> None:
    plot = _plot(figure, panel, box, (0.48, 0.25, 0.5, 0.34))
    last = sorted(((values[-1][1], name) for (_, name), values in _series(panel, recorded).items()), reverse=True)
    names, values = [name for _, name in last], [value for value, _ in last]
    bars = plot.barh(names, values, color=[_colour(panel, value) for value in values], height=0.6)
    plot.bar_label(bars, [_text(value, panel.unit) for value in values], padding=4, color=COLOURS["text"])
    plot.set_xlim(0, 1)
    plot.xaxis.set_major_formatter(lambda value, _: _text(value, panel.unit))


_DRAWERS = {"stat": _stat, "timeseries": _timeseries, "bargauge": _bargauge}


def _series(panel: Panel, recorded: Recorded) -> dict[tuple[str, str], list[list[float]]]:
    """Ask for all of a panel's values: by the legend's pattern and what it says of the series."""
    found = {}
    for expression, legend in panel.targets:
        for labels, values in recorded.watch.query_range(expression, recorded.start, recorded.end, 1).items():
            found[legend, _legend(legend, labels)] = values
    return found


def _legend(legend: str, labels: Labels) -> str:
    for name, value in labels:
        legend = legend.replace("{{" + name + "}}", value)
    return legend


def _colour(panel: Panel, value: float) -> str:
    starts = [(-math.inf if start is None else start, colour) for start, colour in panel.steps]
    for (start, colour), (end, _) in pairwise([*starts, (math.inf, "")]):
        if start <= value < end:
            return COLOURS[colour]
    return COLOURS["text"]


def _text(value: float, unit: str) -> str:
    if math.isnan(value):
        return "none"
    if unit == "percentunit":
        return f"{value:.0%}"
    if unit == "s":
        return f"{value:.3g} s" if value < 100 else f"{value:.0f} s"
    return f"{value:.3g}" if value < 1_000 else f"{value:,.0f}"


def _or_zero(value: float) -> float:
    return 0.0 if math.isnan(value) else value
