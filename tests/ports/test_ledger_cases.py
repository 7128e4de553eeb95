"""Every ledger: all that it says of one case, and which cases were first seen when."""

from __future__ import annotations

from uuid import UUID

import pytest

from muster_hq.case_files import CaseHistory
from muster_hq.ledger_port import Ledger
from tests.builders import obligation_on, verdict_on
from tests.cases.builders import T0, declined, encounter, report, screening
from tests.ports.ledgers import LedgerKind, append, due_at, record

UUID_CASE = str(UUID(int=7 << 76 | 2 << 62 | 5))


@pytest.mark.parametrize("case_id", ["c", UUID_CASE])
def test_a_case_is_given_whole(ledger: Ledger, kind: LedgerKind, case_id: str) -> None:
    """Facts of every office in fact order, whatever came in first; verdicts by instant, obligations by due time."""
    ledger.register(["a", "b"])
    facts = append(
        ledger,
        report("R", 5, office="b", case=case_id),
        encounter("E", 1, case=case_id),
        encounter("F", 5, case=case_id, enc="f"),
        encounter("other", 0, case="another"),
    )
    of_b, first, second, _ = (next(f for f in facts if f.event_id == one.event_id) for one in facts)
    (file,) = (case for case in due_at(ledger, 99) if case.case_id == case_id)
    missed, orphaned = verdict_on(second), verdict_on(of_b, "ORPHANED", at=9)
    later, sooner = obligation_on(second, "OUTSTANDING", due=10), obligation_on(first, due=4, occurrence=2)
    record(ledger, file, [missed, orphaned], opened=[later, sooner])
    reader = kind.open_reader()
    expected = CaseHistory(case_id, sorted([of_b, first, second]), [orphaned, missed], [sooner, later])
    assert reader.case(case_id) == expected
    reader.close()


@pytest.mark.parametrize("case_id", ["none", str(UUID(int=1)), ""])
def test_a_case_that_nobody_heard_of_is_none(ledger: Ledger, case_id: str) -> None:
    """It is no empty case."""
    append(ledger, encounter("E", 0))
    assert ledger.case(case_id) is None


def test_cases_are_first_seen_with_their_first_encounter(ledger: Ledger) -> None:
    """Whatever else came before it, whichever office reported it; later encounters do not count."""
    append(ledger, report("R", 1), screening("S", 2), encounter("E", 5, office="b"), encounter("F", 3, enc="f"))
    append(ledger, encounter("I", 3, case="d"), encounter("G", 9, case=UUID_CASE), encounter("H", 9, case="a"))
    append(ledger, declined("T", 3, case="never-met"))
    assert list(ledger.cases_first_seen(T0, T0 + 10)) == [
        (T0 + 3, "c"),
        (T0 + 3, "d"),
        (T0 + 9, UUID_CASE),
        (T0 + 9, "a"),
    ]


def test_the_time_includes_its_start_and_not_its_end(ledger: Ledger) -> None:
    """So that two times that touch share no case."""
    append(ledger, *(encounter(f"E{at}", at, case=f"at-{at}") for at in (2, 3, 4, 5)))
    assert [case for _, case in ledger.cases_first_seen(T0 + 3, T0 + 5)] == ["at-3", "at-4"]
