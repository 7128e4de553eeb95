"""``field-office encounter``: record an encounter."""

from __future__ import annotations

from typing import Annotated

import typer

from muster_contract.events import EncounterReported
from muster_contract.times import now_ms, to_datetime
from muster_field.commands.options import (
    CaseId,
    Label,
    OccurredAt,
    OfficeId,
    OfficesFile,
    OutboxFile,
    open_field_office,
)
from muster_field.commands.output import print_accepted
from muster_field.settings import instant


def encounter(
    outbox: OutboxFile,
    office: OfficeId,
    offices: OfficesFile,
    match: Annotated[str, typer.Option(help="What the first check said: NONE, POTENTIAL or CONFIRMED.")],
    custody: Annotated[str, typer.Option(help="IN_CUSTODY, SUPERVISED, RELEASED, REMOVED or ELSEWHERE.")],
    case: CaseId = None,
    encounter_id: Annotated[
        str | None, typer.Option("--encounter", metavar="ID", help="The encounter, opaque. Left out: a new one.")
    ] = None,
    occurred_at: OccurredAt = None,
    label: Label = "UNCLASSIFIED",
) -> None:
    """Record an encounter; once its ids are printed, it survives whatever happens to this machine's power or link."""
    with open_field_office(outbox, office, offices) as field_office:
        event = EncounterReported(
            case_id=field_office.new_case_id() if case is None else case,
            encounter_id=field_office.new_case_id() if encounter_id is None else encounter_id,
            occurred_at=to_datetime(now_ms()) if occurred_at is None else instant(occurred_at, "--occurred-at"),
            label=label,
            match=match,
            custody=custody,
        )
        print_accepted(field_office.accept(event), event)
