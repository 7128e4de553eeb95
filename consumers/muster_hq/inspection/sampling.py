"""The inspector's sample: which files are drawn, and each instance of noncompliance in them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from heapq import nsmallest
from typing import NamedTuple

from muster_hq.case_files import CaseHistory
from muster_hq.verdicts import Evidence

NONCOMPLIANT = frozenset({"MISSED", "ORPHANED"})
"""The verdicts that are instances of noncompliance. UNDETERMINED and EXCUSED are headquarters' own fault."""
OUTSTANDING = "OUTSTANDING"


def draw(case_ids: Iterable[str], size: int, seed: int) -> list[str]:
    """Draw a sample: the cases with the lowest SHA-256 of ``seed/case_id``, in that order.

    Whoever has the list of cases can draw it again, in any language; a larger sample contains the smaller one.
    """
    return nsmallest(size, case_ids, key=lambda case_id: (sha256(f"{seed}/{case_id}".encode()).digest(), case_id))


class Instance(NamedTuple):
    """One obligation that was not complied with. Instants are UTC milliseconds.

    ``outcome`` is how it ended after all (LATE, CLEARED, …), or OUTSTANDING; a report that was ORPHANED ends so.
    """

    case_id: str
    office_id: str
    encounter_id: str
    requirement: str
    occurrence: int
    verdict: str
    at: int
    due_at: int
    outcome: str
    outcome_at: int | None
    policy: str
    evidence: tuple[Evidence, ...]


def instances_of(history: CaseHistory) -> list[Instance]:
    """Give a case's instances of noncompliance, each obligation once, by its first verdict that is one."""
    unsettled = {obligation[:4] for obligation in history.obligations}
    by_obligation = defaultdict(list)
    for verdict in history.verdicts:
        by_obligation[verdict[:4]].append(verdict)
    found = []
    for key, verdicts in by_obligation.items():
        first = next((verdict for verdict in verdicts if verdict.verdict in NONCOMPLIANT), None)
        if first is not None:
            last = verdicts[-1]
            end = (OUTSTANDING, None) if key in unsettled else (last.verdict, last.at)
            said = first.verdict, first.at, first.due_at, *end, first.policy, first.evidence
            found.append(Instance(history.case_id, *key, *said))
    return sorted(found, key=lambda instance: (instance.at, instance[1:5]))


@dataclass(frozen=True)
class Inspection:
    """What a sample of files comes to. ``population`` is how many cases it was drawn from."""

    population: int
    files: Mapping[str, Sequence[Instance]]

    @cached_property
    def instances(self) -> list[Instance]:
        """Every instance, file by file in the order of the draw."""
        return [instance for found in self.files.values() for instance in found]

    @property
    def noncompliant(self) -> int:
        """How many files have at least one instance."""
        return sum(1 for found in self.files.values() if found)

    def by_kind(self) -> list[tuple[str, str, str, int]]:
        """Count instances by requirement, verdict and outcome."""
        counts = Counter((one.requirement, one.verdict, one.outcome) for one in self.instances)
        return [(*kind, n) for kind, n in sorted(counts.items())]

    def by_office(self) -> list[tuple[str, int, int]]:
        """Count by office: files with an instance of its own, and instances."""
        files = Counter(office for found in self.files.values() for office in {one.office_id for one in found})
        counts = Counter(one.office_id for one in self.instances)
        return [(office, files[office], counts[office]) for office in sorted(counts)]
