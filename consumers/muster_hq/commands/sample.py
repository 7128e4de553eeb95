"""``headquarters sample``: draw case files as an inspector does, and write what is found in them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from muster_contract.errors import ConfigurationError, MusterError
from muster_contract.shell.tables import for_people
from muster_contract.times import format_instant
from muster_hq.commands.arguments import day_or_instant
from muster_hq.commands.options import LedgerUrl
from muster_hq.inspection.page import page
from muster_hq.inspection.sampling import Inspection, Instance, draw, instances_of
from muster_hq.ledger.opening import open_reader
from muster_hq.ledger_port import LedgerReader
from muster_hq.verdicts import ALL_OFFICES


def sample(
    ledger: LedgerUrl,
    start: Annotated[
        str, typer.Option("--from", metavar="DATE", help="Cases first seen from then on: a day, or a time.")
    ],
    end: Annotated[str, typer.Option("--to", metavar="DATE", help="And before then.")],
    size: Annotated[int, typer.Option(min=1, help="How many files to draw.")] = 40,
    seed: Annotated[int, typer.Option(help="Another seed, another sample; the same one draws the same files.")] = 1,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write every instance there, with its evidence.")
    ] = None,
    html_file: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page to print.")] = None,
) -> None:
    """Draw a sample of case files, and list each instance of noncompliance in them.

    Drawn are cases whose first encounter was received in the range. An
    instance is an obligation that was MISSED, whatever came later, or a
    report that was ORPHANED.
    """
    first, last = day_or_instant(start, "--from"), day_or_instant(end, "--to")
    if first >= last:
        raise ConfigurationError.of("--to", "is not after --from", "a day counts from its first instant")
    with closing(open_reader(ledger)) as reader, reader.snapshot():
        inspection = _inspect(reader, first, last, size, seed)
        clock = reader.clocks()[ALL_OFFICES]
    if not inspection.population:
        raise ConfigurationError.of("--from, --to", "no case was first seen in that time", "see the ledger's clocks")
    drawn = f"{len(inspection.files)} of {inspection.population} cases first seen from {start} to {end}, seed {seed}"
    judged_to = format_instant(max(clock, 0))
    if csv_file:
        _write(csv_file, lambda path: _write_csv(path, inspection))
    if html_file:
        _write(html_file, lambda path: path.write_text(page(inspection, drawn, judged_to), "utf-8"))
    _show(inspection, f"{drawn}; judged up to {judged_to}")


def _inspect(reader: LedgerReader, first: int, last: int, size: int, seed: int) -> Inspection:
    case_ids = [case_id for _, case_id in reader.cases_first_seen(first, last)]
    histories = (reader.case(case_id) for case_id in draw(case_ids, size, seed))
    return Inspection(len(case_ids), {h.case_id: instances_of(h) for h in histories if h is not None})


def _write(path: Path, write: Callable[[Path], object]) -> None:
    try:
        write(path)
    except OSError as fault:
        raise MusterError.of(str(path), f"cannot be written: {fault.strerror}") from None


def _write_csv(path: Path, inspection: Inspection) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_cells(instance) for instance in inspection.instances)


def _cells(one: Instance) -> list[str]:
    instants = ["" if at is None else format_instant(at) for at in (one.at, one.due_at, one.outcome_at)]
    evidence = " ".join(f"{record.stream}@{record.offset}" for record in one.evidence)
    appended = " ".join(format_instant(record.received_at) for record in one.evidence)
    key = [one.case_id, one.office_id, one.encounter_id, one.requirement, str(one.occurrence), one.verdict]
    return [*key, *instants[:2], one.outcome, instants[2], one.policy, evidence, appended]


COLUMNS = (
    "case_id",
    "office_id",
    "encounter_id",
    "requirement",
    "occurrence",
    "verdict",
    "at",
    "due_at",
    "outcome",
    "outcome_at",
    "policy",
    "evidence",
    "evidence_appended_at",
)


def _show(inspection: Inspection, drawn: str) -> None:
    console = for_people(200)
    instances = Table("case_id", "office", "requirement", "verdict", "due_at", "outcome", "evidence", title=drawn)
    for one in inspection.instances:
        row = dict(zip(COLUMNS, _cells(one), strict=True))
        instances.add_row(*(row[name] for name in _SHOWN))
    kinds = Table("requirement", "verdict", "in the end", "instances", title="By kind")
    for requirement, verdict, outcome, count in inspection.by_kind():
        kinds.add_row(requirement, verdict, outcome, str(count))
    offices = Table("office", "files", "instances", title="By office")
    for office, files, count in inspection.by_office():
        offices.add_row(office, str(files), str(count))
    for table in (instances, kinds, offices):
        console.print(table)
    found = f"{inspection.noncompliant} of {len(inspection.files)} files have at least one instance of noncompliance"
    console.print(found, highlight=False)


_SHOWN = ("case_id", "office_id", "requirement", "verdict", "due_at", "outcome", "evidence")
