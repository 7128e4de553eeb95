"""The demonstration itself: five fiscal years, what headquarters found in them, and whether the audit agrees."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.console import Console

from muster_contract.errors import Fault, Finding, MusterError
from muster_hq.demo import tables
from muster_hq.demo.programs import Programs
from muster_hq.demo.scrape import Scrape
from muster_hq.demo.stage import Stage

YEARS = tuple((f"FY{year}", f"{year - 1}-10-01T00:00:00Z", f"{year}-10-01T00:00:00Z") for year in range(2013, 2018))
SINCE = "2016-01-01"
REQUIREMENT = "initial-report"
"""What the last line counts, of the demonstration's policy."""
WATCH_SECONDS = 2.0

_TOTALS = ("records_total", "verdicts_total", "reports_missed_total", "reports_late_total", "reports_outstanding")
_WATCHED = {
    "records": "records_total",
    "on time": "reports_on_time_total",
    "late": "reports_late_total",
    "missed": "reports_missed_total",
    "open": "obligations_open",
    "outstanding": "reports_outstanding",
}
_ROW = "{:<8}{:>9}{:>10}{:>9}{:>8}{:>13}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What may be chosen: the scenario's options by name (its defaults stand for others), and a lie for the audit."""

    scenario: Mapping[str, int] = field(default_factory=dict)
    tamper: bool = False


def play(stage: Stage, console: Console, wishes: Wishes) -> int:
    """Play the years, show what was found, and have it audited; give the number of the last line.

    Finding when the audit disagrees with the ledger, or what was found with what the scenario planted.
    """
    console.print(_ROW.format("year", "records", "verdicts", "missed", "late", "outstanding"), style="bold")
    for name, start, end in YEARS:
        with console.status(f"{name}: field offices record and send"):
            stage.publish(start, end, wishes.scenario)
        with console.status(f"{name}: time passes, and headquarters judges"):
            stage.pass_time(end)
        metrics = stage.metrics()
        console.print(_ROW.format(name, *(metrics.total(f"muster_{total}") for total in _TOTALS)), highlight=False)
    metrics = stage.metrics()
    console.print()
    console.print(tables.by_office(metrics, stage.records(), REQUIREMENT))
    findings = stage.findings()
    console.print(tables.of_findings(findings) if findings else "no findings")
    console.print(tables.of_totals(metrics, stage.url))
    if wishes.tamper:
        stage.tamper()
    with console.status("the audit reads the topics from their beginning"):
        _audit(stage, console)
    _sample(stage, console)
    return _outstanding(stage, metrics, console)


def watch(stage: Stage, programs: Programs, console: Console, seconds: float | None) -> None:
    """Let time go on by the real clock, and show how the metrics move, until stopped or the seconds are over."""
    end = None if seconds is None else time.monotonic() + seconds
    stage.go_live()
    console.print(f"live: {stage.url} moves as offices miss deadlines of seconds. Ctrl-C ends it; to watch:")
    console.print(
        f"  watch -n 1 \"curl -s {stage.url} | grep -E '^muster_reports_outstanding.* [1-9]'\"", soft_wrap=True
    )
    while end is None or time.monotonic() < end:
        programs.pause(WATCH_SECONDS)
        metrics = stage.metrics()
        numbers = (f"{label} {metrics.total(f'muster_{name}')}" for label, name in _WATCHED.items())
        console.print("  ".join(numbers), highlight=False)


def _audit(stage: Stage, console: Console) -> None:
    """Have the auditor's own program read the topics, and show what it says."""
    done = stage.audit()
    if done.code not in {0, Finding.exit_code}:
        raise MusterError(Fault("audit", line) for line in done.err.splitlines())
    console.print(done.out + done.err, end="", markup=False, highlight=False, soft_wrap=True)
    if done.code:
        raise Finding.of("audit", "the topics and the ledger do not say the same", "see the lines before this one")
    console.print("the audit of the topics and the ledger agree, verdict by verdict")


def _sample(stage: Stage, console: Console) -> None:
    """Look at the early cases as that audit did: at a sample of them."""
    sample, failing = set(stage.truth()["sample"]), stage.cases_with("MISSED")
    said = f"early years: of {len(sample)} sampled cases, {len(sample & failing)} missed a deadline at least once"
    console.print(said, markup=False, highlight=False, soft_wrap=True)


def _outstanding(stage: Stage, metrics: Scrape, console: Console) -> int:
    """Count what the look-back lists; the gauge must say the same, and so must the scenario's own truth."""
    listed = sum(1 for row in stage.look_back(SINCE) if row["requirement"] == REQUIREMENT)
    gauge = metrics.total(tables.OUTSTANDING, requirement=REQUIREMENT)
    planted = stage.truth()["untransmitted"]
    said = f"{REQUIREMENT}: the look-back lists {listed}, the gauge says {gauge}, the scenario left out {planted}"
    if not listed == gauge == planted:
        raise Finding.of("demo", said, "one of the three is wrong")
    console.print(said, markup=False, highlight=False, soft_wrap=True)
    return listed
