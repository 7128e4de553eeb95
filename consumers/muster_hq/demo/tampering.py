"""A lie for the audit to catch: one verdict struck from a ledger, as no program of ours does it."""

from __future__ import annotations

from pathlib import Path

import apsw


def strike_a_verdict(ledger: Path) -> None:
    """Delete one verdict from a SQLite ledger, past all that guards it."""
    connection = apsw.Connection(str(ledger))
    key = "(case_no, office_no, encounter_id, requirement_no, occurrence, verdict_no, at)"
    columns = key.strip("()")
    connection.set_busy_timeout(10_000)
    connection.execute(f"delete from verdicts where {key} in (select {columns} from verdicts limit 1)")  # noqa: S608 - no input
    connection.close()
