"""The versions of a policy: which of them is in force, and what all of them together look at."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

from muster_contract.errors import ConfigurationError
from muster_hq.lodgings import LODGED
from muster_hq.memo import Memo
from muster_hq.patterns import Shape
from muster_hq.policy import CLASSIFIED, Policy, RegisterVersion, Requirement


class Activation(NamedTuple):
    """A version that headquarters put in force by a directive, from an instant on (UTC milliseconds)."""

    received_at: int
    name: str
    sha256: str


class Policies:
    """The versions of a policy, of which the one in force at an instant judges what opens then.

    They are in force by their ``effective``, until the first activation; from then on as they are activated.
    ``registers`` are versions of the register: the lowest is in force until the first activation of one. What is in
    force at an instant is a policy as it is with a register.
    ConfigurationError when one is activated that is not here, or with another text.
    """

    def __init__(
        self,
        versions: Sequence[Policy],
        activations: Sequence[Activation] = (),
        registers: Sequence[RegisterVersion] = (),
    ) -> None:
        self.registers = tuple(sorted(registers, key=lambda register: register.version))
        first = self.registers[0] if registers else None
        self.versions = tuple(p.at(first) if first else p for p in sorted(versions, key=_effective))
        self._placed: Mapping[tuple[Policy, RegisterVersion], Policy] = Memo(
            lambda pair: pair[0] if pair[1] is first else pair[0].at(pair[1])
        )
        named = [(act.received_at, self._named(act)) for act in activations]
        self._activated_from = min((at for at, thing in named if isinstance(thing, Policy)), default=float("inf"))
        self.registers_change = any(isinstance(thing, RegisterVersion) for _, thing in named)
        dates = [(_effective(p), p) for p in self.versions if _effective(p) < self._activated_from]
        self._starts: list[float] = []
        self._timeline: list[tuple[Policy | None, RegisterVersion | None]] = []
        policy, register = None, first
        for start, thing in sorted([*dates, *named], key=lambda entry: entry[0]):
            policy = thing if isinstance(thing, Policy) else policy
            register = thing if isinstance(thing, RegisterVersion) else register
            self._starts.append(start)
            self._timeline.append((policy, register))
        self._in_force = [self._pair(*pair) for pair in self._timeline]

    def activated(self, activations: tuple[Activation, ...]) -> Policies:
        """Give these versions as they are in force with these activations, which stand as in the log."""
        return self._as_activated[activations] if activations else self

    @cached_property
    def _as_activated(self) -> Mapping[tuple[Activation, ...], Policies]:
        return Memo(lambda activations: Policies(self.versions, activations, self.registers))

    def _named(self, activation: Activation) -> Policy | RegisterVersion:
        option = "--policy" if "@" in activation.name else "--offices"
        place, hint = "hq.directives", f"give headquarters the file that was activated, with {option}"
        given: tuple[Policy | RegisterVersion, ...] = (*self.versions, *self.registers)
        found = next((one for one in given if one.name == activation.name), None)
        if found is None:
            raise ConfigurationError.of(place, f"{activation.name} is activated, and not given", hint)
        if found.sha256 != activation.sha256:
            cause = f"{activation.name} is activated with another text: SHA-256 {activation.sha256}"
            raise ConfigurationError.of(place, cause, hint)
        return found

    def _pair(self, policy: Policy | None, register: RegisterVersion | None) -> Policy | None:
        return self._placed[policy, register] if policy and register else policy

    def recurring(self, policy: Policy, requirement: Requirement, instant: int) -> tuple[Policy, Requirement]:
        """Give the version, and its line, that judge the next of a recurring requirement, which opens at an instant.

        Once versions are activated, the one in force then, if the requirement recurs in it; else the chain's own. With
        either goes the register that is in force then.
        """
        if instant >= self._activated_from:
            newer = self.at(instant)
            for line in newer.requirements:
                if line.id == requirement.id and line.recurs:
                    return newer, line
        if not self.registers_change:
            return policy, requirement
        register = self._timeline[bisect_right(self._starts, instant) - 1][1]
        own = next((p for p in self.versions if p.name == policy.name), policy)
        placed = self._pair(own, register) or policy
        return placed, next(line for line in placed.requirements if line.id == requirement.id)

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

    @cached_property
    def lodging(self) -> bool:
        """Whether any version asks which reports truly lie at headquarters; else nobody keeps what they name."""
        lines = (line for policy in self.versions for line in policy.requirements)
        return any(pattern.event == LODGED for line in lines for pattern in line.satisfied_by)

    def _concerns(self, shape: Shape) -> bool:
        ours = shape.type in {"EncounterVoided", "IncidentReported", "IncidentRetracted"}
        lines = (line for policy in self.versions for line in policy.requirements)
        return ours or self.open[shape] or any(line.roles[shape] for line in lines)

    @cached_property
    def digest(self) -> str:
        """What all that judging takes from here comes to, the register's part included: another one, another digest."""
        versions = [(policy.name, policy.sha256) for policy in self.versions]
        names = [tuple(one.name for one in pair if one is not None) for pair in self._timeline]
        in_force = list(zip(self._starts, names, strict=True))
        lines = [line for policy in self.versions for line in policy.requirements]
        register = [(sorted(line.equipped), sorted(line.days.zone_names) if line.days else []) for line in lines]
        return sha256(repr((versions, self._activated_from, in_force, register)).encode()).hexdigest()[:32]

    def line(self, version: str, requirement: str) -> tuple[Policy, Requirement]:
        """Give a version by its name, and its line of a requirement, which it has."""
        return self._lines[version, requirement]

    @cached_property
    def _lines(self) -> Mapping[tuple[str, str], tuple[Policy, Requirement]]:
        return {(policy.name, line.id): (policy, line) for policy in self.versions for line in policy.requirements}

    def unequipped(self, offices: Iterable[str]) -> frozenset[str]:
        """Give those of these offices that have no classified network, if any version asks for that channel.

        By the highest version of the register.
        """
        lines = [line for policy in self.versions for line in policy.requirements if line.channel == CLASSIFIED]
        newest = [register.equipped for register in self.registers[-1:]] or [line.equipped for line in lines]
        return frozenset(o for o in offices if lines and any(o not in equipped for equipped in newest))

    def in_force(self, instant: int) -> Policy | None:
        """Give the version in force at an instant (UTC milliseconds); None before the first is effective."""
        index = bisect_right(self._starts, instant)
        return self._in_force[index - 1] if index else None

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
