"""Which version of a policy judges, and what an orphan is (DESIGN sections 6 and 7; readings 10 and 11)."""

from __future__ import annotations

from tests.cases.builders import DAY, Case, encounter, follow_up, removed, report, retract, v, void
from tests.cases.policies import LINE, REPORT, WRITTEN, version

AT_20 = "2016-03-01T00:00:00.020Z"
QUICK = LINE.replace("PT0.010S", "PT0.005S")
TWO = (version(1, line=LINE + WRITTEN), version(2, effective=AT_20, line=QUICK + WRITTEN.replace("0.020", "0.001")))

VERSIONS = (
    Case(
        "the version in force when the event was received judges it",
        TWO,
        [encounter("E", 19)],
        [v("report", 1, "MISSED", 29, due=29, why="E")],
    ),
    Case(
        "from its first instant on the newer one does",
        TWO,
        [encounter("E", 20)],
        [v("report", 1, "MISSED", 25, due=25, why="E", policy="p@2")],
    ),
    Case(
        "whenever the event happened",
        TWO,
        [encounter("E", 20, own=10)],
        [v("report", 1, "MISSED", 15, due=15, why="E", policy="p@2")],
    ),
    Case(
        "it judges the whole chain",
        TWO,
        [encounter("E", 0), report("S", 25)],
        [
            v("report", 1, "MISSED", 10, due=10, why="E"),
            v("report", 1, "LATE", 25, due=10, got=25, why="E S"),
            v("written", 1, "MISSED", 45, due=45, why="E S"),
        ],
    ),
    Case(
        "an obligation of the older version absorbs for the newer",
        TWO,
        [encounter("E", 0), encounter("E2", 30)],
        [v("report", 1, "MISSED", 10, due=10, why="E")],
    ),
    Case(
        "numbering goes on",
        TWO,
        [encounter("E", 0), removed("X", 5), encounter("E2", 30)],
        [
            v("report", 1, "ENDED", 5, due=10, got=5, why="E X"),
            v("report", 2, "MISSED", 35, due=35, why="E2", policy="p@2"),
        ],
    ),
    Case(
        "what a void hands on is judged by the version of its own event",
        TWO,
        [encounter("E", 0), encounter("E2", 19), encounter("E3", 30), void("V", 40, "E"), void("V2", 41, "E2")],
        [
            v("report", 1, "MISSED", 10, due=10, why="E"),
            v("report", 1, "VOIDED", 40, due=10, got=40, why="E V"),
            v("report", 2, "MISSED", 29, due=29, why="E2"),
            v("report", 2, "VOIDED", 41, due=29, got=41, why="E2 V2"),
            v("report", 3, "MISSED", 35, due=35, why="E3", policy="p@2"),
        ],
    ),
    Case("before the first version nothing opens", TWO[1], [encounter("E", 19), report("S", 21)]),
    Case(
        "and nothing is orphaned",
        TWO[1],
        [report("S", 19)],
        as_of=3 * DAY,
    ),
)

ORPHANED = v("orphan-report", 1, "ORPHANED", DAY, due=DAY, why="S")
MISSED = v("report", 1, "MISSED", 10, due=10, why="E")

ORPHANS = (
    Case(
        "a report without an encounter is none while the clock stands at its due", REPORT, [report("S", 0)], as_of=DAY
    ),
    Case("it is an orphan once the clock is past", REPORT, [report("S", 0)], [ORPHANED], as_of=DAY + 1),
    Case(
        "whatever its stage",
        REPORT,
        [report("S", 0, stage="ORAL")],
        [ORPHANED],
        as_of=2 * DAY,
    ),
    Case(
        "an encounter that comes by then makes it none",
        REPORT,
        [report("S", 0), encounter("E", DAY, match="NONE")],
        as_of=2 * DAY,
    ),
    Case(
        "a millisecond later it is one, and the encounter is judged as usual",
        REPORT,
        [report("S", 0), encounter("E", DAY + 1)],
        [ORPHANED, v("report", 1, "ON_TIME", DAY + 1, due=DAY + 11, got=0, why="S E")],
        as_of=2 * DAY,
    ),
    Case(
        "an encounter that came long before counts, voided or not",
        REPORT,
        [encounter("E", 0, match="NONE"), void("V", 1, "E"), report("S", DAY)],
        as_of=3 * DAY,
    ),
    Case(
        "another office's encounter does not",
        REPORT,
        [encounter("E", 0, office="b", match="NONE"), report("S", 0)],
        [ORPHANED],
        as_of=2 * DAY,
    ),
    Case(
        "nor does another encounter of the case",
        REPORT,
        [encounter("E", 0, enc="other", match="NONE"), report("S", 0)],
        [ORPHANED],
        as_of=2 * DAY,
    ),
    Case(
        "a report that is retracted by then is none",
        REPORT,
        [report("S", 0), retract("R", DAY, "S")],
        as_of=2 * DAY,
    ),
    Case(
        "one that is retracted a millisecond later is",
        REPORT,
        [report("S", 0), retract("R", DAY + 1, "S")],
        [ORPHANED],
        as_of=2 * DAY,
    ),
    Case(
        "each is numbered in fact order, those that are none are not",
        REPORT,
        [report("S0", 0), report("S", 0), follow_up("F", 1), retract("R", 2, "S0")],
        [ORPHANED, v("orphan-report", 2, "ORPHANED", DAY + 1, due=DAY + 1, why="F")],
        as_of=2 * DAY,
    ),
    Case(
        "per office and encounter",
        REPORT,
        [report("S", 0), report("T", 1, enc="e2"), report("U", 2, office="b")],
        [
            ORPHANED,
            v("orphan-report", 1, "ORPHANED", DAY + 1, due=DAY + 1, why="T", enc="e2"),
            v("orphan-report", 1, "ORPHANED", DAY + 2, due=DAY + 2, why="U", office="b"),
        ],
        as_of=2 * DAY,
    ),
    Case(
        "by due time before fact order, when versions differ in orphan_after (reading 11)",
        (version(1), version(2, effective=AT_20, line='orphan_after = "PT1H"\n' + LINE)),
        [report("S", 0), report("T", 20)],
        [
            v("orphan-report", 1, "ORPHANED", 3_600_020, due=3_600_020, why="T", policy="p@2"),
            v("orphan-report", 2, "ORPHANED", DAY, due=DAY, why="S"),
        ],
        as_of=2 * DAY,
    ),
)

SENT_TWICE = (
    Case(
        "a second copy of a report is a duplicate and decides nothing",
        REPORT,
        [encounter("E", 0), report("S", 5), report("S", 6, own=5), encounter("E", 7, own=0)],
        [v("report", 1, "ON_TIME", 5, due=10, got=5, why="E S")],
    ),
    Case(
        "the same event_id with other bytes is a conflict and counts for nothing",
        REPORT,
        [encounter("E", 0), report("S", 5, stage="FINAL"), report("S", 6)],
        [MISSED],
    ),
    Case(
        "an event_id may stand on both streams",
        REPORT,
        [encounter("E", 0), report("E", 5)],
        [v("report", 1, "ON_TIME", 5, due=10, got=5, why="E E")],
    ),
)

CASES = (*VERSIONS, *ORPHANS, *SENT_TWICE)
