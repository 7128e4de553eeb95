"""How a case stands at an instant, and which of its facts what is not settled may still ask for (ADR 0019). Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from muster_hq.deciders import Key, Occurrence
from muster_hq.facts import Fact
from muster_hq.folding_kinds import Kinds
from muster_hq.folds import Away, Fold, Live, Ref
from muster_hq.occurrences import Occurrences
from muster_hq.orphans import reports_without_encounter
from muster_hq.outages import Outages
from muster_hq.policies import Policies


def standing_at(  # noqa: PLR0913, PLR0917 - a case, and all that it is judged by
    until: int, policies: Policies, kinds: Kinds, facts: Sequence[Fact], outages: Outages, before: Fold | None
) -> Standing:
    """Judge a case's facts received by an instant, which may be folded ``before``; tell how it stands then."""
    standing = Standing(policies, kinds, facts, until, before)
    for office in {fact.office for fact in facts}:
        own = [fact for fact in facts if fact.office == office]
        standing.walk(Occurrences(own, outages, until, ()), office)
        reports = [fact for fact in own if fact.shape.type == "IncidentReported"]
        strayed = reports_without_encounter(policies, own, reports)
        standing.strayed.update(report[:3] for _, report, _ in strayed)
        standing.keep_encounters(report.encounter_id for due, report, _ in strayed if due >= until)
    if policies.crossing:
        standing.walk(Occurrences(facts, outages, until, ()), None)
    return standing


class Standing:
    """What is not settled: it goes on without the facts so far, or is walked again from those of its encounter.

    Of scope ``case`` all goes on. What comes later and speaks of later times is decided by nothing that came before;
    and what came before and could decide what is open would have done so. So it is with what recurs within an
    encounter, while nothing but its own reports can open it. All else is walked again: of an encounter that is
    *busy* the facts stay, of the others none does.
    """

    def __init__(
        self, policies: Policies, kinds: Kinds, facts: Sequence[Fact], until: int, before: Fold | None
    ) -> None:
        self._policies = policies
        self._kinds = kinds
        self._facts = facts
        self._until = until
        self._before = before
        self._counted: dict[Key, int] = {}
        self._unsettled: list[tuple[Occurrence, Live]] = []
        self._going_on: dict[Key, int] = {}
        self._named, self._busy = _named(facts)
        self.strayed: set[Ref] = set()
        """Reports that came long before their encounter, or without it: they are numbered, and so stay with it."""

    def walk(self, occurrences: Occurrences, office: str | None) -> None:
        """Walk over the facts of an office, or (None) of all."""
        occurrences.resume(self._before, self._policies, office)
        occurrences.walk(self._policies, crossing=office is None)
        self._counted.update(occurrences.counts)
        self._unsettled += occurrences.living()

    def keep_encounters(self, encounters: Iterable[str]) -> None:
        """Take these for busy."""
        self._busy.update(encounters)

    def go_on(self) -> bool:
        """Find what goes on without the facts so far; False when the case cannot be folded now."""
        kinds = self._kinds
        self._going_on = {key: count for key, count in self._counted.items() if key[0] in kinds.of_case_scope}
        asked_for = self._asked_for()
        self._busy.update(live.key[2] for _, live in self._unsettled if live.key[2] is not None)
        self._busy.update(
            fact.encounter_id
            for fact in self._facts
            if kinds.is_tangled[fact.shape] or (fact[:3] in asked_for and self._is_local(fact))
        )
        before = {key for key, _ in self._before.counts} if self._before is not None else set()
        for key, count in self._counted.items():
            if key[0] in kinds.recurring and key[2] in self._busy:
                if self._recurs_alone(key, known=key in before):
                    self._going_on[key] = count
                elif key in before:
                    return False
        return all(self._is_plain(one) for one, live in self._unsettled if live.key in self._going_on)

    @property
    def counts(self) -> tuple[tuple[Key, int], ...]:
        """What goes on, each with its number of occurrences so far."""
        return tuple(self._going_on.items())

    @property
    def live(self) -> tuple[Live, ...]:
        """What goes on and is not settled."""
        return tuple([live for _, live in self._unsettled if live.key in self._going_on])

    def split(self) -> tuple[list[Fact], list[Away]]:
        """Give the facts that stay, and those that are put away."""
        asked_for, kinds = self._asked_for(), self._kinds
        kept, away = [], []
        for fact in self._facts:
            is_busy, is_local = fact.encounter_id in self._busy, self._is_local(fact)
            is_spent = is_busy and is_local and self._is_spent(fact)
            if fact[:3] in asked_for or kinds.is_tangled[fact.shape] or (is_busy and is_local and not is_spent):
                kept.append(fact)
            else:
                away.append(Away(fact, is_local and not is_spent))
        return kept, away

    def _recurs_alone(self, key: Key, *, known: bool) -> bool:
        """Tell whether only its own reports can open the next of what recurs in an encounter, by its own version."""
        followed = self._kinds.followed
        if any(live.key[2] == key[2] and live.key[0] in followed for _, live in self._unsettled):
            return False
        own = [one for one, live in self._unsettled if live.key == key]
        return len(own) <= 1 and (known or len(own) == 1) and all(map(self._is_plain, own))

    def _is_plain(self, one: Occurrence) -> bool:
        """Tell whether no report of an occurrence was withdrawn, and the next is judged by its own version."""
        if one.withdrawn or one.judged_again_at:
            return False
        version = one.policy, one.requirement
        return not one.requirement.recurs or self._policies.recurring(*version, self._until) == version

    def _is_local(self, fact: Fact) -> bool:
        return self._kinds.is_local[fact.shape] or fact[:3] in self._named

    def _is_spent(self, fact: Fact) -> bool:
        """Tell whether a local fact matters no more though its encounter is busy: all that it is of goes on without."""
        if fact.shape.type == "EncounterReported" or fact[:3] in self._named or fact[:3] in self.strayed:
            return False
        for requirement in self._kinds.of[fact.shape] - self._kinds.of_case_scope:
            keys = [key for key in self._counted if key[0] == requirement and key[2] == fact.encounter_id]
            if not keys or not self._going_on.keys() >= set(keys):
                return False
        return True

    def _asked_for(self) -> set[Ref]:
        """Give the facts that what goes on refers to."""
        found: set[Ref] = set()
        for live in self.live:
            found.update([live.opening, *(event for _, event in live.absorbed)])
            if live.opened_by is not None:
                found.add(live.opened_by)
        return found


def _named(facts: Sequence[Fact]) -> tuple[set[Ref], set[str]]:
    """Give the facts that name one another, and the encounters of those whose counterpart is not of the same."""
    naming = [fact for fact in facts if fact.names is not None]
    if not naming:
        return set(), set()
    by_id: defaultdict[tuple[str, bytes], list[Fact]] = defaultdict(list)
    for fact in facts:
        by_id[fact.office, fact.event_id].append(fact)
    found, apart = set(), set()
    for fact in naming:
        others = by_id.get((fact.office, fact.names or b""), [])
        found.update([fact[:3], *(other[:3] for other in others)])
        encounters = {fact.encounter_id, *(other.encounter_id for other in others)}
        if not others or len(encounters) > 1:
            apart |= encounters
    return found, apart
