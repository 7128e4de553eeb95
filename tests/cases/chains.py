"""What follows a report that came (DESIGN section 7, Chains)."""

from __future__ import annotations

from tests.cases.builders import (
    Case,
    encounter,
    final,
    follow_up,
    not_a_match,
    removed,
    report,
    v,
    void,
)
from tests.cases.policies import (
    REPORT_OF_CASE,
    THREE_LINKS,
    TWO_LINKS,
    WRITTEN,
)

FIRST = v("report", 1, "ON_TIME", 5, due=10, got=5, why="E S")
SECOND_MISSED = v("written", 1, "MISSED", 25, due=25, why="E S")

CASES = (
    Case(
        "what follows is due from when the first report was received",
        TWO_LINKS,
        [encounter("E", 0), report("S", 5, own=1)],
        [FIRST, SECOND_MISSED],
    ),
    Case(
        "at its due it is on time",
        TWO_LINKS,
        [encounter("E", 0), report("S", 5), follow_up("F", 25)],
        [FIRST, v("written", 1, "ON_TIME", 25, due=25, got=25, why="E S F")],
    ),
    Case(
        "a millisecond after it is late",
        TWO_LINKS,
        [encounter("E", 0), report("S", 5), follow_up("F", 26)],
        [FIRST, SECOND_MISSED, v("written", 1, "LATE", 26, due=25, got=26, why="E S F")],
    ),
    Case(
        "a late report opens what follows as well",
        TWO_LINKS,
        [encounter("E", 0), report("S", 15)],
        [
            v("report", 1, "MISSED", 10, due=10, why="E"),
            v("report", 1, "LATE", 15, due=10, got=15, why="E S"),
            v("written", 1, "MISSED", 35, due=35, why="E S"),
        ],
    ),
    Case(
        "a waiver, a void and an end open nothing",
        TWO_LINKS,
        [
            encounter("E", 0),
            encounter("F", 0, enc="f"),
            encounter("G", 0, enc="g"),
            not_a_match("W", 1),
            void("V", 2, "F"),
            removed("X", 3, enc="g"),
        ],
        [
            v("report", 1, "WAIVED", 1, due=10, got=1, why="E W"),
            v("report", 1, "VOIDED", 2, due=10, got=2, why="F V", enc="f"),
            v("report", 1, "ENDED", 3, due=10, got=3, why="G X", enc="g"),
        ],
    ),
    Case(
        "a following report that came first is on time at its own arrival (reading 1)",
        TWO_LINKS,
        [encounter("E", 1), follow_up("F", 2), report("S", 3)],
        [
            v("report", 1, "ON_TIME", 3, due=11, got=3, why="E S"),
            v("written", 1, "ON_TIME", 2, due=23, got=2, why="E F S"),
        ],
    ),
    Case(
        "but not before the encounter's",
        TWO_LINKS,
        [follow_up("F", 2), encounter("E", 4), report("S", 6)],
        [
            v("report", 1, "ON_TIME", 6, due=14, got=6, why="E S"),
            v("written", 1, "ON_TIME", 4, due=26, got=2, why="F E S"),
        ],
    ),
    Case(
        "the void of the first event voids what follows",
        TWO_LINKS,
        [encounter("E", 0), report("S", 5), void("V", 8, "E")],
        [FIRST, v("written", 1, "VOIDED", 8, due=25, got=8, why="E S V")],
    ),
    Case(
        "what follows inherits the waivers of the first",
        TWO_LINKS,
        [encounter("E", 0), report("S", 5), not_a_match("W", 8)],
        [FIRST, v("written", 1, "WAIVED", 8, due=25, got=8, why="E S W")],
    ),
    Case(
        "unless it has its own",
        TWO_LINKS + 'waived_by = { event = "MatchResolved", outcome = "INCONCLUSIVE" }\n',
        [encounter("E", 0), report("S", 5), not_a_match("W", 8)],
        [FIRST, SECOND_MISSED],
    ),
    Case(
        "it does not inherit what ends the first",
        TWO_LINKS,
        [encounter("E", 0), report("S", 5), removed("X", 8)],
        [FIRST, SECOND_MISSED],
    ),
    Case(
        'nor its by = "any" (reading 9)',
        REPORT_OF_CASE + 'by = "any"\n' + WRITTEN,
        [encounter("E", 0), report("S", 5, office="b"), follow_up("F", 8, office="b")],
        [FIRST, SECOND_MISSED],
    ),
    Case(
        'with a by = "any" of its own, every office may follow up',
        TWO_LINKS + 'by = "any"\n',
        [encounter("E", 0), report("S", 5), follow_up("F", 8, office="b")],
        [FIRST, v("written", 1, "ON_TIME", 8, due=25, got=8, why="E S F")],
    ),
    Case(
        "nor its scope (reading 9)",
        REPORT_OF_CASE + WRITTEN,
        [encounter("E", 0), report("S", 5, enc="e2"), follow_up("F", 8, enc="e2")],
        [FIRST, SECOND_MISSED],
    ),
    Case(
        "the report that opens what follows does not satisfy it (reading 5)",
        TWO_LINKS.replace('stage = "FOLLOW_UP"', 'stage = ["INITIAL", "FOLLOW_UP"]'),
        [encounter("E", 0), report("S", 5)],
        [FIRST, SECOND_MISSED],
    ),
    Case(
        "a second one of the same kind does",
        TWO_LINKS.replace('stage = "FOLLOW_UP"', 'stage = ["INITIAL", "FOLLOW_UP"]'),
        [encounter("E", 0), report("S", 5), report("S2", 6)],
        [FIRST, v("written", 1, "ON_TIME", 6, due=25, got=6, why="E S S2")],
    ),
    Case(
        "and the event that opened the chain does, as soon as what follows opens (reading 5)",
        TWO_LINKS.replace('{ event = "IncidentReported", stage = "FOLLOW_UP" }', '{ event = "EncounterReported" }'),
        [encounter("E", 0), report("S", 5)],
        [FIRST, v("written", 1, "ON_TIME", 0, due=25, got=0, why="E S")],
    ),
    Case(
        "a chain of three",
        THREE_LINKS,
        [encounter("E", 0), report("S", 5), follow_up("F", 8), final("G", 38)],
        [
            FIRST,
            v("written", 1, "ON_TIME", 8, due=25, got=8, why="E S F"),
            v("final", 1, "ON_TIME", 38, due=38, got=38, why="E F G"),
        ],
    ),
    Case(
        "all of it received backwards",
        THREE_LINKS,
        [final("G", 1), follow_up("F", 2), encounter("E", 3), report("S", 4)],
        [
            v("report", 1, "ON_TIME", 4, due=13, got=4, why="E S"),
            v("written", 1, "ON_TIME", 3, due=24, got=2, why="F E S"),
            v("final", 1, "ON_TIME", 3, due=32, got=1, why="G F E"),
        ],
    ),
    Case(
        "the void of the first event voids the third link",
        THREE_LINKS,
        [encounter("E", 0), report("S", 5), follow_up("F", 8), void("V", 9, "E")],
        [
            FIRST,
            v("written", 1, "ON_TIME", 8, due=25, got=8, why="E S F"),
            v("final", 1, "VOIDED", 9, due=38, got=9, why="E F V"),
        ],
    ),
    Case(
        "the third link inherits the waivers of the first, not of the second",
        TWO_LINKS
        + 'waived_by = { event = "MatchResolved", outcome = "INCONCLUSIVE" }\n'
        + THREE_LINKS.removeprefix(TWO_LINKS),
        [encounter("E", 0), report("S", 5), follow_up("F", 8), not_a_match("W", 9)],
        [
            FIRST,
            v("written", 1, "ON_TIME", 8, due=25, got=8, why="E S F"),
            v("final", 1, "WAIVED", 9, due=38, got=9, why="E F W"),
        ],
    ),
    Case(
        "what follows is numbered by its own key, and never absorbed (reading 8)",
        REPORT_OF_CASE + WRITTEN + 'scope = "case"\n',
        [
            encounter("E1", 0),
            report("S1", 1),
            encounter("E2", 2, enc="e2"),
            report("S2", 3, enc="e2"),
            follow_up("F1", 5),
            follow_up("F2", 6),
        ],
        [
            v("report", 1, "ON_TIME", 1, due=10, got=1, why="E1 S1"),
            v("report", 2, "ON_TIME", 3, due=12, got=3, why="E2 S2", enc="e2"),
            v("written", 1, "ON_TIME", 5, due=21, got=5, why="E1 S1 F1"),
            v("written", 2, "ON_TIME", 6, due=23, got=6, why="E2 S2 F2", enc="e2"),
        ],
    ),
    Case(
        "one follow-up satisfies the earlier of two that are open (reading 5)",
        REPORT_OF_CASE + WRITTEN + 'scope = "case"\n',
        [encounter("E1", 0), report("S1", 1), encounter("E2", 2), report("S2", 3), follow_up("F1", 5)],
        [
            v("report", 1, "ON_TIME", 1, due=10, got=1, why="E1 S1"),
            v("report", 2, "ON_TIME", 3, due=12, got=3, why="E2 S2"),
            v("written", 1, "ON_TIME", 5, due=21, got=5, why="E1 S1 F1"),
            v("written", 2, "MISSED", 23, due=23, why="E2 S2"),
        ],
    ),
)
