"""Cases that move to another office (docs/verdicts.md, Cases that move).

Office a has an encounter at 0; the report is due ten milliseconds after it. M moves what a owes in the case to b.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.cases.builders import (
    Case,
    Event,
    Expected,
    directive,
    encounter,
    follow_up,
    not_a_match,
    pulse,
    removed,
    report,
    retract,
    v,
    void,
)
from tests.cases.policies import HEAD, REPORT, REPORT_BY_ANY, REPORT_OF_CASE, REPORT_RECURS, TWO_LINKS

E = encounter("E", 0)
ORPHANS = HEAD + 'orphan_after = "PT0.020S"\n' + REPORT.removeprefix(HEAD)
OUTAGES = HEAD + 'outage_after = "PT15S"\noutage_grace = "PT5S"\n' + REPORT.removeprefix(HEAD).replace("0.010", "10")


def move(at: int, to: str = "b", office: str = "a", name: str = "M", case_id: str = "c") -> Event:
    """Move what an office owes in a case."""
    return directive(name, at, "MOVE_CASE", f"move:{case_id}/{office}/{to}")


def from_b(name: str, at: int, **fields: str) -> Event:
    """Report from the other office, on the same encounter."""
    return report(name, at, office="b", **fields)


def on_report(  # noqa: PLR0913, PLR0917 - the parts of a verdict, most with a default
    verdict: str, at: int, due: int = 10, got: int | None = None, why: str = "E", number: int = 1
) -> Expected:
    """Write down a verdict on the report that a owes."""
    return v("report", number, verdict, at, due=due, got=got, why=why)


def missed(why: str = "E", due: int = 10) -> Expected:
    """Write down a miss."""
    return on_report("MISSED", due, due, why=why)


def orphan(at: int, why: str, number: int = 1) -> Expected:
    """Write down that b's report is one without an encounter."""
    return v("orphan-report", number, "ORPHANED", at, due=at, why=why, office="b")


def case(name: str, *events: Event, verdicts: Sequence[Expected], policy: str = REPORT, as_of: int = 500) -> Case:
    """Write down a case; its log is in order of time, and office b's streams are there."""
    both = (pulse(0, "field.b.encounters"), pulse(0, "field.b.incidents"))
    return Case(name, policy, sorted([*events, *both], key=lambda event: event.at), verdicts, as_of=as_of)


CHARGE = (
    case("moved, it is missed as it was, and the move is evidence", E, move(4), verdicts=[missed("E M")]),
    case("the other office's report satisfies", E, move(4), from_b("S", 10), verdicts=[
        on_report("ON_TIME", 10, got=10, why="E M S"),
    ]),
    case("received with the move it does", E, move(4), from_b("S", 4), verdicts=[
        on_report("ON_TIME", 4, got=4, why="E S M"),
    ]),
    case("a millisecond before it does not", E, move(4), from_b("S", 3), verdicts=[missed("E M")]),
    case("after due it is late", E, move(4), from_b("S", 11), verdicts=[
        missed("E M"), on_report("LATE", 11, got=11, why="E M S"),
    ]),
    case("the own office's goes on counting", E, move(4), report("S", 6), verdicts=[
        on_report("ON_TIME", 6, got=6, why="E M S"),
    ]),
    case("and one from before the move has not the move for evidence", E, report("S", 3), move(4), verdicts=[
        on_report("ON_TIME", 3, got=3, why="E S"),
    ]),
    case("a move at due counts", E, move(10), from_b("S", 12), verdicts=[
        missed("E M"), on_report("LATE", 12, got=12, why="E M S"),
    ]),
    case("a millisecond later the miss stays whose it is", E, move(11), from_b("S", 12), verdicts=[missed()]),
    case("due is due as it was extended", E, directive("X", 5, "EXTEND", "encounter:c/a/e", 20), move(15),
        from_b("S", 20), verdicts=[on_report("ON_TIME", 20, 20, 20, "E M S")]),
    case("and as it is held", E, directive("H", 5, "HOLD", "encounter:c/a/e"), move(50), from_b("S", 60),
        verdicts=[on_report("ON_TIME", 60, 65, 60, "E M S")]),
    case("what opens later is moved as well", move(2), encounter("E", 5), from_b("S", 8), verdicts=[
        on_report("ON_TIME", 8, 15, 8, "M E S"),
    ]),
    case("but not what was due before the move", encounter("E", 30, own=0), move(20), from_b("S", 31),
        verdicts=[missed()]),
    case("a report of the other office may wait for the encounter", move(2), from_b("S", 3), encounter("E", 5),
        verdicts=[on_report("ON_TIME", 5, 15, 3, "M S E")]),
    case("it waives as well", E, move(4), not_a_match("W", 5, office="b"), verdicts=[
        on_report("WAIVED", 5, got=5, why="E M W"),
    ]),
    case("it ends as well", E, move(4), removed("X", 5, office="b"), verdicts=[
        on_report("ENDED", 5, got=5, why="E M X"),
    ]),
    case("it voids nothing of the other's", E, move(4), void("V", 5, "E", office="b"), verdicts=[missed("E M")]),
    case("its report is its own to retract", E, move(4), from_b("S", 5), retract("R", 7, "S", office="b"), verdicts=[
        on_report("ON_TIME", 5, got=5, why="E M S"),
        on_report("RETRACTED", 7, got=7, why="E M S R"),
        missed("E M"),
    ]),
    case("nobody else's", E, move(4), from_b("S", 5), retract("R", 7, "S"), verdicts=[
        on_report("ON_TIME", 5, got=5, why="E M S"),
    ]),
    case("another encounter's report is none", E, move(4), from_b("S", 5, enc="f"), verdicts=[missed("E M")]),
    case("of a case's obligation it may be", E, move(4), from_b("S", 5, enc="f"), policy=REPORT_OF_CASE, verdicts=[
        on_report("ON_TIME", 5, got=5, why="E M S"),
    ]),
    case("where any office's counts, it counts from before as well", E, from_b("S", 3), move(4), policy=REPORT_BY_ANY,
        verdicts=[on_report("ON_TIME", 3, got=3, why="E S")]),
    case("one report for what it owes itself, and for what it took over", E,
        encounter("F", 1, office="b"), move(4), from_b("S", 5), verdicts=[
            on_report("ON_TIME", 5, got=5, why="E M S"),
            v("report", 1, "ON_TIME", 5, due=11, got=5, why="F S", office="b"),
        ]),
    case("its own encounter opens its own obligation alone", E, move(4), encounter("F", 5, office="b"), verdicts=[
        missed("E M"), v("report", 1, "MISSED", 15, due=15, why="F", office="b"),
    ]),
    case("what follows is moved as well", E, move(4), from_b("S", 5), follow_up("F", 9, office="b"), policy=TWO_LINKS,
        verdicts=[
            on_report("ON_TIME", 5, got=5, why="E M S"),
            v("written", 1, "ON_TIME", 9, due=25, got=9, why="E M S F"),
        ]),
    case("and what recurs", E, move(4), from_b("S", 5), policy=REPORT_RECURS, verdicts=[
        on_report("ON_TIME", 5, got=5, why="E M S"),
        on_report("MISSED", 15, 15, why="E M S", number=2),
    ]),
    case("in another case nothing is moved", E, move(4, case_id="d"), from_b("S", 5), verdicts=[missed()]),
    case("nor is what a third office owes", E, move(4, office="x"), from_b("S", 5), verdicts=[missed()]),
    case("to an office that nobody knows", E, move(4, "nobody"), report("S", 5), verdicts=[
        on_report("ON_TIME", 5, got=5, why="E M S"),
    ]),
    *(
        case(f"{target!r} moves nothing", E, directive("M", 4, "MOVE_CASE", target), from_b("S", 5),
            verdicts=[missed()])
        for target in ("move:c/a", "move:c/a/B", "move:c/a/b/e", "encounter:c/a/e", "move:/a/b")
    ),
)  # fmt: skip

