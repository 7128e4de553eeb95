"""What decides an obligation, on both sides of due (DESIGN section 7: Whose, Deciding, Missing, Afterwards)."""

from __future__ import annotations

from tests.cases.builders import Case, encounter, not_a_match, pulse, removed, report, v, void
from tests.cases.policies import REPORT, REPORT_BY_ANY, REPORT_OF_CASE

MISSED = v("report", 1, "MISSED", 10, due=10, why="E")

CASES = (
    Case("nothing is missed while the clock stands at due", REPORT, [encounter("E", 0)], as_of=10),
    Case("it is missed, at due, once the clock is past", REPORT, [encounter("E", 0)], [MISSED], as_of=11),
    Case(
        "a report a millisecond before due is on time",
        REPORT,
        [encounter("E", 0), report("S", 9)],
        [v("report", 1, "ON_TIME", 9, due=10, got=9, why="E S")],
    ),
    Case(
        "at due is on time",
        REPORT,
        [encounter("E", 0), report("S", 10)],
        [v("report", 1, "ON_TIME", 10, due=10, got=10, why="E S")],
    ),
    Case(
        "a millisecond after it is late, and the miss stays",
        REPORT,
        [encounter("E", 0), report("S", 11)],
        [MISSED, v("report", 1, "LATE", 11, due=10, got=11, why="E S")],
    ),
    Case(
        "what was received after the clock does not count",
        REPORT,
        [encounter("E", 0), report("S", 12)],
        [MISSED],
        as_of=11,
    ),
    Case(
        "what was received at the clock counts",
        REPORT,
        [encounter("E", 0), report("S", 12)],
        [MISSED, v("report", 1, "LATE", 12, due=10, got=12, why="E S")],
        as_of=12,
    ),
    Case(
        "a report of another stage satisfies nothing",
        REPORT,
        [encounter("E", 0), report("S", 5, stage="FINAL")],
        [MISSED],
    ),
    Case(
        "a report that came before its encounter is on time when the encounter comes",
        REPORT,
        [report("S", 1), encounter("E", 5)],
        [v("report", 1, "ON_TIME", 5, due=15, got=1, why="S E")],
    ),
    Case(
        "even when the encounter comes after due",
        REPORT,
        [report("S", 5), encounter("E", 100, own=0)],
        [v("report", 1, "ON_TIME", 100, due=10, got=5, why="S E")],
    ),
    Case(
        "a late report waits for its encounter too",
        REPORT,
        [report("S", 50), encounter("E", 100, own=0)],
        [v("report", 1, "MISSED", 10, due=10, why="E"), v("report", 1, "LATE", 100, due=10, got=50, why="S E")],
    ),
    Case(
        "for an encounter, a report may have happened before the anchor",
        REPORT,
        [encounter("E", 0), report("S", 5, own=-1)],
        [v("report", 1, "ON_TIME", 5, due=10, got=5, why="E S")],
    ),
    Case(
        "for a case, a report that happened before the anchor does not count",
        REPORT_OF_CASE,
        [encounter("E", 0), report("S", 5, own=-1)],
        [MISSED],
    ),
    Case(
        "one that happened at the anchor does",
        REPORT_OF_CASE,
        [encounter("E", 0), report("S", 5, own=0)],
        [v("report", 1, "ON_TIME", 5, due=10, got=5, why="E S")],
    ),
    Case(
        "for a case, a report of any of its encounters counts",
        REPORT_OF_CASE,
        [encounter("E", 0), report("S", 5, enc="e2")],
        [v("report", 1, "ON_TIME", 5, due=10, got=5, why="E S")],
    ),
    Case(
        "a claim from the future is as old as its arrival",
        REPORT_OF_CASE,
        [encounter("E", 5), report("S", 4, own=300)],
        [v("report", 1, "MISSED", 15, due=15, why="E")],
    ),
    Case(
        "a waiver at due waives",
        REPORT,
        [encounter("E", 0), not_a_match("W", 10)],
        [v("report", 1, "WAIVED", 10, due=10, got=10, why="E W")],
    ),
    Case(
        "a millisecond after it clears, and the miss stays",
        REPORT,
        [encounter("E", 0), not_a_match("W", 11)],
        [MISSED, v("report", 1, "CLEARED", 11, due=10, got=11, why="E W")],
    ),
    Case(
        "a waiver may come before its encounter",
        REPORT,
        [not_a_match("W", 1), encounter("E", 5)],
        [v("report", 1, "WAIVED", 5, due=15, got=1, why="W E")],
    ),
    Case(
        "for a case, not when it happened before the anchor",
        REPORT_OF_CASE,
        [encounter("E", 0), not_a_match("W", 5, own=-1)],
        [MISSED],
    ),
    Case(
        "a void at due voids",
        REPORT,
        [encounter("E", 0), void("V", 10, "E")],
        [v("report", 1, "VOIDED", 10, due=10, got=10, why="E V")],
    ),
    Case(
        "after due it voids too, and the miss stays",
        REPORT,
        [encounter("E", 0), void("V", 11, "E")],
        [MISSED, v("report", 1, "VOIDED", 11, due=10, got=11, why="E V")],
    ),
    Case(
        "a void may come before what it names, and need not name its encounter",
        REPORT,
        [void("V", 1, "E", enc="other"), encounter("E", 5)],
        [v("report", 1, "VOIDED", 5, due=15, got=1, why="V E")],
    ),
    Case("the void of another event does nothing", REPORT, [encounter("E", 0), void("V", 5, "other")], [MISSED]),
    Case("nor does another office's", REPORT_BY_ANY, [encounter("E", 0), void("V", 5, "E", office="b")], [MISSED]),
    Case("nor one in another case (reading 14)", REPORT, [encounter("E", 0), void("V", 5, "E", case="d")], [MISSED]),
    Case(
        "an end at due ends",
        REPORT,
        [encounter("E", 0), removed("X", 10)],
        [v("report", 1, "ENDED", 10, due=10, got=10, why="E X")],
    ),
    Case(
        "after due it ends too, and the miss stays",
        REPORT,
        [encounter("E", 0), removed("X", 11)],
        [MISSED, v("report", 1, "ENDED", 11, due=10, got=11, why="E X")],
    ),
    Case(
        "an end in the same millisecond, but later in fact order",
        REPORT,
        [encounter("E", 0), removed("X", 0)],
        [v("report", 1, "ENDED", 0, due=10, got=0, why="E X")],
    ),
    Case(
        "an end that stands before the opening event ends nothing",
        REPORT,
        [removed("X", 0), encounter("E", 0)],
        [MISSED],
    ),
    Case(
        "for a case, an end may have happened before the anchor",
        REPORT_OF_CASE,
        [encounter("E", 0), removed("X", 5, own=-9)],
        [v("report", 1, "ENDED", 5, due=10, got=5, why="E X")],
    ),
    Case(
        "at one append time the report comes before the waiver",
        REPORT,
        [encounter("E", 0), not_a_match("W", 5), report("S", 5)],
        [v("report", 1, "ON_TIME", 5, due=10, got=5, why="E S")],
    ),
    Case(
        "the waiver before the void",
        REPORT,
        [encounter("E", 0), void("V", 5, "E"), not_a_match("W", 5)],
        [v("report", 1, "WAIVED", 5, due=10, got=5, why="E W")],
    ),
    Case(
        "and the void before the end",
        REPORT,
        [encounter("E", 0), removed("X", 5), void("V", 5, "E")],
        [v("report", 1, "VOIDED", 5, due=10, got=5, why="E V")],
    ),
    Case(
        "a millisecond earlier, whatever it is, decides alone",
        REPORT,
        [encounter("E", 0), removed("X", 4), report("S", 5)],
        [v("report", 1, "ENDED", 4, due=10, got=4, why="E X")],
    ),
    Case(
        "the same after due",
        REPORT,
        [encounter("E", 0), not_a_match("W", 50), report("S", 50)],
        [MISSED, v("report", 1, "LATE", 50, due=10, got=50, why="E S")],
    ),
    Case(
        "another office's report does not satisfy",
        REPORT,
        [encounter("E", 0), report("S", 5, office="b"), not_a_match("W", 6, office="b"), removed("X", 7, office="b")],
        [MISSED],
    ),
    Case(
        'unless it is by = "any"',
        REPORT_BY_ANY,
        [encounter("E", 0), report("S", 5, office="b")],
        [v("report", 1, "ON_TIME", 5, due=10, got=5, why="E S")],
    ),
    Case(
        'by = "any" holds for waivers and ends',
        REPORT_BY_ANY,
        [
            encounter("E", 0),
            encounter("F", 1, enc="f"),
            not_a_match("W", 5, office="b"),
            removed("X", 6, office="b", enc="f"),
        ],
        [
            v("report", 1, "WAIVED", 5, due=10, got=5, why="E W"),
            v("report", 1, "ENDED", 6, due=11, got=6, why="F X", enc="f"),
        ],
    ),
    Case(
        'by = "any" still wants the same encounter',
        REPORT_BY_ANY,
        [encounter("E", 0), report("S", 5, office="b", enc="other")],
        [MISSED],
    ),
    Case(
        'one report may satisfy two offices, by = "any"',
        REPORT_BY_ANY,
        [encounter("E1", 0), encounter("E2", 1, office="b"), report("S", 5)],
        [
            v("report", 1, "ON_TIME", 5, due=10, got=5, why="E1 S"),
            v("report", 1, "ON_TIME", 5, due=11, got=5, why="E2 S", office="b"),
        ],
    ),
    Case(
        "an append time never goes back on a stream",
        REPORT,
        [encounter("E", 0), pulse(12, "field.a.incidents"), report("S", 9)],
        [MISSED, v("report", 1, "LATE", 12, due=10, got=12, why="E S")],
    ),
)
