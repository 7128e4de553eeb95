"""Folding: a case of which facts were put away is judged as with all of them (ADR 0019)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from muster_hq.facts import Fact
from muster_hq.folding import asks_for, fold_case, is_surprised
from muster_hq.folds import Fold, fold_from
from muster_hq.judge import judge
from muster_hq.outages import Outages
from muster_hq.policies import Policies
from muster_hq.verdicts import ALL_OFFICES, Clocks, Judgement, VerdictKey
from tests.builders import facts_of, silences_of
from tests.cases.builders import T0
from tests.random_logs import OFFICES, Dice, Log, dice, logs, long_logs


class FoldedCase:
    """A case as a ledger keeps it: what was put away is read again only when something reaches back to it."""

    def __init__(self, policies: Policies, outages: Outages) -> None:
        self._policies = policies
        self._outages = outages
        self.facts: list[Fact] = []
        self.away: list[Fact] = []
        self._local: set[str] = set()
        self.fold: Fold | None = None
        self._given: set[VerdictKey] = set()

    def judge(self, arrived: Sequence[Fact], clocks: Clocks, age: int | None) -> Judgement:
        """Judge with the facts that have arrived; then fold what is older than an age, unless it is None."""
        self.facts = sorted([*self.facts, *arrived])
        if self.fold and (
            is_surprised(self._policies, self.fold, self.facts, clocks)
            or asks_for(self._policies, self.fold, self.facts) & self._local
        ):
            self.facts, self.away, self._local, self.fold = sorted([*self.facts, *self.away]), [], set(), None
        given_ = self._given if self.fold is None else self.fold.given
        judgement = judge(self._policies, self.facts, self._outages, clocks, given_, fold=self.fold)
        new = {verdict[:6] for verdict in judgement.verdicts}
        self._given |= new
        if self.fold is not None:
            self.fold = fold_from(self.fold._replace(given=self.fold.given | new).text)
        if age is not None:
            found = fold_case(self._policies, self.facts, self._outages, clocks, self.fold, age)
            if found is not None:
                self.fold, away = fold_from(found[0].text), found[1]
                self.away += [fact for fact, _ in away]
                self._local |= {fact.encounter_id for fact, is_local in away if is_local}
                put_away = {fact[:3] for fact, _ in away}
                self.facts = [fact for fact in self.facts if fact[:3] not in put_away]
        return judgement


def check(log: Log, choices: Dice) -> tuple[int, int]:
    """Judge each case at growing clocks, folded and not; give how many facts were away in the end, of how many."""
    outages = Outages(silences_of(log.records, log.as_of))
    end = log.as_of - T0
    away = total = 0
    for facts in facts_of(log.records, OFFICES).values():
        folded, given_, said = FoldedCase(log.policies, outages), set[VerdictKey](), 0
        a = b = -1
        while min(a, b) < end:
            a, b = min(end, a + 1 + choices.throw(14)), min(end, b + 1 + choices.throw(14))
            clocks = {"a": T0 + a, "b": T0 + b, ALL_OFFICES: T0 + min(a, b)}
            read = bisect_right(facts, T0 + max(a, b), key=lambda fact: fact.received_at)
            arrived = facts[said:read]
            if not read:
                continue
            judgement = folded.judge(arrived, clocks, (0, 0, 1, 4, 12, None)[choices.throw(6)])
            said = read
            whole = judge(log.policies, facts[:read], outages, clocks, given_)
            given_ |= {verdict[:6] for verdict in whole.verdicts}
            assert sorted(judgement.verdicts) == sorted(whole.verdicts)
            assert sorted(judgement.obligations) == sorted(whole.obligations)
            assert sorted(judgement.waits) == sorted(whole.waits)
            assert sorted(judgement.astray) == sorted(whole.astray)
        away += len(folded.away)
        total += len(facts)
    return away, total


@given(st.one_of(long_logs(), logs()), dice)
def test_a_folded_case_says_what_all_its_facts_say(log: Log, choices: Dice) -> None:
    """At whatever clocks it is judged and folded: verdicts, obligations, waits, and what went astray."""
    check(log, choices)
