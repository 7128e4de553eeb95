"""What is said of an occurrence: the verdicts that facts and time give it, each once, and what is not settled yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from muster_hq.deciders import Occurrence
from muster_hq.facts import Fact, make
from muster_hq.lodged import records_of
from muster_hq.orders import Order
from muster_hq.outages import Outages
from muster_hq.verdicts import (
    NEVER,
    REMINDED,
    Astray,
    Handed,
    Obligation,
    Verdict,
    VerdictKey,
    evidence_of_order,
)

_SATISFIED = frozenset({"ON_TIME", "LATE", "EXCUSED"})


class Sayings:
    """All that is said in one walk, whose class sets these up; verdicts that were ``given`` before are left out."""

    _outages: Outages
    _clock: int
    _given: Collection[VerdictKey]
    _verdicts: list[Verdict]
    astray: tuple[Astray, ...] = ()
    handed: tuple[Handed, ...] = ()

    def _miss(self, occurrence: Occurrence, until: int) -> None:
        """Say what time alone decided before this instant (exclusive of due itself, which is in time)."""
        due = occurrence.due_at(until) if occurrence.moves else occurrence.due
        if until <= due:
            return
        excused_until = self._excused_until(occurrence, due)
        if excused_until == due:
            self._give(occurrence, "MISSED", due, due)
            return
        self._give(occurrence, "UNDETERMINED", due, due)
        if until > excused_until:
            self._give(occurrence, "MISSED", excused_until, due)

    def _excused_until(self, occurrence: Occurrence, due: int) -> int:
        """Give the end of the latest excuse that own faults gave; the due time itself where there is none."""
        policy = occurrence.policy
        if policy.outage_after is None:
            return due
        end = self._outages.last_end(occurrence.in_charge_at(due), due, policy.outage_after)
        return due if end is None else min(max(due, end + policy.outage_grace), NEVER)

    def _give(
        self, occurrence: Occurrence, verdict: str, at: int, due: int, decider: Fact | None = None, *more: Fact
    ) -> None:
        """Append a verdict, once; ``at`` is never before the opening, nor before a retraction."""
        if decider is not None:
            at = max(at, occurrence.opened_at, occurrence.judged_again_at)
        if (verdict, at) in occurrence.given:
            return
        occurrence.given += ((verdict, at),)
        requirement, office, _ = occurrence.key
        key = office, occurrence.opening.encounter_id, requirement, occurrence.number, verdict, at
        if key in self._given:
            return
        received_at = decider.received_at if decider else None
        facts = (occurrence.opening, occurrence.opened_by, decider, *more)
        behind = {record for fact in facts if fact is not None for record in records_of(fact)}
        transfers = occurrence.transfers_by(decider.received_at if decider else due) if occurrence.transfers else ()
        if transfers:
            behind.add(evidence_of_order(transfers[-1]))
        evidence = tuple(sorted(behind))
        said: Verdict = make(Verdict, (*key, due, received_at, occurrence.policy.name, evidence))
        if transfers:
            self._hand(said, transfers)
        self._verdicts.append(said)
        wanted = occurrence.requirement.channel
        if wanted is not None and decider is not None and verdict in _SATISFIED:
            channel = dict(decider.shape.codes).get("channel", wanted)
            if channel != wanted:
                self.astray += (Astray(said, decider, channel),)

    def _obligation(self, occurrence: Occurrence, clock_name: str) -> Obligation:
        state: str
        next_at: int | None
        due = passes = occurrence.due
        if occurrence.moves:
            moved = occurrence.moved(self._clock)
            passes = moved.at_last
            due = moved.due if passes == NEVER else passes
        if self._clock <= passes:
            state, next_at = "OPEN", passes
            before = occurrence.requirement.remind_before
            if before is not None and passes != NEVER:
                remind_at = passes - before
                state, next_at = (REMINDED, passes) if self._clock > remind_at else ("OPEN", remind_at)
        elif self._clock <= (excused_until := self._excused_until(occurrence, due)):
            state, next_at = "UNDETERMINED", excused_until
        else:
            state, next_at = "OUTSTANDING", None
        requirement, office, _ = occurrence.key
        key = office, occurrence.opening.encounter_id, requirement, occurrence.number
        waits: Obligation = make(
            Obligation, (*key, occurrence.policy.name, due, state, next_at, clock_name, occurrence.opening)
        )
        if occurrence.transfers:
            self._hand(waits, occurrence.transfers_by(self._clock))
        return waits

    def _hand(self, said: Verdict | Obligation, transfers: Sequence[Order]) -> None:
        """Note what is told to every office that this was moved to, whoever is in charge of it now."""
        offices = dict.fromkeys(order.aim.to for order in transfers if order.aim.to != said.office_id)
        self.handed += tuple(Handed(office, said) for office in offices)
