"""Reports that must go by a classified channel (docs/verdicts.md, Channels): office a has none, and 5 ms more."""

from __future__ import annotations

from collections.abc import Sequence

from muster_contract.register import Office
from tests.cases.builders import Case, Event, Expected, encounter, follow_up, report, v
from tests.cases.policies import HEAD, LINE, WRITTEN

REGISTER = (Office(id="a"), Office(id="b", classified_network=True))
TRAVEL = HEAD + 'travel_allowance = "PT0.005S"\n'
CLASSIFIED = 'channel = "CLASSIFIED"\n'
POLICY = TRAVEL + LINE + CLASSIFIED
E = encounter("E", 0)


def case(
    name: str, *events: Event, verdicts: Sequence[Expected], policy: str = POLICY, register: Sequence[Office] = REGISTER
) -> Case:
    """Write down a case."""
    return Case(name, policy, sorted(events, key=lambda event: event.at), verdicts, register=tuple(register))


def missed(due: int, why: str = "E", office: str = "a") -> Expected:
    """Write down a miss."""
    return v("report", 1, "MISSED", due, due=due, why=why, office=office)


CASES = (
    case("an office that has to travel has that much longer", E, verdicts=[missed(15)]),
    case("by then its report is in time", E, report("S", 15), verdicts=[
        v("report", 1, "ON_TIME", 15, due=15, got=15, why="E S"),
    ]),
    case("a millisecond later it is late", E, report("S", 16), verdicts=[
        missed(15), v("report", 1, "LATE", 16, due=15, got=16, why="E S"),
    ]),
    case("one that has the network has not", encounter("F", 0, office="b"), verdicts=[missed(10, "F", "b")]),
    case("without an allowance nobody has", E, policy=HEAD + LINE + CLASSIFIED, verdicts=[missed(10)]),
    case("without a channel nobody has", E, policy=TRAVEL + LINE, verdicts=[missed(10)]),
    case("for another channel nobody has", E, policy=TRAVEL + LINE + 'channel = "COURIER"\n', verdicts=[missed(10)]),
    case("only the link that asks for it", E, report("S", 4), policy=TRAVEL + LINE + WRITTEN + CLASSIFIED, verdicts=[
        v("report", 1, "ON_TIME", 4, due=10, got=4, why="E S"),
        v("written", 1, "MISSED", 29, due=29, why="E S"),
    ]),
    case("content by the wrong channel satisfies", E, report("S", 5, channel="UNCLASSIFIED"), verdicts=[
        v("report", 1, "ON_TIME", 5, due=15, got=5, why="E S"),
    ]),
    case("also in the next link", E, report("S", 4), follow_up("F", 6, channel="COURIER"),
        policy=TRAVEL + LINE + WRITTEN + CLASSIFIED, verdicts=[
            v("report", 1, "ON_TIME", 4, due=10, got=4, why="E S"),
            v("written", 1, "ON_TIME", 6, due=29, got=6, why="E S F"),
        ]),
)  # fmt: skip
