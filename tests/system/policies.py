"""Policies for systems under test: a report that is due within seconds of its encounter."""

from __future__ import annotations

from collections.abc import Mapping

_REPORT: Mapping[str, str | None] = {
    "id": "initial-report",
    "opens_on": '{ event = "EncounterReported", match = "POTENTIAL" }',
    "satisfied_by": '{ event = "IncidentReported", stage = "INITIAL" }',
    "anchor": "received_at",
}


def policy(*requirements: str, **head: str) -> str:
    """Give the text of a policy; ``head`` has more keys of its head, such as ``outage_after="PT15S"``."""
    return "\n".join([*_lines({"id": "seconds", "version": 1, **head}), *requirements])


def due_within(within: str, **keys: str | None) -> str:
    """Give a requirement: the initial report, from the encounter's arrival. ``keys`` change it; None leaves one out."""
    return "\n".join(["[[requirement]]", *_lines({**_REPORT, "within": within, **keys}), ""])


def _lines(keys: Mapping[str, str | int | None]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in keys.items() if value is not None]


def _value(value: str | int) -> str:
    """Write a value as TOML does: patterns and numbers as they stand, texts in quotes."""
    return str(value) if isinstance(value, int) or value.startswith("{") else f'"{value}"'


DUE_IN_A_DAY = policy(
    due_within(
        "PT24H",
        anchor=None,
        opens_on='{ event = "EncounterReported" }',
        satisfied_by='{ event = "IncidentReported" }',
    ),
    id="days",
)
"""Any report, within a day of any encounter: nothing is missed while a test runs."""
