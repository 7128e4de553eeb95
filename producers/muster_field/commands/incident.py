"""``field-office incident``: record that an incident report went to headquarters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from muster_contract.errors import ConfigurationError
from muster_contract.events import IncidentReported
from muster_contract.times import now_ms, to_datetime
from muster_field.commands.options import Label, OccurredAt, OfficeId, OfficesFile, OutboxFile, open_field_office
from muster_field.commands.output import print_accepted
from muster_field.settings import digest_of, instant


def incident(
    outbox: OutboxFile,
    office: OfficeId,
    offices: OfficesFile,
    case: Annotated[str, typer.Option("--case", metavar="ID", help="The case.")],
    encounter: Annotated[str, typer.Option("--encounter", metavar="ID", help="The encounter.")],
    stage: Annotated[str, typer.Option(help="ORAL, INITIAL, FOLLOW_UP or FINAL.")],
    channel: Annotated[str, typer.Option(help="UNCLASSIFIED, CLASSIFIED, COURIER or OUT_OF_BAND.")],
    reference: Annotated[str, typer.Option(metavar="ID", help="The report's reference where it lies, opaque.")],
    report_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The report, for its SHA-256 alone: its text goes nowhere.")
    ] = None,
    sha256: Annotated[str | None, typer.Option("--sha256", metavar="HEX", help="The report's SHA-256 itself.")] = None,
    occurred_at: OccurredAt = None,
    label: Label = "UNCLASSIFIED",
) -> None:
    """Record that an incident report went to headquarters: its reference and digest, never its text."""
    if (report_file is None) == (sha256 is None):
        raise ConfigurationError.of("--report-file", "or --sha256 must be given, and not both")
    digest = sha256 if report_file is None else digest_of(report_file, "--report-file")
    with open_field_office(outbox, office, offices) as field_office:
        event = IncidentReported(
            case_id=case,
            encounter_id=encounter,
            occurred_at=to_datetime(now_ms()) if occurred_at is None else instant(occurred_at, "--occurred-at"),
            label=label,
            stage=stage,
            channel=channel,
            report_reference=reference,
            report_sha256=digest or "",
        )
        print_accepted(field_office.accept(event), event)
