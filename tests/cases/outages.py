"""When intake's own outage excuses an office, and for how long (DESIGN section 7, Missing; reading 12).

The report is due at 60 seconds; an outage is longer than 20 seconds, and its grace is 10.
"""

from __future__ import annotations

from tests.cases.builders import (
    SECOND,
    Case,
    Event,
    Expected,
    encounter,
    not_a_match,
    pulse,
    raw,
    removed,
    report,
    retract,
    v,
    void,
)
from tests.cases.policies import HEAD, OUTAGE, version

DUE = 60 * SECOND
END = 200 * SECOND
E = encounter("E", 0)


def pulses(stream: str, *instants: int) -> list[Event]:
    """Pulse a stream at these milliseconds."""
    return [pulse(at, stream) for at in instants]


def steady(stream: str) -> list[Event]:
    """Pulse a stream every twenty seconds, which is no outage."""
    return pulses(stream, *range(0, END + 1, 20 * SECOND))


def silent(start: int, end: int, *others: Event, kind: str = "incidents") -> list[Event]:
    """Give a log in which one of the office's streams was silent from start to end, and the other never."""
    before, after = range(start % (10 * SECOND), start + 1, 10 * SECOND), range(end, END + 1, 20 * SECOND)
    other = {"incidents": "encounters", "encounters": "incidents"}[kind]
    log = [E, *steady(f"field.a.{other}"), *pulses(f"field.a.{kind}", *before, *after), *others]
    return sorted(log, key=lambda event: event.at)


def on_report(verdict: str, at: int, got: int | None = None, why: str = "E") -> Expected:
    """Write down a verdict on the report that is due at 60 seconds."""
    return v("report", 1, verdict, at, due=DUE, got=got, why=why)


UNDETERMINED = on_report("UNDETERMINED", DUE)
MISSED = on_report("MISSED", DUE)

