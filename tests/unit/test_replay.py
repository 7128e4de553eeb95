"""A log through the live engine into a ledger: the same verdicts, however it is cut."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from muster_contract.errors import ConfigurationError
from muster_hq.entries import Counts
from muster_hq.ledger.sqlite import SqliteLedger
from muster_hq.logfile import offices_in
from muster_hq.published import verdict_row
from muster_hq.replay import replay
from tests.builders import policies_of, records_of
from tests.cases.builders import T0, encounter, pulse, raw, report
from tests.cases.policies import REPORT
from tests.verdict_cases import CASES, Case

A = "field.a.encounters"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    """Give a new ledger."""
    opened = SqliteLedger(tmp_path / "ledger.db")
    yield opened
    opened.close()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_text_and_the_ledger_agree(case: Case, ledger: SqliteLedger) -> None:
    """Each small log gets the verdicts that were written down for it by hand, in the audit's order."""
    records = case.records
    offices = offices_in(records) if case.offices is None else case.offices
    replay(records, case.policies, offices, ledger, case.instant, batch=2)
    rows = [verdict_row(case_id, verdict) for case_id, verdict in ledger.verdicts()]
    assert [case.compact(row) for row in rows] == case.expected()


def test_a_replay_counts_what_became_of_the_records(ledger: SqliteLedger) -> None:
    """And tells of its progress, batch by batch."""
    records = records_of(encounter("E", 0), encounter("E", 0), raw(b"", 1, A), pulse(2, A), report("S", 3))
    told: list[int] = []
    counts = replay(records, policies_of(REPORT), ["a"], ledger, T0 + 99, batch=3, progress=told.append)
    assert counts == Counts(applied=2, duplicate=1, pulse=1, quarantined=1)
    assert told == [3, 2]


def test_a_replay_ends_with_every_clock_at_the_instant(ledger: SqliteLedger) -> None:
    """Or beyond it, where the log goes on; nothing is judged that came later."""
    replay(records_of(encounter("E", 0), pulse(500, A)), policies_of(REPORT), ["a", "b"], ledger, T0 + 10)
    assert ledger.clocks() == {"": T0 + 10, "a": T0 + 10, "b": T0 + 10}
    assert list(ledger.verdicts()) == []


def test_a_ledger_that_holds_something_is_refused(ledger: SqliteLedger) -> None:
    """Two logs in one ledger would be neither."""
    replay(records_of(encounter("E", 0)), policies_of(REPORT), ["a"], ledger, T0)
    with pytest.raises(ConfigurationError, match="is not empty"):
        replay([], policies_of(REPORT), ["a"], ledger, T0)


def test_a_log_with_a_hole_is_refused(ledger: SqliteLedger) -> None:
    """With the place of the hole."""
    first, _, third = records_of(*(pulse(at, A) for at in range(3)))
    with pytest.raises(ConfigurationError, match=r"field\.a\.encounters, offset 2: offsets 1 to 1 are missing"):
        replay([first, third], policies_of(REPORT), ["a"], ledger, T0)
