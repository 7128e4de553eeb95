"""What random logs found the two programs to disagree on; the readings that settled it are in docs/verdicts.md."""

from __future__ import annotations

from tests.cases.builders import (
    Case,
    confirmed,
    encounter,
    follow_up,
    not_a_match,
    report,
    retract,
    screening,
    v,
    void,
)
from tests.cases.odd_policies import (
    AT_20,
    OPENED_BY_FOLLOW_UP,
    OPENED_BY_REPORT,
    RECURRING_FOLLOWER,
    SATISFIED_BY_ANY_REPORT,
    SATISFIED_BY_RETRACTION,
    SATISFIED_BY_VOID,
    START_THEN_REPORT,
    WRITTEN_ALONE,
)
from tests.cases.policies import LINE, REPORT_OF_CASE, REPORT_OF_CASE_RECURS, REPORT_RECURS, WRITTEN, version

CASES = (
    Case(
        "a version that lets any office decide goes on with the older one's obligation (reading 9)",
        (version(1), version(2, effective=AT_20, line=LINE + 'by = "any"\n')),
        [encounter("E1", 0), encounter("E2", 30)],
        [v("report", 1, "MISSED", 10, due=10, why="E1")],
    ),
    Case(
        "what follows the first of two satisfied at one place is numbered before what follows the second (reading 8)",
        REPORT_RECURS + WRITTEN,
        [report("S1", 1), report("S2", 2), encounter("E", 3)],
        [
            v("report", 1, "ON_TIME", 3, due=13, got=1, why="S1 E"),
            v("report", 2, "ON_TIME", 3, due=11, got=2, why="S1 S2 E"),
            v("report", 3, "MISSED", 12, due=12, why="S2 E"),
            v("written", 1, "MISSED", 21, due=21, why="S1 E"),
            v("written", 2, "MISSED", 22, due=22, why="S2 E"),
        ],
    ),
    Case(
        "an occurrence that is judged again at the place where it opened chooses before the next one (reading 8)",
        REPORT_RECURS,
        [report("S1", 1), retract("R", 2, "S1"), report("S2", 4), encounter("E", 5)],
        [
            v("report", 1, "ON_TIME", 5, due=15, got=1, why="S1 E"),
            v("report", 1, "RETRACTED", 5, due=15, got=2, why="S1 R E"),
            v("report", 2, "MISSED", 11, due=11, why="S1 E"),
        ],
    ),
    Case(
        "a report is used up by an occurrence before another opens at the same place (reading 8)",
        (version(1, line=WRITTEN_ALONE), version(2, effective=AT_20, line=OPENED_BY_REPORT)),
        [confirmed("C", 0), follow_up("F", 1), report("S", 30)],
        [
            v("report", 1, "ON_TIME", 30, due=40, got=1, why="F S", policy="p@2"),
            v("written", 1, "MISSED", 20, due=20, why="C"),
            v("written", 1, "LATE", 30, due=20, got=30, why="C S"),
            v("written", 2, "MISSED", 21, due=21, why="F S", policy="p@2"),
        ],
    ),
    Case(
        "occurrences that are decided at one place open theirs in the order in which they opened (reading 8)",
        RECURRING_FOLLOWER,
        [report("S0", 0), screening("C1", 1), screening("C2", 5), follow_up("S1", 5)],
        [
            v("report", 1, "ON_TIME", 1, due=10, got=1, why="S0 C1"),
            v("report", 2, "ON_TIME", 5, due=15, got=5, why="C2 S1"),
            v("written", 1, "ON_TIME", 5, due=21, got=5, why="S0 C1 S1"),
            v("written", 2, "MISSED", 25, due=25, why="S0 S1"),
            v("written", 3, "MISSED", 25, due=25, why="C2 S1"),
        ],
    ),
    Case(
        "an earlier occurrence that a fact reopens has the first choice of that fact (reading 8)",
        SATISFIED_BY_RETRACTION,
        [report("A", 0), retract("R1", 5, "A"), report("B", 6), retract("R2", 8, "R1")],
        [
            v("report", 1, "ON_TIME", 5, due=10, got=5, why="A R1"),
            v("report", 1, "ON_TIME", 8, due=10, got=8, why="A R2"),
            v("report", 1, "RETRACTED", 8, due=10, got=8, why="A R1 R2"),
            v("report", 2, "MISSED", 16, due=16, why="B"),
        ],
    ),
    Case(
        "a void hands on while another occurrence, judged again, is unresolved (reading 7)",
        REPORT_OF_CASE,
        [
            encounter("E1", 0),
            report("S", 1),
            encounter("E2", 2),
            encounter("E3", 3),
            retract("R", 4, "S"),
            void("V", 5, "E2"),
        ],
        [
            v("report", 1, "ON_TIME", 1, due=10, got=1, why="E1 S"),
            v("report", 1, "RETRACTED", 4, due=10, got=4, why="E1 S R"),
            v("report", 1, "MISSED", 10, due=10, why="E1"),
            v("report", 2, "VOIDED", 5, due=12, got=5, why="E2 V"),
            v("report", 3, "MISSED", 13, due=13, why="E3"),
        ],
    ),
    Case(
        "every occurrence that is unresolved absorbs an event, and the first that is void hands it on (reading 7)",
        REPORT_OF_CASE,
        [
            encounter("E1", 0),
            report("S", 1),
            encounter("E2", 2),
            retract("R", 3, "S"),
            encounter("E3", 4),
            void("V", 5, "E1"),
        ],
        [
            v("report", 1, "ON_TIME", 1, due=10, got=1, why="E1 S"),
            v("report", 1, "RETRACTED", 3, due=10, got=3, why="E1 S R"),
            v("report", 1, "VOIDED", 5, due=10, got=5, why="E1 V"),
            v("report", 2, "MISSED", 12, due=12, why="E2"),
            v("report", 3, "MISSED", 14, due=14, why="E3"),
        ],
    ),
    Case(
        "an event that two unresolved occurrences absorbed opens the next once (reading 7)",
        REPORT_OF_CASE,
        [
            encounter("E1", 0),
            report("S", 1),
            encounter("E2", 2),
            retract("R", 3, "S"),
            encounter("E3", 4),
            void("V1", 5, "E1"),
            void("V2", 6, "E2"),
        ],
        [
            v("report", 1, "ON_TIME", 1, due=10, got=1, why="E1 S"),
            v("report", 1, "RETRACTED", 3, due=10, got=3, why="E1 S R"),
            v("report", 1, "VOIDED", 5, due=10, got=5, why="E1 V1"),
            v("report", 2, "VOIDED", 6, due=12, got=6, why="E2 V2"),
            v("report", 3, "MISSED", 14, due=14, why="E3"),
        ],
    ),
    Case(
        "a report that an earlier occurrence will choose once its own is retracted is no later one's (reading 8)",
        REPORT_OF_CASE_RECURS,
        [
            encounter("E1", 0),
            report("S1", 5),
            not_a_match("W", 12),
            encounter("E2", 12),
            retract("R", 12, "S1"),
            report("S2", 12),
        ],
        [
            v("report", 1, "ON_TIME", 5, due=10, got=5, why="E1 S1"),
            v("report", 1, "MISSED", 10, due=10, why="E1"),
            v("report", 1, "LATE", 12, due=10, got=12, why="E1 S2"),
            v("report", 1, "RETRACTED", 12, due=10, got=12, why="E1 S1 R"),
            v("report", 2, "WAIVED", 12, due=15, got=12, why="E1 S1 W"),
            v("report", 3, "WAIVED", 12, due=22, got=12, why="W E2"),
        ],
    ),
    Case(
        "nor is one that the earlier occurrence waits for (reading 8)",
        version(1, effective=AT_20, line=SATISFIED_BY_ANY_REPORT),
        [report("S1", 2), retract("R", 4, "S1"), void("V", 30, "F"), follow_up("F", 30), report("S2", 30)],
        [
            v("report", 1, "ON_TIME", 30, due=40, got=2, why="S1 F"),
            v("report", 1, "RETRACTED", 30, due=40, got=4, why="S1 R F"),
            v("report", 2, "MISSED", 12, due=12, why="S1 F"),
            v("report", 2, "VOIDED", 30, due=12, got=30, why="S1 V F"),
        ],
    ),
    Case(
        "what opened an occurrence is used up for a later one whose version could use it (readings 5 and 10)",
        (version(1, line=OPENED_BY_FOLLOW_UP), version(2, effective=AT_20, line=START_THEN_REPORT)),
        [report("S", 0), follow_up("F", 1), encounter("E", 30)],
        [
            v("report", 1, "MISSED", 11, due=11, why="F"),
            v("report", 2, "MISSED", 10, due=10, why="S E", policy="p@2"),
            v("start", 1, "ON_TIME", 30, due=40, got=0, why="S E", policy="p@2"),
        ],
    ),
    Case(
        "a void that the policy counts as the report satisfies: S comes before V",
        SATISFIED_BY_VOID,
        [encounter("E", 0), void("V", 5, "E")],
        [v("report", 1, "ON_TIME", 5, due=10, got=5, why="E V")],
    ),
)
