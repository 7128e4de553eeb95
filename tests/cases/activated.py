"""Versions of the policy that are put in force by a directive (docs/verdicts.md, Versions that are activated).

Version 1 gives ten milliseconds and is in force from the beginning; version 2 gives thirty, and is not, by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from tests.cases.builders import Case, Event, Expected, directive, encounter, follow_up, report, v
from tests.cases.policies import LINE, WRITTEN, version

RECURS = "recurs = true\n"
LATER = "2016-04-01T00:00:00Z"
LONGER = LINE.replace("PT0.010S", "PT0.030S")
V1, V2 = version(1), version(2, effective=LATER, line=LONGER)
FROM_3 = version(2, effective="2016-03-01T00:00:00.003Z", line=LONGER)
R1, R2 = version(1, line=LINE + RECURS), version(2, effective=LATER, line=LONGER + RECURS)


def activate(at: int, text: str, number: int = 2, name: str = "P", digest: str | None = None) -> Event:
    """Put a version in force."""
    given = digest or sha256(text.encode()).hexdigest()
    return directive(name, at, "ACTIVATE_POLICY", f"policy:p@{number}#{given}")


def missed(at: int, policy: str, why: str = "E", enc: str = "e", number: int = 1) -> Expected:
    """Write down a miss."""
    return v("report", number, "MISSED", at, due=at, why=why, enc=enc, policy=policy)


def case(name: str, policy: tuple[str, ...], *events: Event, verdicts: Sequence[Expected], as_of: int = 500) -> Case:
    """Write down a case."""
    return Case(name, policy, sorted(events, key=lambda event: event.at), verdicts, as_of=as_of)


CASES = (
    case("what opens before is judged by the dates", (V1, V2), encounter("E", 4), activate(5, V2), verdicts=[
        missed(14, "p@1"),
    ]),
    case("what opens from then on goes by what is activated", (V1, V2), encounter("E", 5), activate(5, V2), verdicts=[
        missed(35, "p@2"),
    ]),
    case("a date that comes later changes nothing", (V1, FROM_3), encounter("E", 4), activate(2, V1, 1), verdicts=[
        missed(14, "p@1"),
    ]),
    case("a date that came before does until then", (V1, FROM_3), encounter("E", 3), encounter("F", 4, enc="f"),
        activate(4, V1, 1), verdicts=[missed(14, "p@1", "F", "f"), missed(33, "p@2")]),
    case("the last one counts", (V1, V2), encounter("E", 3), encounter("F", 4, enc="f"), activate(2, V2),
        activate(4, V1, 1, "P2"), verdicts=[missed(14, "p@1", "F", "f"), missed(33, "p@2")]),
    case("one after the clock is not known yet, even where nobody has it", (V1,), encounter("E", 4), activate(30, V2),
        verdicts=[missed(14, "p@1")], as_of=29),
    *(
        case(f"{target!r} activates nothing", (V1, V2), encounter("E", 5), directive("P", 2, "ACTIVATE_POLICY", target),
            verdicts=[missed(15, "p@1")])
        for target in ("policy:p@2", "p@2", f"policy:p@02#{'0' * 64}", f"policy:p@2#{'A' * 64}")
    ),
    case("the next of one that recurs is judged by what is in force when it opens", (R1, R2), encounter("E", 0),
        report("S", 6), activate(6, R2), verdicts=[
            v("report", 1, "ON_TIME", 6, due=10, got=6, why="E S"),
            missed(36, "p@2", "E S", number=2),
        ]),
    case("not by what is activated later", (R1, R2), encounter("E", 0), report("S", 6), activate(7, R2), verdicts=[
        v("report", 1, "ON_TIME", 6, due=10, got=6, why="E S"),
        missed(16, "p@1", "E S", number=2),
    ]),
    case("nor by a date alone", (R1, version(2, effective="2016-03-01T00:00:00.003Z", line=LONGER + RECURS)),
        encounter("E", 0), report("S", 6), verdicts=[
            v("report", 1, "ON_TIME", 6, due=10, got=6, why="E S"),
            missed(16, "p@1", "E S", number=2),
        ]),
    case("where it recurs no more, it keeps its own", (R1, V2), encounter("E", 0), report("S", 6), activate(6, V2),
        verdicts=[
            v("report", 1, "ON_TIME", 6, due=10, got=6, why="E S"),
            missed(16, "p@1", "E S", number=2),
        ]),
    case("what follows the next goes by its version", (
        version(1, line=LINE + RECURS + WRITTEN),
        version(2, effective=LATER, line=LONGER + RECURS + WRITTEN.replace("PT0.020S", "PT0.050S")),
    ), encounter("E", 0), report("S", 6), activate(7, version(
        2, effective=LATER, line=LONGER + RECURS + WRITTEN.replace("PT0.020S", "PT0.050S"),
    )), report("S2", 8), follow_up("F", 9), verdicts=[
        v("report", 1, "ON_TIME", 6, due=10, got=6, why="E S"),
        v("written", 1, "ON_TIME", 9, due=26, got=9, why="E S F"),
        v("report", 2, "ON_TIME", 8, due=16, got=8, why="E S S2"),
        v("written", 2, "MISSED", 28, due=28, why="E S2"),
        missed(38, "p@2", "E S2", number=3),
    ]),
    case("a report that waited for its encounter opens the next when that came", (R1, R2), report("S", 1),
        activate(4, R2), encounter("E", 5, own=0), verdicts=[
            v("report", 1, "ON_TIME", 5, due=30, got=1, why="S E", policy="p@2"),
            missed(31, "p@2", "S E", number=2),
        ]),
)  # fmt: skip
