"""Quarantined records as outages, and the directives that end them (docs/verdicts.md, Quarantined records).

The report is due at 60 seconds; an outage's grace is 10. No stream is ever silent for 20 seconds. What a newer program
can read is in tests/unit/test_readmitted.py.
"""

from __future__ import annotations

from tests.cases.builders import Case, Event, Expected, directive, encounter, raw, report
from tests.cases.outages import DUE, END, MISSED, UNDETERMINED, E, on_report, steady
from tests.cases.policies import OUTAGE

INCIDENTS, ENCOUNTERS = "field.a.incidents", "field.a.encounters"
ABOVE = "SECRET"
JUNK = "field.a.incidents@3"
"""The record that ``log`` puts after the incidents' pulses at 0, 20 and 40 seconds."""


def log(*others: Event) -> list[Event]:
    """Give a log in which an encounter opened, and no stream is silent."""
    return sorted([E, *steady(ENCOUNTERS), *steady(INCIDENTS), *others], key=lambda event: event.at)


def junk(at: int, stream: str = INCIDENTS) -> Event:
    """Append what nobody can read."""
    return raw(b"junk", at, stream)


def reject(at: int, target: str = JUNK, name: str = "D") -> Event:
    """Reject a record."""
    return directive(name, at, "REJECT", target)


def readmit(at: int, target: str = JUNK, name: str = "D1") -> Event:
    """Readmit a record."""
    return directive(name, at, "READMIT", target)


def missed_at(at: int) -> list[Expected]:
    """Give what is said when the excuse ends then."""
    return [UNDETERMINED, on_report("MISSED", at)]


def case(name: str, *others: Event, verdicts: list[Expected], policy: str = OUTAGE, as_of: int = END) -> Case:
    """Write down a case."""
    return Case(name, policy, log(*others), verdicts, as_of=as_of)


CASES = (
    case("what cannot be read is an outage until somebody decides", junk(50_000), verdicts=[UNDETERMINED]),
    case("the clock at due says nothing yet", junk(50_000), verdicts=[], as_of=DUE),
    case("a record that came at due is one", junk(DUE), verdicts=[UNDETERMINED]),
    case("a record that came a millisecond after due excuses nothing", junk(DUE + 1), verdicts=[MISSED]),
    case("on the office's other stream as well", junk(50_000, ENCOUNTERS), verdicts=[UNDETERMINED]),
    case("on another office's stream it is that office's", junk(50_000, "field.b.incidents"), verdicts=[MISSED]),
    case("on headquarters' own stream it is nobody's", junk(50_000, "hq.directives"), verdicts=[MISSED]),
    case(
        "a policy without outage_after knows no outage",
        junk(50_000),
        policy=OUTAGE.replace('outage_after = "PT20S"\n', ""),
        verdicts=[MISSED],
    ),
    case(
        "a label above the ceiling is an outage too",
        report("S", 50_000, label=ABOVE),
        verdicts=[UNDETERMINED],
    ),
    case("rejected, it is missed when the grace is over", junk(50_000), reject(80_000), verdicts=missed_at(90_000)),
    case(
        "nothing is said while the clock stands at the end of the grace",
        junk(50_000),
        reject(80_000),
        verdicts=[UNDETERMINED],
        as_of=90_000,
    ),
    case(
        "it is missed once the clock is past that",
        junk(50_000),
        reject(80_000),
        verdicts=missed_at(90_000),
        as_of=90_001,
    ),
    case(
        "a rejection after the clock is not known yet",
        junk(50_000),
        reject(80_000),
        verdicts=[UNDETERMINED],
        as_of=79_999,
    ),
    case(
        "a report by the end of the grace is excused",
        junk(50_000),
        reject(80_000),
        report("S", 90_000),
        verdicts=[UNDETERMINED, on_report("EXCUSED", 90_000, 90_000, "E S")],
    ),
    case(
        "a millisecond after it is late",
        junk(50_000),
        reject(80_000),
        report("S", 90_001),
        verdicts=[*missed_at(90_000), on_report("LATE", 90_001, 90_001, "E S")],
    ),
    case(
        "a report is excused as long as nobody has decided",
        junk(50_000),
        report("S", 150_000),
        verdicts=[UNDETERMINED, on_report("EXCUSED", 150_000, 150_000, "E S")],
    ),
    case(
        "rejected so that its grace ends at due, it excuses nothing",
        junk(50_000),
        reject(50_000),
        verdicts=[MISSED],
    ),
    case(
        "a millisecond later it does, for that long",
        junk(50_000),
        reject(50_001),
        verdicts=missed_at(60_001),
    ),
    case(
        "a directive that came before the record ends nothing",
        junk(50_000),
        reject(49_999),
        verdicts=[UNDETERMINED],
    ),
    case(
        "the first that can end it does, and the second does nothing",
        junk(50_000),
        reject(70_000),
        reject(90_000, name="D2"),
        verdicts=missed_at(80_000),
    ),
    case(
        "of two records the one that waits longer counts",
        junk(50_000),
        junk(51_000),
        reject(70_000),
        reject(75_000, "field.a.incidents@4", "D2"),
        verdicts=missed_at(85_000),
    ),
    case(
        "what still cannot be read stays an outage",
        junk(50_000),
        readmit(70_000),
        verdicts=[UNDETERMINED],
    ),
    case(
        "until it is rejected",
        junk(50_000),
        readmit(70_000),
        reject(90_000),
        verdicts=missed_at(100_000),
    ),
    case(
        "a label above the ceiling is never readmitted",
        report("S", 50_000, label=ABOVE),
        readmit(70_000),
        verdicts=[UNDETERMINED],
    ),
    case(
        "but it can be rejected",
        report("S", 50_000, label=ABOVE),
        readmit(70_000),
        reject(90_000),
        verdicts=missed_at(100_000),
    ),
    case(
        "a conflict is never readmitted",
        encounter("E", 50_000),
        readmit(70_000, "field.a.encounters@4"),
        verdicts=[UNDETERMINED],
    ),
    case(
        "a directive about a record that was applied does nothing",
        report("S", 50_000),
        reject(55_000),
        verdicts=[on_report("ON_TIME", 50_000, 50_000, "E S")],
    ),
    case(
        "one about a record that never came does nothing",
        junk(50_000),
        reject(70_000, "field.a.incidents@400"),
        verdicts=[UNDETERMINED],
    ),
    *(
        case(
            f"a target is written in one way only: not as {target}",
            junk(50_000),
            reject(70_000, target),
            verdicts=[UNDETERMINED],
        )
        for target in (
            "field.a.incidents@03",
            "field.a.incidents@3 ",
            "record:field.a.incidents@3",
            "field.A.incidents@3",
        )
    ),
    case(
        "one with a time until is ignored",
        junk(50_000),
        directive("D", 70_000, "REJECT", JUNK, until=80_000),
        verdicts=[UNDETERMINED],
    ),
    case(
        "one whose authority is no code is ignored",
        junk(50_000),
        directive("D", 70_000, "REJECT", JUNK, authority="the chief"),
        verdicts=[UNDETERMINED],
    ),
    case(
        "one whose reason is no code is ignored",
        junk(50_000),
        directive("D", 70_000, "REJECT", JUNK, reason_code=""),
        verdicts=[UNDETERMINED],
    ),
    case(
        "a directive that is sent twice is one",
        junk(50_000),
        reject(70_000),
        reject(70_000),
        verdicts=missed_at(80_000),
    ),
    case(
        "one of the same id that says something else is none",
        junk(50_000),
        readmit(60_000, name="D"),
        reject(70_000),
        verdicts=[UNDETERMINED],
    ),
)
