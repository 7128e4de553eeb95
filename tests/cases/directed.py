"""Directives on cases: due times that move, reports that are accepted, encounters that are closed (docs/verdicts.md).

The report is due ten milliseconds after the encounter, which is at 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.cases.builders import Case, Event, Expected, directive, encounter, follow_up, not_a_match, report, retract, v
from tests.cases.policies import REPORT, REPORT_BY_ANY, REPORT_OF_CASE, REPORT_RECURS, TWO_LINKS

E = encounter("E", 0)
ENCOUNTER, FIRST = "encounter:c/a/e", "obligation:c/a/e/report/1"


def extend(at: int, until: int | None, target: str = ENCOUNTER, name: str = "X") -> Event:
    """Extend what is due."""
    return directive(name, at, "EXTEND", target, until)


def hold(at: int, until: int | None = None, target: str = ENCOUNTER, name: str = "H") -> Event:
    """Stop the clock."""
    return directive(name, at, "HOLD", target, until)


def resume(at: int, target: str = ENCOUNTER, name: str = "G") -> Event:
    """Let the clock run on."""
    return directive(name, at, "RESUME", target)


def accept(at: int, target: str = FIRST, name: str = "A") -> Event:
    """Accept a report that came another way."""
    return directive(name, at, "ACCEPT_OUT_OF_BAND", target)


def close(at: int, target: str = ENCOUNTER, name: str = "C") -> Event:
    """Close an encounter."""
    return directive(name, at, "CLOSE_ENCOUNTER", target)


def on_report(  # noqa: PLR0913, PLR0917 - the parts of a verdict, most with a default
    verdict: str, at: int, due: int = 10, got: int | None = None, why: str = "E", number: int = 1
) -> Expected:
    """Write down a verdict on the report."""
    return v("report", number, verdict, at, due=due, got=got, why=why)


def missed(due: int = 10) -> list[Expected]:
    """Give what is said when nothing comes."""
    return [on_report("MISSED", due, due)]


def on_time(at: int, due: int = 10) -> list[Expected]:
    """Give what is said when the report comes in time."""
    return [on_report("ON_TIME", at, due, at, "E S")]


def late(at: int, due: int) -> list[Expected]:
    """Give what is said when it comes too late."""
    return [*missed(due), on_report("LATE", at, due, at, "E S")]


def case(name: str, *events: Event, verdicts: Sequence[Expected], policy: str = REPORT, as_of: int = 500) -> Case:
    """Write down a case; its log is in order of time."""
    return Case(name, policy, sorted(events, key=lambda event: event.at), verdicts, as_of=as_of)


EXTENDED = (
    case("extended, it is missed at the later time", E, extend(5, 20), verdicts=missed(20)),
    case("and not before the clock is past that", E, extend(5, 20), verdicts=[], as_of=20),
    case("a report at the extended time is in time", E, extend(5, 20), report("S", 20), verdicts=on_time(20, 20)),
    case("a millisecond after it is late", E, extend(5, 20), report("S", 21), verdicts=late(21, 20)),
    case("an extension at due counts", E, extend(10, 20), verdicts=missed(20)),
    case("a millisecond later it erases no miss", E, extend(11, 20), verdicts=missed()),
    case("an extension shortens nothing", E, extend(5, 9), verdicts=missed()),
    case("the latest of two counts", E, extend(5, 30), extend(6, 20, name="X2"), verdicts=missed(30)),
    case("one after another, by the due time then", E, extend(5, 20), extend(20, 30, name="X2"), verdicts=missed(30)),
    case("what comes after due stays too late", E, extend(11, 30), extend(12, 40, name="X2"), verdicts=missed()),
    case("at its anchor it can be extended", encounter("E", 5), extend(5, 30), verdicts=missed(30)),
    case("before its anchor it cannot", encounter("E", 5), extend(4, 30), verdicts=missed(15)),
    case("before it opened it can, once its time runs", encounter("E", 8, own=0), extend(3, 20), verdicts=missed(20)),
    case("a report before the extension was due when it was", E, report("S", 4), extend(5, 20), verdicts=on_time(4)),
    case("at the same instant the extension counts", E, report("S", 5), extend(5, 20), verdicts=on_time(5, 20)),
    case("one obligation alone", E, extend(5, 20, FIRST), verdicts=missed(20)),
    case("another occurrence's is not this one's", E, extend(5, 20, "obligation:c/a/e/report/2"), verdicts=missed()),
    case("another requirement's is not this one's", E, extend(5, 20, "obligation:c/a/e/written/1"), verdicts=missed()),
    *(
        case(f"{target} is another's", E, extend(5, 20, target), verdicts=missed())
        for target in ("encounter:c/a/f", "encounter:d/a/e", "encounter:c/b/e")
    ),
    *(
        case(f"{target!r} is no target", E, extend(5, 20, target), verdicts=missed())
        for target in ("encounter:a/e", "encounter:c/a/e/", "obligation:c/a/e/report", f"{FIRST[:-1]}01", "e", "")
    ),
    case("without until it is ignored", E, extend(5, None), verdicts=missed()),
    case(
        "judged again, it is due when directives by then say so",
        E,
        report("S", 4),
        extend(5, 20),
        retract("R", 12, "S"),
        verdicts=[
            *on_time(4),
            on_report("RETRACTED", 12, 20, 12, "E S R"),
            *missed(20),
        ],
    ),
    case("whatever decides by the extended time", E, extend(5, 20), not_a_match("W", 15), verdicts=[
        on_report("WAIVED", 15, 20, 15, "E W"),
    ]),
    case("a case's obligation is its opening event's", E, extend(5, 20), policy=REPORT_OF_CASE, verdicts=missed(20)),
    case(
        "and not that of another encounter of the case",
        E,
        encounter("F", 1, enc="f"),
        extend(5, 20, "encounter:c/a/f"),
        policy=REPORT_OF_CASE,
        verdicts=missed(),
    ),
    case("one that every office may decide", E, extend(5, 20), policy=REPORT_BY_ANY, verdicts=missed(20)),
    case(
        "the second link of a chain, in its own time",
        E,
        report("S", 4),
        extend(24, 40),
        policy=TWO_LINKS,
        verdicts=[*on_time(4), v("written", 1, "MISSED", 40, due=40, why="E S")],
    ),
)  # fmt: skip

HELD = (
    case("held, nothing is missed", E, hold(4), verdicts=[]),
    case("held until it goes on, the due time moves by that", E, hold(4), resume(24), verdicts=missed(30)),
    case("nothing is said at the moved time", E, hold(4), resume(24), verdicts=[], as_of=30),
    case("a report at the moved time is in time", E, hold(4), resume(24), report("S", 30), verdicts=on_time(30, 30)),
    case("a millisecond after it is late", E, hold(4), resume(24), report("S", 31), verdicts=late(31, 30)),
    case("a hold at due counts", E, hold(10), resume(24), verdicts=missed(24)),
    case("a millisecond later it erases no miss", E, hold(11), resume(24), verdicts=missed()),
    case("a report while it is held is in time", E, hold(4), report("S", 50), verdicts=on_time(50, 56)),
    case("a hold that ends by itself", E, hold(4, 24), verdicts=missed(30)),
    case("it has not ended yet", E, hold(4, 24), report("S", 24), verdicts=on_time(24, 30)),
    case("one that is resumed before its end", E, hold(4, 24), resume(14), verdicts=missed(20)),
    case("one that is resumed after its end", E, hold(4, 24), resume(28), verdicts=missed(30)),
    case("a hold that ends when it begins is none", E, hold(4, 4), verdicts=missed()),
    case("a millisecond is one", E, hold(4, 5), verdicts=missed(11)),
    case("a hold while it is held does nothing", E, hold(4), hold(6, 8, name="H2"), resume(24), verdicts=missed(30)),
    case("held twice", E, hold(4), resume(6), hold(8, name="H2"), resume(11, name="G2"), verdicts=missed(15)),
    case("a hold at the end of one that ended by itself", E, hold(4, 8), hold(8, 10, name="H2"), verdicts=missed(16)),
    case("nothing is resumed that is not held", E, resume(4), verdicts=missed()),
    case("held from its anchor on", encounter("E", 5), hold(2), resume(12), verdicts=missed(22)),
    case("held and resumed before its anchor", encounter("E", 5), hold(2), resume(4), verdicts=missed(15)),
    case("held until its anchor", encounter("E", 5), hold(2, 5), verdicts=missed(15)),
    case("held before it was heard of", encounter("E", 30, own=0), hold(4), resume(24), verdicts=missed(30)),
    case("resumed by another target", E, hold(4), resume(24, FIRST), verdicts=missed(30)),
    case("not by that of another obligation", E, hold(4), resume(24, "obligation:c/a/e/report/2"), verdicts=[]),
    case("extended while held, it moves from there", E, hold(4), extend(6, 12), resume(9), verdicts=missed(17)),
    case("extended after the hold ended", E, hold(4, 6), extend(12, 15), verdicts=missed(15)),
    case("what opens while the encounter is held is held from its anchor on", E, hold(2), report("S", 4), resume(24),
        policy=TWO_LINKS,
        verdicts=[*on_time(4, 12), v("written", 1, "MISSED", 44, due=44, why="E S")]),
    case("the hold of one obligation is not that of the next", E, hold(2, target=FIRST), report("S", 4),
        policy=TWO_LINKS,
        verdicts=[*on_time(4, 12), v("written", 1, "MISSED", 24, due=24, why="E S")]),
    case("before the hold, the due time of then", E, report("S", 3), hold(4), verdicts=on_time(3)),
)  # fmt: skip

ACCEPTED = (
    case("accepted by due it is in time", E, accept(10), verdicts=[on_report("ON_TIME", 10, got=10, why="E A")]),
    case("accepted a millisecond later it is late, and the miss stays", E, accept(11), verdicts=[
        *missed(), on_report("LATE", 11, got=11, why="E A"),
    ]),
    case("it is no other occurrence's", E, accept(5, "obligation:c/a/e/report/2"), verdicts=missed()),
    case("it is no other requirement's", E, accept(5, "obligation:c/a/e/written/1"), verdicts=missed()),
    case("an encounter cannot be accepted", E, accept(5, ENCOUNTER), verdicts=missed()),
    case("it may come before the encounter", accept(2), encounter("E", 5), verdicts=[
        on_report("ON_TIME", 5, 15, 2, "A E"),
    ]),
    case("and before the anchor of a case's obligation", accept(2), encounter("E", 5), policy=REPORT_OF_CASE, verdicts=[
        on_report("ON_TIME", 5, 15, 2, "A E"),
    ]),
    case("a report before it decides", E, report("S", 4), accept(5), verdicts=on_time(4)),
    case("once that is retracted, it does", E, report("S", 4), accept(6), retract("R", 8, "S"), verdicts=[
        *on_time(4),
        on_report("RETRACTED", 8, got=8, why="E S R"),
        on_report("ON_TIME", 8, got=6, why="E A"),
    ]),
    case("no office retracts it", E, accept(5), retract("R", 8, "A"), verdicts=[
        on_report("ON_TIME", 5, got=5, why="E A"),
    ]),
    case("at the same instant it comes before a waiver", E, not_a_match("W", 5), accept(5), verdicts=[
        on_report("ON_TIME", 5, got=5, why="E A"),
    ]),
    case("and after a report", E, report("S", 5), accept(5), verdicts=on_time(5)),
    case("it opens what follows", E, accept(5), follow_up("F", 9), policy=TWO_LINKS, verdicts=[
        on_report("ON_TIME", 5, got=5, why="E A"),
        v("written", 1, "ON_TIME", 9, due=25, got=9, why="E A F"),
    ]),
    case("it opens the next of one that recurs, and is not used for it", E, accept(5), policy=REPORT_RECURS, verdicts=[
        on_report("ON_TIME", 5, got=5, why="E A"),
        on_report("MISSED", 15, 15, why="E A", number=2),
    ]),
    case("it satisfies what every office may", E, accept(5), policy=REPORT_BY_ANY, verdicts=[
        on_report("ON_TIME", 5, got=5, why="E A"),
    ]),
)  # fmt: skip

CLOSED = (
    case("closed by due it has ended", E, close(10), verdicts=[on_report("ENDED", 10, got=10, why="E C")]),
    case("closed a millisecond later, the miss stays", E, close(11), verdicts=[
        *missed(), on_report("ENDED", 11, got=11, why="E C"),
    ]),
    case("what opens later is not closed", close(2), encounter("E", 5), verdicts=missed(15)),
    case("at the same instant it is later than the event", close(5), encounter("E", 5), verdicts=[
        on_report("ENDED", 5, 15, 5, "E C"),
    ]),
    case("a report of the same instant decides", E, close(5), report("S", 5), verdicts=on_time(5)),
    case("another encounter goes on", E, close(5, "encounter:c/a/f"), verdicts=missed()),
    case("an obligation cannot be closed", E, close(5, FIRST), verdicts=missed()),
    case("the second link of a chain ends", E, report("S", 4), close(8), policy=TWO_LINKS, verdicts=[
        *on_time(4),
        v("written", 1, "ENDED", 8, due=24, got=8, why="E S C"),
    ]),
    case("a later encounter opens again", E, close(5), encounter("E2", 7), verdicts=[
        on_report("ENDED", 5, got=5, why="E C"),
        on_report("MISSED", 17, 17, why="E2", number=2),
    ]),
    case("what was held ends", E, hold(4), close(50), verdicts=[on_report("ENDED", 50, 56, 50, "E C")]),
    case("the obligation of a case ends with its opening encounter", E, close(5), policy=REPORT_OF_CASE, verdicts=[
        on_report("ENDED", 5, got=5, why="E C"),
    ]),
)  # fmt: skip

CASES = (*EXTENDED, *HELD, *ACCEPTED, *CLOSED)
