"""The versions of a policy: which of them is in force, and what all of them together look at."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from muster_contract.errors import ConfigurationError
from muster_hq.lodgings import LODGED
from muster_hq.memo import Memo
from muster_hq.patterns import Shape
from muster_hq.policy import CLASSIFIED, Policy, Requirement


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

    @cached_property
    def lodging(self) -> bool:
        """Whether any version asks which reports truly lie at headquarters; else nobody keeps what they name."""
        lines = (line for policy in self.versions for line in policy.requirements)
        return any(pattern.event == LODGED for line in lines for pattern in line.satisfied_by)

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
