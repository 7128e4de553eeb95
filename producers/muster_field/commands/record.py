"""``field-office record``: record events of any type, given as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from muster_contract.errors import Fault, MusterError, Refused
from muster_contract.events import FieldEvent
from muster_field.commands.options import OfficeId, OfficesFile, OutboxFile, open_field_office
from muster_field.commands.output import print_accepted
from muster_field.event_json import event_from_json


def record(
    outbox: OutboxFile,
    office: OfficeId,
    offices: OfficesFile,
    line: Annotated[
        str | None, typer.Option("--json", metavar="OBJECT", help="One event. Left out: stdin, one event a line.")
    ] = None,
) -> None:
    """Record events: {"type": "StepDocumented", "event": {"case_id": ..., ...}}, one a line, each whole or not at all.

    Prints what each is known by as it is accepted. A line with faults is named and left out; the exit code is 2 then.
    """
    lines: Iterable[str | bytes] = sys.stdin.buffer if line is None else [line]
    faults: list[Fault] = []
    with open_field_office(outbox, office, offices) as field_office:
        for number, text in enumerate(lines, 1):
            if not text.strip():
                continue
            try:
                print_accepted(field_office.accept(_event(text)))
            except MusterError as trouble:
                places = (Fault(f"line {number}: {fault.place}", fault.cause, fault.hint) for fault in trouble.faults)
                faults += places
                if not isinstance(trouble, Refused):  # the outbox's own, such as a full disk: it ends here
                    raise MusterError(faults) from None
    if faults:
        raise Refused(faults)


def _event(text: str | bytes) -> FieldEvent:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):  # its message would show the text
        raise Refused.of("event", "is not JSON", "one object a line") from None
    return event_from_json(data)
