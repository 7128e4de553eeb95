"""What opens an obligation, what is absorbed, and what opens the next (DESIGN section 7, Opening)."""

from __future__ import annotations

from tests.cases.builders import (
    Case,
    confirmed,
    encounter,
    not_a_match,
    removed,
    report,
    screening,
    v,
    void,
)
from tests.cases.policies import REPORT, REPORT_FROM_ARRIVAL, REPORT_OF_CASE, SELF

CASES = (
    Case("an encounter without a match opens nothing", REPORT, [encounter("E", 0, match="NONE")]),
    Case(
        "every pattern of the list opens",
        REPORT,
        [confirmed("C", 0)],
        [v("report", 1, "MISSED", 10, due=10, why="C")],
    ),
    Case(
        "the anchor is when the event happened",
        REPORT,
        [encounter("E", 4, own=-3)],
        [v("report", 1, "MISSED", 7, due=7, why="E")],
    ),
    Case(
        "a claim from the future buys no time",
        REPORT,
        [encounter("E", 4, own=300)],
        [v("report", 1, "MISSED", 14, due=14, why="E")],
    ),
    Case(
        "with anchor received_at it is when the event arrived",
        REPORT_FROM_ARRIVAL,
        [encounter("E", 4, own=-3)],
        [v("report", 1, "MISSED", 14, due=14, why="E")],
    ),
    Case(
        "two encounters of a case are two obligations",
        REPORT,
        [encounter("E1", 0, enc="e1"), encounter("E2", 1, enc="e2"), report("S", 2, enc="e2")],
        [
            v("report", 1, "MISSED", 10, due=10, why="E1", enc="e1"),
            v("report", 1, "ON_TIME", 2, due=11, got=2, why="E2 S", enc="e2"),
        ],
    ),
    Case(
        "one encounter of two offices is two obligations",
        REPORT,
        [encounter("E1", 0), encounter("E2", 1, office="b"), report("S", 2, office="b")],
        [
            v("report", 1, "MISSED", 10, due=10, why="E1"),
            v("report", 1, "ON_TIME", 2, due=11, got=2, why="E2 S", office="b"),
        ],
    ),
    Case(
        "the same encounter id in another case is another encounter",
        REPORT,
        [encounter("E", 0), report("S", 2, case="d")],
        [v("report", 1, "MISSED", 10, due=10, why="E")],
    ),
    Case(
        "while one is open, what would open another is absorbed",
        REPORT_OF_CASE,
        [encounter("E1", 0), encounter("E2", 5, enc="e2"), report("S", 8)],
        [v("report", 1, "ON_TIME", 8, due=10, got=8, why="E1 S")],
    ),
    Case(
        "and while one is outstanding",
        REPORT_OF_CASE,
        [encounter("E1", 0), encounter("E2", 50), report("S", 60)],
        [
            v("report", 1, "MISSED", 10, due=10, why="E1"),
            v("report", 1, "LATE", 60, due=10, got=60, why="E1 S"),
        ],
    ),
    Case(
        "afterwards the next opens when the scope is the case",
        REPORT_OF_CASE,
        [encounter("E1", 0), report("S", 5), encounter("E2", 6, enc="e2")],
        [
            v("report", 1, "ON_TIME", 5, due=10, got=5, why="E1 S"),
            v("report", 2, "MISSED", 16, due=16, why="E2", enc="e2"),
        ],
    ),
    Case(
        "but not for an encounter that was reported on time",
        REPORT,
        [encounter("E1", 0), report("S", 5), confirmed("E2", 6)],
        [v("report", 1, "ON_TIME", 5, due=10, got=5, why="E1 S")],
    ),
    Case(
        "nor late",
        REPORT,
        [encounter("E1", 0), report("S", 15), confirmed("E2", 16)],
        [
            v("report", 1, "MISSED", 10, due=10, why="E1"),
            v("report", 1, "LATE", 15, due=10, got=15, why="E1 S"),
        ],
    ),
    Case(
        "it does when the last was waived, and the waiver is not used up (reading 4)",
        REPORT,
        [encounter("E1", 0), not_a_match("W", 5), confirmed("E2", 6)],
        [
            v("report", 1, "WAIVED", 5, due=10, got=5, why="E1 W"),
            v("report", 2, "WAIVED", 6, due=16, got=5, why="W E2"),
        ],
    ),
    Case(
        "when it was cleared",
        REPORT,
        [encounter("E1", 0), not_a_match("W", 15), confirmed("E2", 16)],
        [
            v("report", 1, "MISSED", 10, due=10, why="E1"),
            v("report", 1, "CLEARED", 15, due=10, got=15, why="E1 W"),
            v("report", 2, "WAIVED", 16, due=26, got=15, why="W E2"),
        ],
    ),
    Case(
        "when it was voided",
        REPORT,
        [encounter("E1", 0), void("V", 5, "E1"), encounter("E2", 6)],
        [
            v("report", 1, "VOIDED", 5, due=10, got=5, why="E1 V"),
            v("report", 2, "MISSED", 16, due=16, why="E2"),
        ],
    ),
    Case(
        "and when it has ended",
        REPORT,
        [encounter("E1", 0), removed("X", 5), encounter("E2", 6)],
        [
            v("report", 1, "ENDED", 5, due=10, got=5, why="E1 X"),
            v("report", 2, "MISSED", 16, due=16, why="E2"),
        ],
    ),
    Case(
        "an event at the append time of what decides is absorbed when it stands before it",
        REPORT_OF_CASE,
        [encounter("E1", 0), encounter("E2", 5), not_a_match("W", 5)],
        [v("report", 1, "WAIVED", 5, due=10, got=5, why="E1 W")],
    ),
    Case(
        "and opens the next when it stands after it",
        REPORT_OF_CASE,
        [encounter("E1", 0), removed("X", 5), encounter("E2", 5)],
        [
            v("report", 1, "ENDED", 5, due=10, got=5, why="E1 X"),
            v("report", 2, "MISSED", 15, due=15, why="E2"),
        ],
    ),
    Case(
        "between two deciding facts of one append time it is absorbed (reading 3)",
        REPORT_OF_CASE,
        [encounter("E1", 0), removed("X", 5), encounter("E2", 5), report("S", 5)],
        [v("report", 1, "ON_TIME", 5, due=10, got=5, why="E1 S")],
    ),
    Case(
        "a fact in two roles is absorbed first and then decides (reading 2)",
        SELF,
        [screening("C1", 0), screening("C2", 5), screening("C3", 9)],
        [
            v("self", 1, "ON_TIME", 5, due=10, got=5, why="C1 C2"),
            v("self", 2, "MISSED", 19, due=19, why="C3"),
        ],
    ),
    Case(
        "a void lets the earliest absorbed event open the next at once, with its own anchor",
        REPORT,
        [encounter("E1", 0), encounter("E2", 2, own=1), encounter("E3", 3), void("V", 4, "E1")],
        [
            v("report", 1, "VOIDED", 4, due=10, got=4, why="E1 V"),
            v("report", 2, "MISSED", 11, due=11, why="E2"),
        ],
    ),
    Case(
        "the later absorbed ones wait with it (reading 7)",
        REPORT,
        [
            encounter("E1", 0),
            encounter("E2", 2),
            encounter("E3", 3),
            void("V1", 4, "E1"),
            encounter("E4", 5),
            void("V2", 6, "E2"),
            void("V3", 7, "E3"),
        ],
        [
            v("report", 1, "VOIDED", 4, due=10, got=4, why="E1 V1"),
            v("report", 2, "VOIDED", 6, due=12, got=6, why="E2 V2"),
            v("report", 3, "VOIDED", 7, due=13, got=7, why="E3 V3"),
            v("report", 4, "MISSED", 15, due=15, why="E4"),
        ],
    ),
    Case(
        "one that is itself void by then is passed over",
        REPORT,
        [encounter("E1", 0), encounter("E2", 2), encounter("E3", 3), void("V2", 3, "E2"), void("V1", 4, "E1")],
        [
            v("report", 1, "VOIDED", 4, due=10, got=4, why="E1 V1"),
            v("report", 2, "MISSED", 13, due=13, why="E3"),
        ],
    ),
    Case(
        "also when its void has the same append time (reading 7)",
        REPORT,
        [encounter("E1", 0), encounter("E2", 2), void("V1", 4, "E1"), void("V2", 4, "E2")],
        [v("report", 1, "VOIDED", 4, due=10, got=4, why="E1 V1")],
    ),
    Case(
        "and not when it came a millisecond later",
        REPORT,
        [encounter("E1", 0), encounter("E2", 2), void("V1", 4, "E1"), void("V2", 5, "E2")],
        [
            v("report", 1, "VOIDED", 4, due=10, got=4, why="E1 V1"),
            v("report", 2, "VOIDED", 5, due=12, got=5, why="E2 V2"),
        ],
    ),
    Case(
        "the void of an outstanding one hands on as well, past the next due time if need be",
        REPORT,
        [encounter("E1", 0), encounter("E2", 2), void("V", 40, "E1"), report("S", 41)],
        [
            v("report", 1, "MISSED", 10, due=10, why="E1"),
            v("report", 1, "VOIDED", 40, due=10, got=40, why="E1 V"),
            v("report", 2, "MISSED", 12, due=12, why="E2"),
            v("report", 2, "LATE", 41, due=12, got=41, why="E2 S"),
        ],
    ),
    Case(
        "the opening time after a void is the void's (reading 1)",
        REPORT_OF_CASE,
        [encounter("E1", 5), report("S", 6, own=3), encounter("E2", 7, own=2), void("V", 8, "E1")],
        [
            v("report", 1, "VOIDED", 8, due=15, got=8, why="E1 V"),
            v("report", 2, "ON_TIME", 8, due=12, got=6, why="S E2"),
        ],
    ),
    Case(
        "what was absorbed by one that was waived opens nothing",
        REPORT,
        [encounter("E1", 0), encounter("E2", 2), not_a_match("W", 4)],
        [v("report", 1, "WAIVED", 4, due=10, got=4, why="E1 W")],
    ),
)
