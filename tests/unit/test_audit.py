"""The auditor, held against the text: every rule and reading as a small log (tests/cases)."""

from __future__ import annotations

import pytest

from muster_hq.audit import audit
from tests.verdict_cases import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_text_and_the_auditor_agree(case: Case) -> None:
    """Each small log gets the verdicts that were written down for it by hand, and no others."""
    rows = audit(case.records, case.policies, case.offices, case.instant).verdicts
    assert [case.compact(row) for row in rows] == case.expected()
