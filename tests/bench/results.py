"""Rows of the report: what was measured, and whether its target holds."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import NamedTuple


class Result(NamedTuple):
    """One measured row; ``target`` None: there is none, and ``holds`` says nothing."""

    name: str
    value: float
    unit: str
    target: float | None
    holds: bool | None


def ratio(name: str, pairs: Iterable[float], target: float | None) -> Result:
    """Give the median of ratios against its target."""
    value = round(median(pairs), 3)
    return Result(name, value, "ratio", target, None if target is None else value >= target)


def rate(name: str, count: int, seconds: Iterable[float]) -> Result:
    """Give the median rate, for orientation: it depends on the machine."""
    return Result(name, round(count / median(seconds)), "events/s", None, None)


def at_most(name: str, value: float, unit: str, target: float) -> Result:
    """Give a value that should be no more than its target."""
    return Result(name, round(value, 3), unit, target, value <= target)
