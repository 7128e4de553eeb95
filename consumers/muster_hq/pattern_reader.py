"""From a pattern as a policy file writes it to a Pattern, or to what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from muster_contract.schemas import code_fields, newest
from muster_contract.topics import topic_of_kind
from muster_hq.lodgings import LODGED
from muster_hq.patterns import Pattern


def read_satisfying(value: object) -> tuple[Pattern, ...]:
    """Read what satisfies a requirement: as ``read_patterns``, and what lies at headquarters may, too."""
    return read_patterns(value, {LODGED})


def read_patterns(value: object, besides: AbstractSet[str] = frozenset()) -> tuple[Pattern, ...]:
    """Read one pattern or a list of them, as TOML gives it; ValueError says what is wrong.

    They name events of offices, or of the types ``besides``.
    """
    tables = value if isinstance(value, list) else [value]
    patterns = [_pattern(table, besides) for table in tables if isinstance(table, dict)]
    if not tables or len(patterns) < len(tables):
        raise ValueError('not a pattern, such as { event = "IncidentReported", stage = "INITIAL" }')
    return tuple(patterns)


def _pattern(table: Mapping[str, Any], besides: AbstractSet[str]) -> Pattern:
    event = table.get("event")
    known = (topic_of_kind("encounters").types | topic_of_kind("incidents").types) - {"OfficeHeartbeat", "ClockPulse"}
    known |= besides
    if event == LODGED and LODGED not in known:
        raise ValueError(f"what lies at headquarters ({LODGED}) stands in satisfied_by alone")
    if not isinstance(event, str) or event not in known:
        raise ValueError(f"event is not one of {', '.join(sorted(known))}")
    where = {}
    for name, wanted in table.items():
        if name == "event":
            continue
        codes = wanted if isinstance(wanted, list) else [wanted]
        allowed = _codes_of(event, name)
        if not codes or not all(isinstance(code, str) and (allowed is None or code in allowed) for code in codes):
            raise ValueError(f"{name} of {event} is one of {', '.join(allowed or ['ISO 3166 codes such as US-CA'])}")
        where[name] = frozenset(codes)
    return Pattern(event, where)


def _codes_of(event: str, name: str) -> Sequence[str] | None:
    """Give the codes that a field may hold; None where any code may stand; ValueError for other fields."""
    codes = code_fields(
        newest()["IncidentReported" if event == LODGED else event]
    )  # it is as the report that it matches
    if name not in codes:
        raise ValueError(f"{name} is no field of {event} that a policy may look at; those are {', '.join(codes)}")
    return codes[name]
