"""Reports that lie at headquarters (docs/verdicts.md): announced by their offices, lodged by the document system.

The lodged report is due ten milliseconds after the encounter, which is at 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from muster_contract.topics import DIRECTIVES
from tests.cases.bad_records import lodged
from tests.cases.builders import Case, Event, Expected, directive, encounter, final, raw, report, retract, v
from tests.cases.policies import HEAD, LINE, WRITTEN

SATISFIED = 'satisfied_by = { event = "IncidentReported", stage = "INITIAL" }'
LODGED = HEAD + LINE.replace(SATISFIED, 'satisfied_by = { event = "ReportLodged", stage = "INITIAL" }')
BOTH = HEAD + LINE.replace(SATISFIED, 'satisfied_by = [{ event = "ReportLodged" }, { event = "IncidentReported" }]')
ANY = LODGED + 'by = "any"\n'
RECURS = LODGED + "recurs = true\n"
OF_CASE = LODGED + 'scope = "case"\n'
LINKED = LODGED + WRITTEN.replace("IncidentReported", "ReportLodged")
E = encounter("E", 0)
I = report("I", 4)  # noqa: E741 - as the text calls it


MOVED = directive("M", 3, "MOVE_CASE", "move:c/a/b")


def lodge(at: int, name: str = "D", *, reference: str = "r", digest: int = 0) -> Event:
    """Lodge a report at headquarters; every report of these cases names r, and a digest of zeros."""
    return raw(lodged(name, reference, digest), at, DIRECTIVES)._replace(name=name)


def case(name: str, *events: Event, verdicts: Sequence[Expected], policy: str = LODGED) -> Case:
    """Write down a case."""
    return Case(name, policy, sorted(events, key=lambda event: event.at), verdicts)


def on_time(at: int, why: str = "E I D", *, due: int = 10, occurrence: int = 1) -> Expected:
    """Write down that the report lay there in time."""
    return v("report", occurrence, "ON_TIME", at, due=due, got=at, why=why)


MISSED = v("report", 1, "MISSED", 10, due=10, why="E")


def late(at: int, why: str = "E I D") -> Expected:
    """Write down that it lay there late."""
    return v("report", 1, "LATE", at, due=10, got=at, why=why)


CASES = (
    case("what an office says it sent is not what lies there", E, I, verdicts=[MISSED]),
    case("nor is what nobody announced", E, lodge(5), verdicts=[MISSED]),
    case("lodged after the report, it lies there then", E, I, lodge(10), verdicts=[on_time(10)]),
    case("a millisecond later it is late", E, I, lodge(11), verdicts=[MISSED, late(11)]),
    case("lodged before the report, it lies there with the report", E, lodge(2), I, verdicts=[on_time(4, "E D I")]),
    case("a report after due is late, however early it was lodged", E, lodge(2), report("I", 11), verdicts=[
        MISSED, late(11, "E D I"),
    ]),
    case("both at one instant", E, report("I", 10), lodge(10), verdicts=[on_time(10)]),
    case("lodged before the encounter", lodge(-3), report("I", -2), E, verdicts=[
        v("report", 1, "ON_TIME", 0, due=10, got=-2, why="D I E"),
    ]),
    case("another digest satisfies nothing", E, I, lodge(5, digest=1), verdicts=[MISSED]),
    case("another reference neither", E, I, lodge(5, reference="q"), verdicts=[MISSED]),
    case("of two digests the right one", E, I, lodge(5, "D1", digest=1), lodge(6), verdicts=[on_time(6)]),
    case("of two lodgings the first", E, I, lodge(5), lodge(6, "D2"), verdicts=[on_time(5)]),
    case("another stage is another report", E, final("I", 4), lodge(5), verdicts=[MISSED]),
    case("a retraction of the report is one of the lodged report", E, I, lodge(5), retract("T", 7, "I"), verdicts=[
        on_time(5), v("report", 1, "RETRACTED", 7, due=10, got=7, why="E I D T"), MISSED,
    ]),
    case("retracted when it is lodged, it never counts", E, I, retract("T", 5, "I"), lodge(5), verdicts=[MISSED]),
    case("lodged and then withdrawn in turn, the other report is still there", E, I, lodge(5), report("I2", 6),
        retract("T", 8, "I"), verdicts=[
            on_time(5), v("report", 1, "RETRACTED", 8, due=10, got=8, why="E I D T"),
            on_time(8, "E D I2")._replace(got=6),
    ]),
    case("another office has its own report of it", E, report("I", 4, office="b"), lodge(5), verdicts=[MISSED]),
    case("with any office's it counts", E, report("I", 4, office="b"), lodge(5), policy=ANY, verdicts=[on_time(5)]),
    case("one lodging is of every report that names it", E, I, encounter("E2", 1, enc="f"), report("I2", 3, enc="f"),
        lodge(5), verdicts=[on_time(5), v("report", 1, "ON_TIME", 5, due=11, got=5, why="E2 I2 D", enc="f")]),
    case("beside the report it is a fact of its own", E, I, lodge(5), policy=BOTH + "recurs = true\n", verdicts=[
        on_time(4, "E I"), v("report", 2, "ON_TIME", 5, due=14, got=5, why="E I D"),
        v("report", 3, "MISSED", 14, due=14, why="E I D"),
    ]),
    case("two at one lodging stand in their own order", E, report("I2", 3), I, lodge(5), policy=RECURS, verdicts=[
        on_time(5, "E I2 D"), v("report", 2, "ON_TIME", 5, due=13, got=5, why="E I2 I D"),
        v("report", 3, "MISSED", 14, due=14, why="E I D"),
    ]),
    case("its own time is the report's", E, report("I", 6, own=-1), lodge(8), policy=OF_CASE, verdicts=[MISSED]),
    case("what follows is anchored at its arrival", E, I, lodge(6), policy=LINKED, verdicts=[
        on_time(6), v("written", 1, "MISSED", 26, due=26, why="E I D"),
    ]),
    case("the report of the office in charge lies there with it", E, lodge(2), MOVED, report("I", 4, office="b"),
        verdicts=[on_time(4, "E D M I")]),
    case("so it does when it was sent before", E, report("I", 2, office="b"), MOVED, lodge(4), verdicts=[
        on_time(4, "E I M D"),
    ]),
    case("a directive with the report's id is not withdrawn with it", E, I, lodge(50),
        directive("A", 5, "ACCEPT_OUT_OF_BAND", "obligation:c/a/e/report/1"), retract("T", 7, "A"), verdicts=[
            on_time(5, "E A"),
        ]),
)  # fmt: skip
