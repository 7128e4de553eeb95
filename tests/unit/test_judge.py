"""Judging a case: every rule and reading as a small log, and that more of the log only ever adds verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from muster_hq.facts import Fact
from muster_hq.judge import judge
from muster_hq.logfile import offices_in
from muster_hq.orders import activations_by
from muster_hq.outages import NO_OUTAGES, Outages
from muster_hq.policies import Policies
from muster_hq.published import verdict_row
from muster_hq.verdicts import ALL_OFFICES, NEVER, Judgement, Verdict
from tests.builders import clocks_at, facts_of, policies_of, read_log, records_of, silences_of
from tests.cases.builders import T0, confirmed, encounter, report
from tests.cases.policies import REPORT, REPORT_BY_ANY
from tests.verdict_cases import CASES, Case


class Judged:
    """A case of tests/cases, ready to be judged at any instant."""

    def __init__(self, case: Case) -> None:
        self.policies = case.policies
        self.end = case.instant
        self._log = read_log(case.records, offices_in(case.records) if case.offices is None else case.offices)
        self.facts = self._log.facts
        self._offices = set(offices_in(case.records))
        self._silences = silences_of(case.records, case.instant)

    def at(self, instant: int) -> Iterator[tuple[str, Judgement]]:
        """Judge each case_id with every clock at this instant."""
        for case_id, facts in self.facts.items():
            yield case_id, self.judge(case_id, facts, instant)

    def judge(self, case_id: str, facts: Sequence[Fact], instant: int) -> Judgement:
        """Judge these facts."""
        offices = {fact.office for fact in facts} | self._offices
        outages = {o: [*self._silences.get(o, ()), *self._log.outages.get(o, ())] for o in offices}
        orders = self._log.orders.get(case_id, ())
        policies = self.policies.activated(activations_by(instant, self._log.activations))
        claims = self._log.claims.get(case_id, ()) if policies.lodging else ()
        return judge(policies, facts, Outages(outages), clocks_at(instant, offices), orders=orders, claims=claims)

    def orders_at(self, case_id: str) -> set[int]:
        """Give when directives and lodgings came that concern the case, or that ended what it may have waited for."""
        ends = {outage.end for found in self._log.outages.values() for outage in found if outage.end != NEVER}
        lodged = {claim.lodging.received_at for claim in self._log.claims.get(case_id, ())}
        return {order.received_at for order in self._log.orders.get(case_id, ())} | ends | lodged

    def instants(self) -> list[int]:
        """Give the instants at which something happens, each with its neighbours, up to the end."""
        whole = [judgement for _, judgement in self.at(self.end)]
        found = {fact.received_at for facts in self.facts.values() for fact in facts}
        found |= {verdict.at for judgement in whole for verdict in judgement.verdicts}
        found |= {obligation.due_at for judgement in whole for obligation in judgement.obligations}
        return sorted({near for at in found for near in (at - 1, at, at + 1) if near < self.end} | {self.end})


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_text_and_the_judge_agree(case: Case) -> None:
    """Each small log gets the verdicts that were written down for it by hand, and no others."""
    rows = [
        verdict_row(case_id, verdict)
        for case_id, judgement in Judged(case).at(case.instant)
        for verdict in judgement.verdicts
    ]
    assert sorted(map(case.compact, rows), key=lambda row: row[:7]) == case.expected()


def test_a_later_clock_only_adds_verdicts() -> None:
    """What was said at an instant is said at every later one, word by word."""
    for case in CASES:
        judged, before = Judged(case), set[tuple[str, Verdict]]()
        for instant in judged.instants():
            now = {(case_id, verdict) for case_id, judgement in judged.at(instant) for verdict in judgement.verdicts}
            assert before <= now, case.name
            before = now


def test_facts_after_the_clock_change_nothing() -> None:
    """A fact that another worker commits in between is one too many, and harmless.

    Of a case that was moved it tells at most when to look again, by the clock over all.
    """
    for case in CASES:
        judged = Judged(case)
        for case_id, facts in judged.facts.items():
            for instant in judged.instants():
                settled = [fact for fact in facts if fact.received_at <= instant]
                more, enough = judged.judge(case_id, facts, instant), judged.judge(case_id, settled, instant)
                for judgement in (more, enough):
                    judgement.waits[:] = [wait for wait in judgement.waits if wait[0] != ALL_OFFICES]
                assert more == enough, case.name


def test_it_is_enough_to_judge_when_a_fact_arrives_or_an_announced_instant_has_passed() -> None:
    """Nobody needs a timer: between these instants nothing changes."""
    for case in CASES:
        judged = Judged(case)
        for case_id, facts in judged.facts.items():
            whole = judged.judge(case_id, facts, judged.end)
            said, last = _judged_when_due(judged, case_id, facts)
            assert said == set(whole.verdicts), case.name
            assert last.obligations == whole.obligations, case.name


def _judged_when_due(judged: Judged, case_id: str, facts: Sequence[Fact]) -> tuple[set[Verdict], Judgement]:
    """Judge at no other instants than those; give all that was said, and the last judgement."""
    said, judgement = set[Verdict](), Judgement([], [], [])
    due = {fact.received_at for fact in facts} | judged.orders_at(case_id)
    while ready := {instant for instant in due if instant <= judged.end}:
        instant = min(ready)
        judgement = judged.judge(case_id, facts, instant)
        said.update(judgement.verdicts)
        due = {at for at in due if at > instant} | {at + 1 for at in _announced(judgement)}
        assert min(due, default=instant + 1) > instant, "an instant that has passed would be due for ever"
    return said, judgement


def _announced(judgement: Judgement) -> set[int]:
    next_at = {obligation.next_at for obligation in judgement.obligations}
    return {at for at in next_at if at is not None} | {at for _, at in judgement.waits}


def test_each_office_is_judged_by_its_own_clock() -> None:
    """One that is behind holds nobody else back."""
    records = records_of(encounter("A", 0), encounter("B", 0, office="b"))
    clocks = clocks_at(T0 + 10, "ab") | {"a": T0 + 11}
    judgement = judge(policies_of(REPORT), facts_of(records)["c"], NO_OUTAGES, clocks)
    assert [(verdict.office_id, verdict.verdict) for verdict in judgement.verdicts] == [("a", "MISSED")]


def test_what_any_office_may_report_is_judged_by_the_clock_over_all() -> None:
    """An office that is behind might hold the report."""
    facts = facts_of(records_of(encounter("A", 0)))["c"]
    clocks = clocks_at(T0 + 10, "a") | {"a": T0 + 99}
    policies = policies_of(REPORT_BY_ANY)
    assert judge(policies, facts, NO_OUTAGES, clocks).verdicts == []
    assert [v.verdict for v in judge(policies, facts, NO_OUTAGES, clocks_at(T0 + 11, "a")).verdicts] == ["MISSED"]


def test_an_obligation_says_how_it_stands_and_what_would_change_it() -> None:
    """Open until due; outstanding, it waits for facts alone."""
    facts = facts_of(records_of(confirmed("E", 0)))["c"]
    policies = policies_of(REPORT)
    (open_,) = judge(policies, facts, NO_OUTAGES, clocks_at(T0 + 10, "a")).obligations
    assert (open_.state, open_.next_at, open_.clock) == ("OPEN", T0 + 10, "a")
    (missed,) = judge(policies, facts, NO_OUTAGES, clocks_at(T0 + 11, "a")).obligations
    assert (missed.state, missed.next_at, missed.due_at) == ("OUTSTANDING", None, T0 + 10)


def test_a_report_without_its_encounter_waits_to_be_an_orphan() -> None:
    """The wait names the office's clock and the last instant at which the encounter may come."""
    records = records_of(report("S", 0))
    policies: Policies = policies_of('orphan_after = "PT1M"\n' + REPORT)
    judgement = judge(policies, facts_of(records)["c"], NO_OUTAGES, clocks_at(T0 + 60_000, offices_in(records)))
    assert (judgement.verdicts, judgement.waits) == ([], [("a", T0 + 60_000)])
