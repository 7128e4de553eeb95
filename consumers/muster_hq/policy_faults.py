"""What is wrong with a policy that no line of it, and no version, can know alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from muster_contract.errors import Fault
from muster_hq.policy import Policy


def faults_across(raw: Iterable[Mapping[str, Any]], place: str) -> Iterable[Fault]:
    """Check what no requirement can know alone: ids are unique, chains exist and have a beginning."""
    follows: dict[str, str | None] = {}
    for table in raw:
        name = str(table.get("id"))
        if name in follows:
            yield Fault(f"{place}: requirement {name}", "its id is used twice")
        before = table.get("follows")
        follows[name] = before if isinstance(before, str) else None
    for name, before in follows.items():
        if before is not None and before not in follows:
            yield Fault(f"{place}: requirement {name}", f"follows {before!r}, which is not there")
        elif _circular(name, follows):
            yield Fault(f"{place}: requirement {name}", "follows itself in a circle")


def _circular(name: str, follows: Mapping[str, str | None]) -> bool:
    seen: set[str] = set()
    step: str | None = name
    while step is not None and step in follows:
        if step in seen:
            return True
        seen.add(step)
        step = follows[step]
    return False


def faults_between(versions: Sequence[Policy]) -> Iterable[Fault]:
    """Check what no version can know alone: they are of one policy, and do not contradict one another."""
    if len({p.id for p in versions}) > 1:
        yield Fault("policy", f"{len({p.id for p in versions})} different ids", "give the versions of one policy")
    for first, second in ((a, b) for i, a in enumerate(versions) for b in versions[i + 1 :]):
        if first.version == second.version:
            yield Fault(second.name, "this version is given twice")
        elif first.effective == second.effective:
            yield Fault(second.name, f"is effective at the same instant as {first.name}", "each needs its own")
        scopes = {r.id: r.scope for r in first.requirements}
        for changed in (r for r in second.requirements if r.scope != scopes.get(r.id, r.scope)):
            place = f"{second.name}: requirement {changed.id}: scope"
            yield Fault(place, f"is not that of {first.name}", "obligations are numbered by it: choose another id")
