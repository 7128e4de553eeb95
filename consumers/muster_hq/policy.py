"""A policy: which events make a report due, by when, and what settles it. Values only; the reader is elsewhere."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple, TypeVar

from muster_contract.errors import ConfigurationError
from muster_hq.calendars import LocalDays

CLASSIFIED = "CLASSIFIED"
"""The channel that an office may have to travel to."""
DEFAULT_OUTAGE_GRACE = 3_600_000
DEFAULT_GAP_AFTER = 60_000
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


K = TypeVar("K")
V = TypeVar("V")


class Memo(dict[K, V]):
    """What a function gives, remembered, and looked up in one step: judging asks the same few things all the time."""

    def __init__(self, function: Callable[[K], V]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, key: K) -> V:
        """Ask the function, once a key."""
        value = self[key] = self._function(key)
        return value


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


class Activation(NamedTuple):
    """A version that headquarters put in force by a directive, from an instant on (UTC milliseconds)."""

    received_at: int
    name: str
    sha256: str


class Policies:
    """The versions of a policy, of which the one in force at an instant judges what opens then.

    They are in force by their ``effective``, until the first activation; from then on as they are activated.
    ConfigurationError when one is activated that is not here, or with another text.
    """

    def __init__(self, versions: Sequence[Policy], activations: Sequence[Activation] = ()) -> None:
        self.versions = tuple(sorted(versions, key=_effective))
        self._activated_from = activations[0].received_at if activations else float("inf")
        timeline = [(_effective(p), p) for p in self.versions if _effective(p) < self._activated_from]
        timeline += [(act.received_at, self._named(act)) for act in activations]
        self._starts = [start for start, _ in timeline]
        self._timeline = [policy for _, policy in timeline]

    def activated(self, activations: tuple[Activation, ...]) -> Policies:
        """Give these versions as they are in force with these activations, which stand as in the log."""
        return self._as_activated[activations] if activations else self

    @cached_property
    def _as_activated(self) -> Mapping[tuple[Activation, ...], Policies]:
        return Memo(lambda activations: Policies(self.versions, activations))

    def _named(self, activation: Activation) -> Policy:
        place, hint = "hq.directives", "give headquarters the file that was activated, with --policy"
        policy = next((p for p in self.versions if p.name == activation.name), None)
        if policy is None:
            raise ConfigurationError.of(place, f"{activation.name} is activated, and not given", hint)
        if policy.sha256 != activation.sha256:
            cause = f"{activation.name} is activated with another text: SHA-256 {activation.sha256}"
            raise ConfigurationError.of(place, cause, hint)
        return policy

    def recurring(self, policy: Policy, requirement: Requirement, instant: int) -> tuple[Policy, Requirement]:
        """Give the version, and its line, that judge the next of a recurring requirement, which opens at an instant.

        Once versions are activated, the one in force then, if the requirement recurs in it; else the chain's own.
        """
        if instant < self._activated_from:
            return policy, requirement
        newer = self.at(instant)
        lines = (line for line in newer.requirements if line.id == requirement.id and line.recurs)
        return next(((newer, line) for line in lines), (policy, requirement))

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

    @cached_property
    def concern(self) -> Mapping[Shape, bool]:
        """Whether an event can change a judgement by itself, under any version, by its shape.

        One that cannot is still a fact, and is read when the case is judged for another reason: so with an
        EncounterReported that opens nothing, which matters only at the instant when a report would be an orphan.
        """
        return Memo(self._concerns)

    @cached_property
    def open(self) -> Mapping[Shape, bool]:
        """Whether an event opens something, under any version, by its shape."""
        return Memo(lambda shape: any(policy.opened_by[shape] for policy in self.versions))

    def _concerns(self, shape: Shape) -> bool:
        ours = shape.type in {"EncounterVoided", "IncidentReported", "IncidentRetracted"}
        lines = (line for policy in self.versions for line in policy.requirements)
        return ours or self.open[shape] or any(line.roles[shape] for line in lines)

    def unequipped(self, offices: Iterable[str]) -> frozenset[str]:
        """Give those of these offices that have no classified network, if any version asks for that channel."""
        lines = [line for policy in self.versions for line in policy.requirements if line.channel == CLASSIFIED]
        return frozenset(office for office in offices if any(office not in line.equipped for line in lines))

    def in_force(self, instant: int) -> Policy | None:
        """Give the version in force at an instant (UTC milliseconds); None before the first is effective."""
        index = bisect_right(self._starts, instant)
        return self._timeline[index - 1] if index else None

    def at(self, instant: int) -> Policy:
        """Give the version that findings go by: the one in force, or the first before that is effective."""
        return self.in_force(instant) or self.versions[0]

    @property
    def shortest_silence(self) -> int | None:
        """The shortest ``silent_after`` of all versions, in milliseconds."""
        return min((p.silent_after for p in self.versions if p.silent_after is not None), default=None)

    @property
    def shortest_outage(self) -> int | None:
        """The shortest ``outage_after`` of all versions, in milliseconds: what intake must remember."""
        return min((p.outage_after for p in self.versions if p.outage_after is not None), default=None)

    @property
    def limits(self) -> Mapping[str, int]:
        """Every requirement of every version, with its time limit (milliseconds) in the newest that has it."""
        return {r.id: r.within for p in self.versions for r in p.requirements}


def _effective(policy: Policy) -> float:
    return float("-inf") if policy.effective is None else policy.effective
