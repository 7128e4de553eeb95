"""Every ledger: facts that are put away, what stands for them, and how they come back."""

from __future__ import annotations

import pytest

from muster_hq.case_files import CaseChange, CaseFile
from muster_hq.folds import Away, Fold
from muster_hq.ledger_port import Ledger
from tests.builders import clocks_at, new_facts, obligation_on, verdict_on
from tests.cases.builders import T0, encounter, report, screening
from tests.ports.ledgers import A, LedgerKind, append, due_at, record

FOLD = Fold("digest", T0 + 3, 1, ((("screening", "a", None), 7),), (), frozenset({("a", "e", "report", 1, "LATE", 5)}))
EVENTS = (encounter("E", 1), report("R", 2), screening("S", 3, enc="f"))


@pytest.fixture
def folded(ledger: Ledger) -> CaseFile:
    """Give a case of which all but the encounter was put away; a verdict and an obligation stand on that."""
    ledger.register(["a", "b"])
    append(ledger, encounter("G", 1, case="other"), *EVENTS)
    (case,) = (case for case in due_at(ledger, 9) if case.case_id == "c")
    kept, opening = case.facts[1:], case.facts[0]
    away = [Away(fact, fact.encounter_id == "e") for fact in kept]
    obligation = obligation_on(opening, "OUTSTANDING")
    with ledger.judging() as transaction:
        transaction.record([CaseChange(case.case_no, [verdict_on(opening)], [obligation], [], [], [], FOLD, away)])
    return case


def test_a_folded_case_comes_with_its_fold_and_the_facts_that_stayed(ledger: Ledger, folded: CaseFile) -> None:
    """What was said of it is what the fold says; obligations are all there."""
    append(ledger, report("new", 10), encounter("H", 10, case="other"))
    case, other = due_at(ledger, 99)
    assert (case.fold, case.given) == (FOLD, FOLD.given)
    assert [fact.received_at - T0 for fact in case.facts] == [1, 10]
    assert case.obligations == {obligation_on(folded.facts[0], "OUTSTANDING")[:9]}
    assert (other.fold, len(other.facts)) == (None, 2)


@pytest.mark.usefixtures("folded")
def test_a_fold_takes_the_place_of_the_one_before(ledger: Ledger) -> None:
    """With more that is put away, or nothing."""
    append(ledger, report("new", 10))
    (case,) = due_at(ledger, 99)
    newer = FOLD._replace(until=T0 + 50, given=frozenset())
    with ledger.judging() as transaction:
        transaction.record([CaseChange(case.case_no, [], [], [], [("a", T0 + 100)], [], newer)])
    (again,) = due_at(ledger, 101)
    assert (again.fold, again.facts) == (newer, case.facts)


def test_whoever_reads_sees_all(kind: LedgerKind, folded: CaseFile) -> None:
    """Facts, verdicts, and when the case was first seen."""
    reader = kind.open_reader()
    history = reader.case("c")
    assert history is not None
    assert history.facts == folded.facts
    assert history.verdicts == [verdict_on(folded.facts[0])]
    assert list(reader.outstanding()) == [("c", obligation_on(folded.facts[0], "OUTSTANDING"))]
    assert list(reader.cases_first_seen(T0, T0 + 9)) == [(T0 + 1, "c"), (T0 + 1, "other")]
    reader.close()


def test_the_first_encounter_counts_though_it_was_put_away(ledger: Ledger) -> None:
    """A later one of the same case does not make it new."""
    append(ledger, *EVENTS)
    (case,) = due_at(ledger, 9, offices="a")
    with ledger.judging() as transaction:
        transaction.record([CaseChange(case.case_no, [], [], [], [], [], FOLD, [Away(f, True) for f in case.facts])])  # noqa: FBT003 - as stored
    append(ledger, encounter("H", 10, enc="h"))
    assert list(ledger.cases_first_seen(T0, T0 + 99)) == [(T0 + 1, "c")]


def test_only_what_counts_for_its_encounter_is_asked_for(ledger: Ledger, folded: CaseFile) -> None:
    """By case and encounter."""
    no = folded.case_no
    with ledger.judging() as transaction:
        assert transaction.put_away([(no, "e")]) == {no}
        assert transaction.put_away([(no, "f"), (no, "g"), (no + 1, "e")]) == set()
        assert transaction.put_away([]) == set()


def test_what_was_put_away_comes_back_whole(ledger: Ledger, folded: CaseFile) -> None:
    """With all that was said of the case; the next time it is taken up, too."""
    append(ledger, report("new", 10))
    with ledger.judging() as transaction:
        (case,) = transaction.due_cases(clocks_at(T0 + 99, "ab"), 9)
        (whole,) = transaction.unfold([case.case_no])
    assert (whole.fold, whole.given) == (None, {verdict_on(folded.facts[0])[:6]})
    assert whole.facts == sorted([*folded.facts, *case.facts[1:]])
    record(ledger, whole, due=[("a", 100)])
    assert due_at(ledger, 101) == [whole]
    history = ledger.case("c")
    assert history is not None
    assert history.facts == whole.facts


@pytest.mark.usefixtures("folded")
def test_what_was_put_away_is_a_duplicate_when_it_comes_again(ledger: Ledger) -> None:
    """As is what stayed."""
    ids = [(fact.stream, fact.event_id) for _, fact, _ in new_facts(*EVENTS)]
    assert (A, new_facts(screening("S", 3))[0].fact.event_id) in ids
    with ledger.intake() as transaction:
        assert set(transaction.known(ids)) == set(ids)
