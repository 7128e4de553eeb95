"""The real clock and real ids, for commands and for programs that use the field API."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from muster_contract.register import Office
from muster_contract.shell.ids import new_id
from muster_contract.times import now_ms
from muster_field.office import FieldOffice

__all__ = ["new_id", "open_office"]


def open_office(path: Path, office_id: str, register: Iterable[Office]) -> FieldOffice:
    """Open an office's outbox, or make it, with this machine's clock."""
    return FieldOffice.open(path, office_id, register, clock=now_ms, new_id=new_id)
