"""What the demonstration shows: plain values in, tables for a terminal out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from rich import box
from rich.table import Table

from muster_contract.times import format_instant
from muster_hq.demo.scrape import Scrape
from muster_hq.entries import FindingRow

OUTSTANDING = "muster_reports_outstanding"
_OF_AN_EPOCH = re.compile(" of [0-9a-f-]{36}")


def by_office(metrics: Scrape, records: Mapping[str, int], requirement: str) -> Table:
    """Show what each office sent and owed; of what is outstanding, one requirement's on its own."""
    table = _titled("By office", "office")
    for name in ("records", "on time", "late", "missed", "outstanding", requirement.replace("-", " "), "gaps"):
        table.add_column(name, justify="right")
    columns = [
        records,
        metrics.by("office", "muster_reports_on_time_total"),
        metrics.by("office", "muster_reports_late_total"),
        metrics.by("office", "muster_reports_missed_total"),
        metrics.by("office", OUTSTANDING),
        metrics.by("office", OUTSTANDING, requirement=requirement),
        metrics.by("office", "muster_sequence_gaps"),
    ]
    for office in sorted(columns[-1]):
        table.add_row(office, *(_shown(column.get(office, 0)) for column in columns))
    table.add_section()
    table.add_row("all", *(str(sum(column.values())) for column in columns))
    return table


def of_findings(findings: Iterable[FindingRow]) -> Table:
    """Show what was found of transmission itself; the epochs, which fill a line, are left out."""
    table = _titled("Findings", "finding", "office", "stream", "at", "detail")
    for kind, office, stream, at, detail, _ in findings:
        short = _OF_AN_EPOCH.sub("", detail)
        table.add_row(kind, office, stream.rpartition(".")[2], format_instant(at), short)
    return table


def of_totals(metrics: Scrape, url: str) -> Table:
    """Show the totals, as Prometheus reads them."""
    table = _titled(f"Totals, read from {url}", "metric", "values")
    for label, name in {
        "verdict": "muster_verdicts_total",
        "requirement": OUTSTANDING,
        "outcome": "muster_records_total",
        "reason": "muster_quarantined_total",
    }.items():
        values = {value: n for value, n in metrics.by(label, name).items() if n}
        shown = ", ".join(f"{value} {n}" for value, n in values.items()) or "none"
        table.add_row(f"{name.removeprefix('muster_')} by {label}", shown)
    table.add_row("sequence_gaps", str(metrics.total("muster_sequence_gaps")))
    return table


def _titled(title: str, *columns: str) -> Table:
    return Table(*columns, title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)


def _shown(number: int) -> str:
    return str(number) if number else "·"
