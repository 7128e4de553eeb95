"""A policy: which events make a report due, by when, and what settles it. Values only; the reader is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from functools import cached_property
from typing import Literal

from muster_hq.calendars import LocalDays
from muster_hq.memo import Memo
from muster_hq.patterns import Patterns, Shape, any_matches

CLASSIFIED = "CLASSIFIED"
"""The channel that an office may have to travel to."""
DEFAULT_OUTAGE_GRACE = 3_600_000
DEFAULT_GAP_AFTER = 60_000
DEFAULT_ORPHAN_AFTER = 86_400_000
"""Milliseconds; what a policy that leaves them out means (DESIGN sections 6 and 7)."""


SATISFIES, WAIVES, ENDS, DIRECTED = 1, 2, 4, 8
"""What an event of a shape can be to a requirement; together, a set of bits. DIRECTED: only for what it names."""

DIRECTIVE = "Directive"
_DIRECTED = {"ACCEPT_OUT_OF_BAND": SATISFIES | DIRECTED, "CLOSE_ENCOUNTER": ENDS | DIRECTED}


@dataclass(frozen=True, eq=False)
class Requirement:
    """One line of policy; exactly one of ``opens_on`` and ``follows`` is set.

    ``within`` is the time limit in milliseconds. Where ``days`` are set, they are the limit: then ``within`` is no
    more than their usual length, for what needs one.
    """

    id: str
    satisfied_by: Patterns
    within: int
    opens_on: Patterns = ()
    follows: str | None = None
    waived_by: Patterns = ()
    ends_on: Patterns = ()
    anchor: Literal["occurred_at", "received_at"] = "occurred_at"
    scope: Literal["encounter", "case"] = "encounter"
    by: Literal["office", "any"] = "office"
    recurs: bool = False
    remind_before: int | None = None
    days: LocalDays | None = None
    channel: str | None = None
    travel: int = 0
    """Milliseconds that an office has besides, which has to travel to the channel."""
    equipped: frozenset[str] = frozenset()
    """The offices that have it where they sit."""

    is_plain: bool = field(init=False)
    """Whether what is due is the anchor and ``within``, whatever the office; not worked out at every opening."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_plain", self.days is None and not self.travel)

    def due_of(self, anchor: int, office: str) -> int:
        """Give the due time (UTC milliseconds) of an office's obligation, by its anchor."""
        due = anchor + self.within if self.days is None else self.days.due(anchor, office)
        return due if office in self.equipped else due + self.travel

    @cached_property
    def roles(self) -> Mapping[Shape, int]:
        """Which of SATISFIES, WAIVES and ENDS an event can be, by its shape."""
        return Memo(self._roles_of)

    def _roles_of(self, shape: Shape) -> int:
        if shape.type == DIRECTIVE:
            return _DIRECTED.get(dict(shape.codes)["action"], 0)
        bits = ((self.satisfied_by, SATISFIES), (self.waived_by, WAIVES), (self.ends_on, ENDS))
        return sum(bit for patterns, bit in bits if any_matches(patterns, shape))


@dataclass(frozen=True, eq=False)
class RegisterVersion:
    """What judging takes from a version of the register: the offices' time zones, and who has a classified network."""

    version: int
    sha256: str
    zones: Mapping[str, tzinfo]
    equipped: frozenset[str]

    @property
    def name(self) -> str:
        """The name that an activation has for it."""
        return f"register {self.version}"


@dataclass(frozen=True, eq=False)
class Policy:
    """One version of a policy. Instants and durations are milliseconds.

    ``effective`` is None for "from the beginning"; ``outage_after`` None means no UNDETERMINED, ``silent_after``
    None no OFFICE_SILENT.
    """

    id: str
    version: int
    requirements: tuple[Requirement, ...]
    label: str = ""
    effective: int | None = None
    outage_after: int | None = None
    outage_grace: int = DEFAULT_OUTAGE_GRACE
    gap_after: int = DEFAULT_GAP_AFTER
    silent_after: int | None = None
    orphan_after: int = DEFAULT_ORPHAN_AFTER
    travel_allowance: int = 0
    sha256: str = ""
    """Of the file's bytes, in hex: what an activation names."""

    @cached_property
    def name(self) -> str:
        """The name that verdicts carry, such as ``demo-kstep@1``."""
        return f"{self.id}@{self.version}"

    def at(self, register: RegisterVersion) -> Policy:
        """Give the policy with what its due times need to know of offices."""
        zones, equipped = register.zones, register.equipped
        lines = [
            replace(line, equipped=equipped, days=replace(line.days, zones=zones) if line.days else None)
            for line in self.requirements
        ]
        return replace(self, requirements=tuple(lines))

    @cached_property
    def opened_by(self) -> Mapping[Shape, tuple[Requirement, ...]]:
        """The requirements that an event opens, by its shape, in the policy's order."""
        return Memo(lambda shape: tuple(r for r in self.requirements if any_matches(r.opens_on, shape)))

    @cached_property
    def followers(self) -> Mapping[str, tuple[Requirement, ...]]:
        """The requirements that follow another, by its id, in the policy's order."""
        return Memo(lambda followed: tuple(r for r in self.requirements if r.follows == followed))


def chain_of(requirement: Requirement, by_id: Mapping[str, Requirement]) -> list[Requirement]:
    """Give the requirements from the first of the chain down to this one."""
    chain = [requirement]
    while chain[0].follows is not None:
        chain.insert(0, by_id[chain[0].follows])
    return chain
