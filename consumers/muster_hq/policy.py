"""A policy: which events make a report due, by when, and what settles it. Values only; the reader is elsewhere."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal

DEFAULT_OUTAGE_GRACE = 3_600_000
DEFAULT_SILENT_AFTER = 900_000
DEFAULT_ORPHAN_AFTER = 86_400_000
"""Milliseconds; what a policy that leaves them out means (DESIGN sections 6 and 7)."""


class Shape:
    """What of an event a policy can look at: its type, and the fields that hold codes. One object a value.

    There are a few hundred shapes for any number of events, so that matching is a look-up by identity.
    Make them with ``shape_of``.
    """

    __slots__ = ("codes", "type")

    def __init__(self, event_type: str, codes: tuple[tuple[str, str], ...]) -> None:
        self.type = event_type
        self.codes = codes

    def __repr__(self) -> str:
        """Show the type and the codes: no id is among them."""
        return f"Shape({self.type}, {dict(self.codes)})"


@lru_cache(maxsize=65_536)
def shape_of(event_type: str, codes: tuple[tuple[str, str], ...]) -> Shape:
    """Give the one Shape of this type with these (field, code) pairs, which stand in the schema's order."""
    return Shape(event_type, codes)


@dataclass(frozen=True, slots=True)
class Pattern:
    """An event type, and for some of its code fields the codes that match."""

    event: str
    where: Mapping[str, frozenset[str]]

    def matches(self, shape: Shape) -> bool:
        """Tell whether an event of this shape matches."""
        if shape.type != self.event:
            return False
        codes = dict(shape.codes)
        return all(codes.get(name) in wanted for name, wanted in self.where.items())


Patterns = tuple[Pattern, ...]


def any_matches(patterns: Patterns, shape: Shape) -> bool:
    """Tell whether one of the patterns matches."""
    return any(pattern.matches(shape) for pattern in patterns)


SATISFIES, WAIVES, ENDS = 1, 2, 4
"""What an event of a shape can be to a requirement; together, a set of bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Requirement:
    """One line of policy. ``within`` is in milliseconds; exactly one of ``opens_on`` and ``follows`` is set."""

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
    _roles: dict[Shape, int] = field(default_factory=dict, repr=False)

    def roles_of(self, shape: Shape) -> int:
        """Tell which of SATISFIES, WAIVES and ENDS an event of this shape can be; worked out once a shape."""
        try:
            return self._roles[shape]
        except KeyError:
            bits = ((self.satisfied_by, SATISFIES), (self.waived_by, WAIVES), (self.ends_on, ENDS))
            roles = sum(bit for patterns, bit in bits if any_matches(patterns, shape))
            return self._roles.setdefault(shape, roles)


@dataclass(frozen=True, eq=False)
class Policy:
    """One version of a policy. Instants and durations are milliseconds.

    ``effective`` is None for "from the beginning"; ``outage_after`` None means no UNDETERMINED.
    """

    id: str
    version: int
    requirements: tuple[Requirement, ...]
    label: str = ""
    effective: int | None = None
    outage_after: int | None = None
    outage_grace: int = DEFAULT_OUTAGE_GRACE
    silent_after: int = DEFAULT_SILENT_AFTER
    orphan_after: int = DEFAULT_ORPHAN_AFTER
    _followers: dict[str, tuple[Requirement, ...]] = field(default_factory=dict, repr=False)
    _opened: dict[Shape, tuple[Requirement, ...]] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The name that verdicts carry, such as ``demo-kstep@1``."""
        return f"{self.id}@{self.version}"

    def opened_by(self, shape: Shape) -> tuple[Requirement, ...]:
        """Give the requirements that an event of this shape opens, in the policy's order."""
        try:
            return self._opened[shape]
        except KeyError:
            found = tuple(r for r in self.requirements if any_matches(r.opens_on, shape))
            return self._opened.setdefault(shape, found)

    def followers(self, requirement_id: str) -> tuple[Requirement, ...]:
        """Give the requirements that follow this one, in the policy's order."""
        try:
            return self._followers[requirement_id]
        except KeyError:
            found = tuple(r for r in self.requirements if r.follows == requirement_id)
            return self._followers.setdefault(requirement_id, found)


def chain_of(requirement: Requirement, by_id: Mapping[str, Requirement]) -> list[Requirement]:
    """Give the requirements from the first of the chain down to this one."""
    chain = [requirement]
    while chain[0].follows is not None:
        chain.insert(0, by_id[chain[0].follows])
    return chain


class Policies:
    """The versions of a policy, of which the one in force at an instant judges what opens then."""

    def __init__(self, versions: Sequence[Policy]) -> None:
        self.versions = tuple(sorted(versions, key=_effective))
        self._starts = [_effective(p) for p in self.versions]
        self._concerns: dict[Shape, bool] = {}

    @cached_property
    def crossing(self) -> frozenset[str]:
        """The requirements that are judged by the clock over all offices.

        A link that is ``by = "any"`` in one version takes its whole chain along, in every version: numbers
        go on across versions, so that what they count must be judged together.
        """
        lines = [line for policy in self.versions for line in policy.requirements]
        crossing = {line.id for line in lines if line.by == "any"}
        links = [{line.id, line.follows} for line in lines if line.follows is not None]
        while joined := {name for link in links if link & crossing for name in link} - crossing:
            crossing |= joined
        return frozenset(crossing)

    def concern(self, shape: Shape) -> bool:
        """Tell whether an event of this shape can change a judgement by itself, under any version.

        One that cannot is still a fact, and is read when the case is judged for another reason: so with an
        EncounterReported that opens nothing, which matters only at the instant when a report would be an orphan.
        """
        try:
            return self._concerns[shape]
        except KeyError:
            ours = shape.type in {"EncounterVoided", "IncidentReported", "IncidentRetracted"}
            lines = (line for policy in self.versions for line in policy.requirements)
            concerns = ours or any(any_matches(line.opens_on, shape) or line.roles_of(shape) for line in lines)
            return self._concerns.setdefault(shape, concerns)

    def in_force(self, instant: int) -> Policy | None:
        """Give the version in force at an instant (UTC milliseconds); None before the first is effective."""
        index = bisect_right(self._starts, instant)
        return self.versions[index - 1] if index else None

    @property
    def shortest_outage(self) -> int | None:
        """The shortest ``outage_after`` of all versions, in milliseconds: what intake must remember."""
        return min((p.outage_after for p in self.versions if p.outage_after is not None), default=None)

    @property
    def requirement_ids(self) -> tuple[str, ...]:
        """Every requirement id of every version, once, in order of appearance: the metrics' label set."""
        return tuple(dict.fromkeys(r.id for p in self.versions for r in p.requirements))


def _effective(policy: Policy) -> float:
    return float("-inf") if policy.effective is None else policy.effective
