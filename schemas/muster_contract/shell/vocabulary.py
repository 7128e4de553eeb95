"""A closed vocabulary of metrics: what both sides' collectors, pages and tests derive from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple


class Metric(NamedTuple):
    """One word of a vocabulary: what it is called, what it says, and when it moves."""

    name: str
    type: Literal["gauge", "counter", "histogram"]
    help: str
    labels: tuple[str, ...]
    moves: str


def table(vocabulary: Iterable[Metric]) -> str:
    """Give a vocabulary as a table of a page."""
    return _HEAD + "".join(f"{_row(metric)}\n" for metric in vocabulary)


_HEAD = """\
| metric | type | labels | says | moves |
| --- | --- | --- | --- | --- |
"""


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.type} | {labels} | {metric.help} | {metric.moves} |"
