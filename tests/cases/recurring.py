"""What recurs when a report came (DESIGN section 7, Chains)."""

from __future__ import annotations

from tests.cases.builders import Case, encounter, follow_up, removed, report, screening, supervised, v, void
from tests.cases.policies import REPORT_OF_CASE_RECURS, REPORT_RECURS, SCREENING, SELF, WRITTEN

CASES = (
    Case(
        "a screening opens the next, from its own time",
        SCREENING,
        [supervised("E", 0), screening("S1", 5, own=3), screening("S2", 13)],
        [
            v("screening", 1, "ON_TIME", 5, due=10, got=5, why="E S1"),
            v("screening", 2, "ON_TIME", 13, due=13, got=13, why="E S1 S2"),
            v("screening", 3, "MISSED", 23, due=23, why="E S2"),
        ],
    ),
    Case(
        "so does a late one",
        SCREENING,
        [supervised("E", 0), screening("S1", 15)],
        [
            v("screening", 1, "MISSED", 10, due=10, why="E"),
            v("screening", 1, "LATE", 15, due=10, got=15, why="E S1"),
            v("screening", 2, "MISSED", 25, due=25, why="E S1"),
        ],
    ),
    Case(
        "an end ends the occurrence that is open, and a new event opens the next number",
        SCREENING,
        [supervised("E", 0), screening("S1", 5), removed("X", 8), supervised("E2", 9, enc="e2")],
        [
            v("screening", 1, "ON_TIME", 5, due=10, got=5, why="E S1"),
            v("screening", 2, "ENDED", 8, due=15, got=8, why="E S1 X"),
            v("screening", 3, "MISSED", 19, due=19, why="E2", enc="e2"),
        ],
    ),
    Case(
        "another event while the chain is open is absorbed",
        SCREENING,
        [supervised("E", 0), screening("S1", 5), supervised("E2", 6, enc="e2")],
        [
            v("screening", 1, "ON_TIME", 5, due=10, got=5, why="E S1"),
            v("screening", 2, "MISSED", 15, due=15, why="E S1"),
        ],
    ),
    Case(
        "the void of the first event voids the occurrence that is open, and hands on what that absorbed",
        SCREENING,
        [supervised("E", 0), screening("S1", 5), supervised("E2", 6, enc="e2"), void("V", 7, "E")],
        [
            v("screening", 1, "ON_TIME", 5, due=10, got=5, why="E S1"),
            v("screening", 2, "VOIDED", 7, due=15, got=7, why="E S1 V"),
            v("screening", 3, "MISSED", 16, due=16, why="E2", enc="e2"),
        ],
    ),
    Case(
        "two reports before their encounter decide two occurrences when it comes",
        REPORT_RECURS,
        [report("S1", 1), report("S2", 2), encounter("E", 3)],
        [
            v("report", 1, "ON_TIME", 3, due=13, got=1, why="S1 E"),
            v("report", 2, "ON_TIME", 3, due=11, got=2, why="S1 S2 E"),
            v("report", 3, "MISSED", 12, due=12, why="S2 E"),
        ],
    ),
    Case(
        "an end at the append time of the report ends what it opens: it is later than the first event (reading 1)",
        REPORT_RECURS,
        [encounter("E", 0), removed("X", 5), report("S", 5)],
        [
            v("report", 1, "ON_TIME", 5, due=10, got=5, why="E S"),
            v("report", 2, "ENDED", 5, due=15, got=5, why="E X S"),
        ],
    ),
    Case(
        "the next occurrence stays with the office of the first (reading 1)",
        REPORT_OF_CASE_RECURS + 'by = "any"\n',
        [encounter("E", 0), report("S", 5, office="b", enc="e2")],
        [
            v("report", 1, "ON_TIME", 5, due=10, got=5, why="E S"),
            v("report", 2, "MISSED", 15, due=15, why="E S"),
        ],
    ),
    Case(
        "a requirement may recur and be followed",
        REPORT_RECURS + WRITTEN,
        [encounter("E", 0), report("S1", 5), report("S2", 9), follow_up("F", 12)],
        [
            v("report", 1, "ON_TIME", 5, due=10, got=5, why="E S1"),
            v("report", 2, "ON_TIME", 9, due=15, got=9, why="E S1 S2"),
            v("report", 3, "MISSED", 19, due=19, why="E S2"),
            v("written", 1, "ON_TIME", 12, due=25, got=12, why="E S1 F"),
            v("written", 2, "MISSED", 29, due=29, why="E S2"),
        ],
    ),
    Case(
        "a fact that opens the next link was absorbed by the one that it decided, not by the one that it opens",
        SELF + "recurs = true\n",
        [screening("C1", 0), screening("C2", 5), void("V", 7, "C1")],
        [
            v("self", 1, "ON_TIME", 5, due=10, got=5, why="C1 C2"),
            v("self", 2, "VOIDED", 7, due=15, got=7, why="C1 C2 V"),
        ],
    ),
    Case(
        "an event that ends too does not end what it opens",
        SCREENING.replace('"REMOVED"', '["REMOVED", "SUPERVISED"]'),
        [supervised("E1", 0), supervised("E2", 5)],
        [v("screening", 1, "ENDED", 5, due=10, got=5, why="E1 E2")],
    ),
)
