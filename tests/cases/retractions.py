"""What a retraction undoes, and what it does not (DESIGN section 7, Retraction)."""

from __future__ import annotations

from tests.cases.builders import Case, encounter, follow_up, not_a_match, report, retract, v, void
from tests.cases.policies import REPORT, REPORT_BY_ANY, REPORT_OF_CASE, REPORT_RECURS, TWO_LINKS

E = encounter("E", 0)
ON_TIME = v("report", 1, "ON_TIME", 1, due=10, got=1, why="E S")
MISSED = v("report", 1, "MISSED", 10, due=10, why="E")

CASES = (
    Case(
        "a report that is retracted before due leaves the obligation open, and then missed",
        REPORT,
        [E, report("S", 1), retract("R", 3, "S")],
        [ON_TIME, v("report", 1, "RETRACTED", 3, due=10, got=3, why="E S R"), MISSED],
    ),
    Case(
        "after due, it is missed at due",
        REPORT,
        [E, report("S", 1), retract("R", 20, "S")],
        [ON_TIME, v("report", 1, "RETRACTED", 20, due=10, got=20, why="E S R"), MISSED],
    ),
    Case(
        "a second report of before due decides at the retraction",
        REPORT,
        [E, report("S", 1), report("S2", 2), retract("R", 4, "S")],
        [
            ON_TIME,
            v("report", 1, "RETRACTED", 4, due=10, got=4, why="E S R"),
            v("report", 1, "ON_TIME", 4, due=10, got=2, why="E S2"),
        ],
    ),
    Case(
        "even at a retraction after due",
        REPORT,
        [E, report("S", 1), report("S2", 2), retract("R", 40, "S")],
        [
            ON_TIME,
            v("report", 1, "RETRACTED", 40, due=10, got=40, why="E S R"),
            v("report", 1, "ON_TIME", 40, due=10, got=2, why="E S2"),
        ],
    ),
    Case(
        "a second report after the retraction decides when it comes",
        REPORT,
        [E, report("S", 1), retract("R", 3, "S"), report("S2", 6)],
        [
            ON_TIME,
            v("report", 1, "RETRACTED", 3, due=10, got=3, why="E S R"),
            v("report", 1, "ON_TIME", 6, due=10, got=6, why="E S2"),
        ],
    ),
    Case(
        "a waiver that lost to the report waives at the retraction",
        REPORT,
        [E, report("S", 1), not_a_match("W", 2), retract("R", 20, "S")],
        [
            ON_TIME,
            v("report", 1, "RETRACTED", 20, due=10, got=20, why="E S R"),
            v("report", 1, "WAIVED", 20, due=10, got=2, why="E W"),
        ],
    ),
    Case(
        "a miss is given once: a late report that is retracted adds none",
        REPORT,
        [E, report("S", 12), retract("R", 15, "S")],
        [
            MISSED,
            v("report", 1, "LATE", 12, due=10, got=12, why="E S"),
            v("report", 1, "RETRACTED", 15, due=10, got=15, why="E S R"),
        ],
    ),
    Case(
        "the next late one resolves it again",
        REPORT,
        [E, report("S", 12), report("S2", 13), retract("R", 15, "S")],
        [
            MISSED,
            v("report", 1, "LATE", 12, due=10, got=12, why="E S"),
            v("report", 1, "RETRACTED", 15, due=10, got=15, why="E S R"),
            v("report", 1, "LATE", 15, due=10, got=13, why="E S2"),
        ],
    ),
    Case(
        "a report whose retraction was received with it never counts",
        REPORT,
        [E, report("S", 5), retract("R", 5, "S")],
        [MISSED],
    ),
    Case("nor one whose retraction came first", REPORT, [E, retract("R", 4, "S"), report("S", 5)], [MISSED]),
    Case(
        "a millisecond later it counts until then",
        REPORT,
        [E, report("S", 5), retract("R", 6, "S")],
        [
            v("report", 1, "ON_TIME", 5, due=10, got=5, why="E S"),
            v("report", 1, "RETRACTED", 6, due=10, got=6, why="E S R"),
            MISSED,
        ],
    ),
    Case(
        "a retraction that the clock has not reached does not count",
        REPORT,
        [E, report("S", 1), retract("R", 20, "S")],
        [ON_TIME],
        as_of=19,
    ),
    Case(
        "another office's retraction does nothing",
        REPORT,
        [E, report("S", 1), retract("R", 3, "S", office="b")],
        [ON_TIME],
    ),
    Case(
        "nor does one in another case (reading 14)",
        REPORT,
        [E, report("S", 1), retract("R", 3, "S", case="d")],
        [ON_TIME],
    ),
    Case(
        "the reporting office's does, whoever's the obligation is",
        REPORT_BY_ANY,
        [E, report("S", 1, office="b"), retract("R", 3, "S", office="b")],
        [ON_TIME, v("report", 1, "RETRACTED", 3, due=10, got=3, why="E S R"), MISSED],
    ),
    Case(
        "the obligation's office cannot retract for it",
        REPORT_BY_ANY,
        [E, report("S", 1, office="b"), retract("R", 3, "S")],
        [ON_TIME],
    ),
    Case(
        "the retraction of a report that decided nothing does nothing",
        REPORT,
        [E, report("S", 1), report("S2", 2), retract("R", 3, "S2")],
        [ON_TIME],
    ),
    Case(
        "a second retraction of the same report does nothing",
        REPORT,
        [E, report("S", 1), retract("R", 3, "S"), retract("R2", 5, "S"), report("S2", 6)],
        [
            ON_TIME,
            v("report", 1, "RETRACTED", 3, due=10, got=3, why="E S R"),
            v("report", 1, "ON_TIME", 6, due=10, got=6, why="E S2"),
        ],
    ),
    Case(
        "a report that was retracted while it waited decides and is retracted at once (reading 6)",
        REPORT,
        [report("S", 1), retract("R", 2, "S"), encounter("E", 3)],
        [
            v("report", 1, "ON_TIME", 3, due=13, got=1, why="S E"),
            v("report", 1, "RETRACTED", 3, due=13, got=2, why="S R E"),
            v("report", 1, "MISSED", 13, due=13, why="E"),
        ],
    ),
    Case(
        "so does one that waited for an earlier report to be retracted, each verdict once (reading 6)",
        REPORT,
        [E, report("S", 1), report("S2", 2), retract("R2", 3, "S2"), retract("R", 4, "S")],
        [
            ON_TIME,
            v("report", 1, "RETRACTED", 4, due=10, got=4, why="E S R"),
            v("report", 1, "ON_TIME", 4, due=10, got=2, why="E S2"),
            MISSED,
        ],
    ),
    Case(
        "and what decides after two retractions decides at the later one",
        REPORT,
        [E, report("S", 1), report("S2", 2), report("S3", 3), retract("R2", 4, "S2"), retract("R", 5, "S")],
        [
            ON_TIME,
            v("report", 1, "RETRACTED", 5, due=10, got=5, why="E S R"),
            v("report", 1, "ON_TIME", 5, due=10, got=2, why="E S2"),
        ],
    ),
    Case(
        "two retractions in turn",
        REPORT,
        [E, report("S", 1), report("S2", 2), retract("R", 4, "S"), retract("R2", 6, "S2")],
        [
            ON_TIME,
            v("report", 1, "RETRACTED", 4, due=10, got=4, why="E S R"),
            v("report", 1, "ON_TIME", 4, due=10, got=2, why="E S2"),
            v("report", 1, "RETRACTED", 6, due=10, got=6, why="E S2 R2"),
            MISSED,
        ],
    ),
    Case(
        "what the report opened stays, and is opened once",
        TWO_LINKS,
        [E, report("S", 1), follow_up("F", 3), retract("R", 4, "S"), report("S2", 6)],
        [
            ON_TIME,
            v("report", 1, "RETRACTED", 4, due=10, got=4, why="E S R"),
            v("report", 1, "ON_TIME", 6, due=10, got=6, why="E S2"),
            v("written", 1, "ON_TIME", 3, due=21, got=3, why="E S F"),
        ],
    ),
    Case(
        "a report that was retracted while it waited opens what follows too",
        TWO_LINKS,
        [report("S", 1), retract("R", 2, "S"), encounter("E", 3)],
        [
            v("report", 1, "ON_TIME", 3, due=13, got=1, why="S E"),
            v("report", 1, "RETRACTED", 3, due=13, got=2, why="S R E"),
            v("report", 1, "MISSED", 13, due=13, why="E"),
            v("written", 1, "MISSED", 21, due=21, why="S E"),
        ],
    ),
    Case(
        "one that never counts opens nothing",
        TWO_LINKS,
        [report("S", 2), retract("R", 2, "S"), encounter("E", 3)],
        [v("report", 1, "MISSED", 13, due=13, why="E")],
    ),
    Case(
        "a retracted follow-up leaves the first report alone",
        TWO_LINKS,
        [E, report("S", 1), follow_up("F", 3), retract("R", 4, "F")],
        [
            ON_TIME,
            v("written", 1, "ON_TIME", 3, due=21, got=3, why="E S F"),
            v("written", 1, "RETRACTED", 4, due=21, got=4, why="E S F R"),
            v("written", 1, "MISSED", 21, due=21, why="E S"),
        ],
    ),
    Case(
        "once retracted it is unresolved again, and absorbs",
        REPORT_OF_CASE,
        [E, report("S", 1), retract("R", 4, "S"), encounter("E2", 5)],
        [ON_TIME, v("report", 1, "RETRACTED", 4, due=10, got=4, why="E S R"), MISSED],
    ),
    Case(
        "until then it was not",
        REPORT_OF_CASE,
        [E, report("S", 1), encounter("E2", 4), retract("R", 4, "S")],
        [
            ON_TIME,
            v("report", 1, "RETRACTED", 4, due=10, got=4, why="E S R"),
            MISSED,
            v("report", 2, "MISSED", 14, due=14, why="E2"),
        ],
    ),
    Case(
        "what it absorbed before the report that was retracted opens the next when it is voided",
        REPORT_OF_CASE,
        [E, encounter("E2", 1), report("S", 2), retract("R", 4, "S"), void("V", 6, "E")],
        [
            v("report", 1, "ON_TIME", 2, due=10, got=2, why="E S"),
            v("report", 1, "RETRACTED", 4, due=10, got=4, why="E S R"),
            v("report", 1, "VOIDED", 6, due=10, got=6, why="E V"),
            v("report", 2, "MISSED", 11, due=11, why="E2"),
        ],
    ),
    Case(
        "the report of a later occurrence may decide an earlier one (reading 5)",
        REPORT_RECURS,
        [E, report("S", 1), report("S2", 2), retract("R", 4, "S")],
        [
            ON_TIME,
            v("report", 1, "RETRACTED", 4, due=10, got=4, why="E S R"),
            v("report", 1, "ON_TIME", 4, due=10, got=2, why="E S2"),
            v("report", 2, "ON_TIME", 2, due=11, got=2, why="E S S2"),
            v("report", 3, "MISSED", 12, due=12, why="E S2"),
        ],
    ),
    Case(
        "of two that are unresolved, a report decides the earlier, and is used up for the later (reading 5)",
        REPORT_RECURS,
        [E, report("S", 1), retract("R", 2, "S"), report("S2", 3)],
        [
            ON_TIME,
            v("report", 1, "RETRACTED", 2, due=10, got=2, why="E S R"),
            v("report", 1, "ON_TIME", 3, due=10, got=3, why="E S2"),
            v("report", 2, "MISSED", 11, due=11, why="E S"),
        ],
    ),
    Case(
        "two that are unresolved both absorb; the void of either hands on at once, and one event opens one",
        REPORT_OF_CASE,
        [
            E,
            report("S", 1),
            encounter("E2", 2),
            retract("R", 3, "S"),
            encounter("E3", 4),
            void("V", 5, "E"),
            void("V2", 6, "E2"),
        ],
        [
            ON_TIME,
            v("report", 1, "RETRACTED", 3, due=10, got=3, why="E S R"),
            v("report", 1, "VOIDED", 5, due=10, got=5, why="E V"),
            v("report", 2, "VOIDED", 6, due=12, got=6, why="E2 V2"),
            v("report", 3, "MISSED", 14, due=14, why="E3"),
        ],
    ),
    Case(
        "a void that decides at a retraction hands on what is not void by then (reading 7)",
        REPORT_OF_CASE,
        [E, encounter("E2", 1), report("S", 2), void("V", 4, "E"), void("V2", 5, "E2"), retract("R", 5, "S")],
        [
            v("report", 1, "ON_TIME", 2, due=10, got=2, why="E S"),
            v("report", 1, "RETRACTED", 5, due=10, got=5, why="E S R"),
            v("report", 1, "VOIDED", 5, due=10, got=4, why="E V"),
        ],
    ),
)