AGAIN = (
    case("moved on, the last office is in charge", E, move(2), move(4, "x", name="M2"), from_b("S", 5),
        verdicts=[missed("E M2")]),
    case("and not before", E, move(2), from_b("S", 3), move(4, "x", name="M2"), verdicts=[
        on_report("ON_TIME", 3, got=3, why="E M S"),
    ]),
    case("a later move names the opening office too", E, move(2, "x"), move(4, office="x", name="M2"), from_b("S", 5),
        verdicts=[missed("E M")]),
    case("given back, the other office's counts no more", E, move(2), move(4, "a", name="M2"), from_b("S", 5),
        verdicts=[missed("E M2")]),
    case("of two at one instant the later one counts", E, move(2, "x"), move(2, name="M2"), from_b("S", 5),
        verdicts=[on_report("ON_TIME", 5, got=5, why="E M2 S")]),
)  # fmt: skip

OF_OUTAGES = (
    case("the outages of the office in charge excuse", encounter("E", 1000), move(2000), *(
        pulse(at, f"field.a.{kind}") for at in range(0, 60_000, 10_000) for kind in ("encounters", "incidents")
    ), pulse(30_000, "field.b.incidents"), pulse(30_000, "field.b.encounters"), verdicts=[
        on_report("UNDETERMINED", 11_000, 11_000, why="E M"), on_report("MISSED", 35_000, 11_000, why="E M"),
    ], policy=OUTAGES, as_of=60_000),
    case("not those of the one that was", encounter("E", 1000), move(2000), *(
        pulse(at, f"field.b.{kind}") for at in range(0, 60_000, 10_000) for kind in ("encounters", "incidents")
    ), pulse(30_000, "field.a.incidents"), verdicts=[on_report("MISSED", 11_000, 11_000, why="E M")],
        policy=OUTAGES, as_of=60_000),
)  # fmt: skip

OF_ORPHANS = (
    case("a report on an encounter that was taken over is no orphan", E, move(4), from_b("S", 5), policy=ORPHANS,
        verdicts=[on_report("ON_TIME", 5, got=5, why="E M S")]),
    case("nor is one before the move, if that comes in time", E, from_b("S", 5), move(10), policy=ORPHANS,
        verdicts=[missed("E M")]),
    case("a move too late makes it one", E, from_b("S", 5), move(26), policy=ORPHANS, verdicts=[
        missed(), orphan(25, "S"),
    ]),
    case("a move at its time is in time", E, from_b("S", 5), move(25), policy=ORPHANS, verdicts=[missed()]),
    case("an encounter too late as well", move(4), from_b("S", 5), encounter("E", 26), policy=ORPHANS, verdicts=[
        orphan(25, "S"), on_report("ON_TIME", 26, 36, 5, "M S E"),
    ]),
)  # fmt: skip

CASES = (*CHARGE, *AGAIN, *OF_OUTAGES, *OF_ORPHANS)
