"""What folding must know of requirements and events, under all versions of a policy together (ADR 0019)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from muster_hq.memo import Memo
from muster_hq.patterns import Shape, any_matches
from muster_hq.policies import Policies
from muster_hq.policy import Requirement

KNOWN = frozenset(
    {
        "EncounterReported",
        "ScreeningCompleted",
        "StepDocumented",
        "MatchResolved",
        "CustodyChanged",
        "TransferDeclined",
        "InformationShared",
        "EncounterVoided",
        "IncidentReported",
        "IncidentRetracted",
    }
)
"""The events of which is known here what they can do; a case with any other is not folded."""
_OF_ORPHANS = frozenset({"EncounterReported", "IncidentReported", "IncidentRetracted"})


class Kinds:
    """The requirements by their scopes, and what events of a shape are to them.

    A requirement is its id, in whatever version. Those that follow one another are a chain. Of a *tangled* one all
    facts always stay: its links have not all one scope, or what ends one of them may come before that opens.
    """

    def __init__(self, policies: Policies) -> None:
        self._lines = [line for policy in policies.versions for line in policy.requirements]
        self.of_case_scope: set[str] = set()
        self.of_encounter_scope: set[str] = set()
        for chain in _chains(self._lines):
            links = [line for line in self._lines if line.id in chain]
            if all(line.scope == "encounter" for line in links):
                self.of_encounter_scope |= chain
            elif all(line.scope == "case" and not (line.follows and line.ends_on) for line in links):
                self.of_case_scope |= chain
        self.followed = frozenset(line.follows for line in self._lines if line.follows is not None)
        once = {line.id for line in self._lines if not line.recurs}
        self.recurring = self.of_encounter_scope - once - self.followed
        """Those of scope ``encounter`` that recur, and that none follows."""

    @cached_property
    def opened_by(self) -> Mapping[Shape, frozenset[str]]:
        """The requirements that an event opens, by its shape."""
        return Memo(lambda shape: frozenset(line.id for line in self._lines if any_matches(line.opens_on, shape)))

    @cached_property
    def of(self) -> Mapping[Shape, frozenset[str]]:
        """The requirements to which an event can be anything, by its shape."""
        lines = self._lines
        return Memo(
            lambda shape: frozenset(line.id for line in lines if line.roles[shape] or any_matches(line.opens_on, shape))
        )

    @cached_property
    def is_local(self) -> Mapping[Shape, bool]:
        """Whether an event counts for its encounter, by its shape."""
        return Memo(lambda shape: shape.type in _OF_ORPHANS or bool(self.of[shape] & self.of_encounter_scope))

    @cached_property
    def is_tangled(self) -> Mapping[Shape, bool]:
        """Whether an event is of a tangled chain, by its shape."""
        return Memo(lambda shape: bool(self.of[shape] - self.of_case_scope - self.of_encounter_scope))


def _chains(lines: list[Requirement]) -> list[set[str]]:
    """Give the ids that follow one another, directly or not, in any version."""
    joined: list[set[str]] = []
    for chain in ({line.id} | ({line.follows} if line.follows is not None else set()) for line in lines):
        apart = [other for other in joined if not other & chain]
        joined = [*apart, chain.union(*(other for other in joined if other & chain))]
    return joined
