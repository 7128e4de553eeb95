"""Every ledger: small logs with directives through the live engine, with the verdicts that the text gives them."""

from __future__ import annotations

import pytest

from muster_hq.ledger_port import Ledger
from muster_hq.published import verdict_row
from muster_hq.replay import replay
from tests.cases import activated, directed, moved, quarantined, registered
from tests.cases.builders import Case
from tests.older_program import older_program
from tests.unit.test_readmitted import CASES as READMITTED
from tests.unit.test_readmitted import REPORT

SOME = (
    *quarantined.CASES[1::9],
    *directed.CASES[::9],
    *moved.CASES[::6],
    *activated.CASES[1::4],
    *registered.CASES[3::5],
)


@pytest.mark.parametrize("case", SOME, ids=str)
def test_the_text_and_the_ledger_agree(case: Case, ledger: Ledger) -> None:
    """A few of each kind; all of them go through SQLite in tests/unit/test_replay.py."""
    assert_agree(case, ledger)


@pytest.mark.parametrize("case", READMITTED, ids=str)
def test_what_is_readmitted_is_a_fact(case: Case, ledger: Ledger) -> None:
    """From the directive's time on, and once, though the office sends it again."""
    with older_program([REPORT]):
        assert_agree(Case(case.name, case.policy, case.events, case.verdicts, as_of=200_000), ledger)


def assert_agree(case: Case, ledger: Ledger) -> None:
    """Replay a case in small batches, and compare what the ledger says with what was written down."""
    replay(case.records, case.policies, ["a", "b"], ledger, case.instant, batch=2)
    rows = [verdict_row(case_id, verdict) for case_id, verdict in ledger.verdicts()]
    assert [case.compact(row) for row in rows] == case.expected()