CASES = (
    Case(
        "a due time inside an outage is undetermined, and missed when the grace is over",
        OUTAGE,
        silent(50_000, 75_000),
        [UNDETERMINED, on_report("MISSED", 85_000)],
        as_of=END,
    ),
    Case("nothing is said while the clock stands at due", OUTAGE, silent(50_000, 75_000), as_of=60_000),
    Case("it is undetermined once the clock is past", OUTAGE, silent(50_000, 75_000), [UNDETERMINED], as_of=60_001),
    Case(
        "and while the clock stands at the end of the grace",
        OUTAGE,
        silent(50_000, 75_000),
        [UNDETERMINED],
        as_of=85_000,
    ),
    Case(
        "it is missed once the clock is past that",
        OUTAGE,
        silent(50_000, 75_000),
        [UNDETERMINED, on_report("MISSED", 85_000)],
        as_of=85_001,
    ),
    Case(
        "a report by the end of the grace is excused",
        OUTAGE,
        silent(50_000, 75_000, report("S", 85_000)),
        [UNDETERMINED, on_report("EXCUSED", 85_000, 85_000, "E S")],
        as_of=END,
    ),
    Case(
        "a millisecond after it is late",
        OUTAGE,
        silent(50_000, 75_000, report("S", 85_001)),
        [UNDETERMINED, on_report("MISSED", 85_000), on_report("LATE", 85_001, 85_001, "E S")],
        as_of=END,
    ),
    Case(
        "a waiver in the grace clears",
        OUTAGE,
        silent(50_000, 75_000, not_a_match("W", 80_000)),
        [UNDETERMINED, on_report("CLEARED", 80_000, 80_000, "E W")],
        as_of=END,
    ),
    Case(
        "a void in the grace voids",
        OUTAGE,
        silent(50_000, 75_000, void("V", 80_000, "E")),
        [UNDETERMINED, on_report("VOIDED", 80_000, 80_000, "E V")],
        as_of=END,
    ),
    Case(
        "an end in the grace ends",
        OUTAGE,
        silent(50_000, 75_000, removed("X", 80_000)),
        [UNDETERMINED, on_report("ENDED", 80_000, 80_000, "E X")],
        as_of=END,
    ),
    Case(
        "what was received by due needs no excuse",
        OUTAGE,
        silent(50_000, 75_000, not_a_match("W", 60_000)),
        [on_report("WAIVED", 60_000, 60_000, "E W")],
        as_of=END,
    ),
    Case(
        "an outage that begins at due excuses nothing",
        OUTAGE,
        silent(60_000, 90_000),
        [MISSED],
        as_of=END,
    ),
    Case(
        "one that began a millisecond before does",
        OUTAGE,
        silent(59_999, 90_000),
        [UNDETERMINED, on_report("MISSED", 100_000)],
        as_of=END,
    ),
    Case(
        "one whose grace ended at due excuses nothing",
        OUTAGE,
        silent(25_000, 50_000),
        [MISSED],
        as_of=END,
    ),
    Case(
        "one whose grace ends a millisecond later does, for that long",
        OUTAGE,
        silent(25_000, 50_001),
        [UNDETERMINED, on_report("MISSED", 60_001)],
        as_of=END,
    ),
    Case(
        "a silence as long as outage_after is none",
        OUTAGE,
        silent(50_000, 70_000),
        [MISSED],
        as_of=END,
    ),
    Case(
        "a millisecond longer is one",
        OUTAGE,
        silent(50_000, 70_001),
        [UNDETERMINED, on_report("MISSED", 80_001)],
        as_of=END,
    ),
    Case(
        "a policy without outage_after knows no outage",
        OUTAGE.replace('outage_after = "PT20S"\n', ""),
        silent(50_000, 75_000),
        [MISSED],
        as_of=END,
    ),
    Case(
        "a silence of the other stream is one too",
        OUTAGE,
        silent(50_000, 75_000, kind="encounters"),
        [UNDETERMINED, on_report("MISSED", 85_000)],
        as_of=END,
    ),
    Case(
        "the latest grace counts",
        OUTAGE,
        sorted(
            [
                E,
                *pulses("field.a.encounters", 20_000, 40_000, 65_000, *range(80_000, END + 1, 20_000)),
                *pulses("field.a.incidents", 0, 20_000, 30_000, 55_000, *range(60_000, END + 1, 20_000)),
            ],
            key=lambda event: event.at,
        ),
        [UNDETERMINED, on_report("MISSED", 75_000)],
        as_of=END,
    ),
    Case(
        "another office's outage is not this office's",
        OUTAGE,
        [
            E,
            *steady("field.a.encounters"),
            *steady("field.a.incidents"),
            *pulses("field.b.incidents", 0, 50_000, 75_000, 90_000),
        ],
        [MISSED],
        as_of=END,
    ),
    Case(
        "a silence of hq.directives is no office's",
        OUTAGE,
        [
            E,
            *steady("field.a.encounters"),
            *steady("field.a.incidents"),
            *pulses("hq.directives", 0, 50_000, 75_000),
        ],
        [MISSED],
        as_of=END,
    ),
    Case(
        "any record ends a silence, even one that is quarantined",
        OUTAGE,
        silent(50_000, 75_000, raw(b"junk", 65_000, "field.a.incidents")),
        [MISSED],
        as_of=END,
    ),
    Case(
        "after a retraction the outage excuses as it did before",
        OUTAGE,
        silent(50_000, 75_000, report("S", 45_000), retract("R", 76_000, "S")),
        [
            on_report("ON_TIME", 45_000, 45_000, "E S"),
            on_report("RETRACTED", 76_000, 76_000, "E S R"),
            UNDETERMINED,
            on_report("MISSED", 85_000),
        ],
        as_of=END,
    ),
    Case(
        "a stream that was never written to has no outage",
        OUTAGE,
        [E, *steady("field.a.encounters")],
        [MISSED],
        as_of=END,
    ),
    Case(
        "a silence that lasts ends a millisecond after the clock, when that is no outage yet (reading 12)",
        OUTAGE,
        [E, *steady("field.a.encounters"), *pulses("field.a.incidents", 40_000, 50_000)],
        [MISSED],
        as_of=69_999,
    ),
    Case(
        "when it is one",
        OUTAGE,
        [E, *steady("field.a.encounters"), *pulses("field.a.incidents", 40_000, 50_000)],
        [UNDETERMINED],
        as_of=70_000,
    ),
    Case(
        "with a later record it ends where it truly ended (reading 12)",
        OUTAGE,
        [E, *steady("field.a.encounters"), *pulses("field.a.incidents", 40_000, 50_000, 80_000)],
        [UNDETERMINED],
        as_of=69_999,
    ),
    Case(
        "and a record that came after the clock ends the excuse where it would have",
        OUTAGE,
        [E, *steady("field.a.encounters"), *pulses("field.a.incidents", 40_000, 50_000, 80_000)],
        [UNDETERMINED, on_report("MISSED", 90_000)],
        as_of=90_001,
    ),
    Case(
        "a second report in the grace is excused from the retraction of the first on",
        OUTAGE,
        silent(50_000, 75_000, report("S", 76_000), report("S2", 78_000), retract("R", 80_000, "S")),
        [
            UNDETERMINED,
            on_report("EXCUSED", 76_000, 76_000, "E S"),
            on_report("RETRACTED", 80_000, 80_000, "E S R"),
            on_report("EXCUSED", 80_000, 78_000, "E S2"),
        ],
        as_of=END,
    ),
    Case(
        "what is an outage is said by the version that judges",
        (
            OUTAGE.replace('"PT20S"', '"PT25S"'),
            version(2, effective="2016-03-01T00:00:00.001Z", line=OUTAGE.removeprefix(HEAD)),
        ),
        silent(50_000, 75_000, encounter("E2", 1, own=0, enc="e2")),
        [
            MISSED,
            v("report", 1, "UNDETERMINED", DUE, due=DUE, why="E2", enc="e2", policy="p@2"),
            v("report", 1, "MISSED", 85_000, due=DUE, why="E2", enc="e2", policy="p@2"),
        ],
        as_of=END,
    ),
)
