"""What commands print on stdout: JSON, one object a line, for people and programs alike; and how wide tables are."""

from __future__ import annotations

import json

import typer

from muster_contract.events import FieldEvent
from muster_field.office import Accepted

WIDE = 200
"""Columns of a table that no terminal limits."""


def print_json(**fields: object) -> None:
    """Print an object on a line of its own; what JSON does not have stands as text."""
    typer.echo(json.dumps(fields, default=str))


def print_accepted(accepted: Accepted, event: FieldEvent | None = None) -> None:
    """Print what an event is known by from now on, and with ``event`` the ids that may have been made for it."""
    ids = {"case_id": event.case_id, "encounter_id": event.encounter_id} if event else {}
    print_json(**accepted._asdict(), **ids)
