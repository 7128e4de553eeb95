"""PromQL, looked into: which metrics and labels an expression speaks of, and whether they exist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import promql_parser

import muster_field.metrics
import muster_hq.metrics
from muster_contract.shell.vocabulary import Metric

VOCABULARY = (*muster_hq.metrics.VOCABULARY, *muster_field.metrics.VOCABULARY)
_OF_PROMETHEUS = {"up": {"job", "instance"}}


def selectors(expression: str) -> Iterator[Any]:
    """Give every selector of an expression, which must parse."""
    waiting = [promql_parser.parse(expression)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, promql_parser.VectorSelector):
            yield node
        for part in ("expr", "lhs", "rhs", "param", "vector_selector", "args"):
            inner = getattr(node, part, None)
            waiting += inner if isinstance(inner, list) else [inner] if inner is not None else []


def assert_is_in_the_vocabulary(expression: str, recorded: set[str]) -> None:
    """Hold every selector of an expression to the vocabularies, and to the rules that record."""
    known = _OF_PROMETHEUS | {sample: labels for metric in VOCABULARY for sample, labels in _samples(metric)}
    for selector in selectors(expression):
        name = selector.name
        assert name in known or name in recorded, f"{name} is not in the vocabulary"
        if name in known:
            labels = {matcher.name for matcher in selector.matchers.matchers}
            assert labels <= known[name] | {"job", "instance"}, f"{name} has no {labels - known[name]}"


def _samples(metric: Metric) -> Iterator[tuple[str, set[str]]]:
    labels = set(metric.labels)
    if metric.type == "histogram":
        yield f"{metric.name}_bucket", labels | {"le"}
        yield from ((f"{metric.name}_{part}", labels) for part in ("sum", "count"))
    else:
        yield metric.name, labels
