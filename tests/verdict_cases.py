"""Every rule and reading of docs/verdicts.md as a small log with the verdicts that the text gives it.

The expectations were written from the text, by hand; whatever judges must meet them. A case gives its
``records``, ``policies``, ``offices`` and the ``instant`` at which the clock stands; ``compact`` turns a row
of DESIGN section 8 into the form of ``expected()``::

    @pytest.mark.parametrize("case", CASES, ids=str)
    def test_it(case: Case) -> None:
        rows = audit(case.records, case.policies, case.offices, case.instant).verdicts
        assert [case.compact(row) for row in rows] == case.expected()
"""

from __future__ import annotations

from tests.cases import (
    activated,
    calendars,
    chains,
    channels,
    deciding,
    directed,
    found,
    lodgings,
    moved,
    opening,
    outages,
    quarantined,
    recurring,
    registered,
    retractions,
    versions,
)
from tests.cases.builders import Case

CASES: tuple[Case, ...] = (
    *opening.CASES,
    *deciding.CASES,
    *chains.CASES,
    *recurring.CASES,
    *retractions.CASES,
    *outages.CASES,
    *quarantined.CASES,
    *directed.CASES,
    *moved.CASES,
    *activated.CASES,
    *registered.CASES,
    *versions.CASES,
    *calendars.CASES,
    *channels.CASES,
    *lodgings.CASES,
    *found.CASES,
)

__all__ = ["CASES", "Case"]
