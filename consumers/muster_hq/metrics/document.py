"""The vocabulary as a page: ``python -m muster_hq.metrics.document > docs/metrics.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from muster_hq.metrics.vocabulary import VOCABULARY, Metric

_HEAD = """\
# Headquarters' metrics

For whoever watches Prometheus. This is the whole vocabulary: the page is made from it
(`python -m muster_hq.metrics.document`), and a test holds it to what a scrape gives. Every value is read from
the ledger, so totals go on after a restart; every label set that the register and the policies name is there
from the first scrape on. With more than one process over one ledger, aggregate with `max by`, not `sum by`.

Labels are offices, requirements, streams and codes. No metric names a case or a person, and there are no exemplars.

| metric | type | labels | says | moves |
| --- | --- | --- | --- | --- |
"""


def document(vocabulary: Iterable[Metric] = VOCABULARY) -> str:
    """Give the page."""
    return _HEAD + "".join(f"{_row(metric)}\n" for metric in vocabulary)


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.type} | {labels} | {metric.help} | {metric.moves} |"


if __name__ == "__main__":
    sys.stdout.write(document())
