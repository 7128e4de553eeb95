"""Versions of the register that are put in force by a directive (docs/verdicts.md, Versions that are activated).

The report is due ten milliseconds after the encounter, five more where the office has to travel; in version 1 of the
register office a has to, in version 2 it need not. The next day begins elsewhere as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from muster_contract.register import Office, Register
from tests.cases.activated import LATER, activate
from tests.cases.builders import DAY, Case, Event, Expected, directive, encounter, report, v
from tests.cases.channels import CLASSIFIED, POLICY, TRAVEL
from tests.cases.policies import HEAD, LINE, WRITTEN

ONE = Register(1, f"{1:064}", (Office(id="a"), Office(id="b", classified_network=True)))
TWO = Register(2, f"{2:064}", (Office(id="a", zone="Asia/Kolkata", classified_network=True),))
DAYS = HEAD + LINE.replace('"PT0.010S"', "{ local_days = 1 }")
RECURS = POLICY + "recurs = true\n"
HALF_PAST_FIVE = 19_800_000
V1 = TRAVEL + LINE + CLASSIFIED + "recurs = true\n"
V2 = V1.replace("version = 1", f"version = 2\neffective = {LATER}").replace("PT0.010S", "PT0.030S")


def register(at: int, version: int = 2, name: str = "R", digest: str | None = None) -> Event:
    """Put a version of the register in force."""
    return directive(name, at, "ACTIVATE_REGISTER", f"register:{version}#{digest or f'{version:064}'}")


def missed(due: int, why: str = "E", office: str = "a", number: int = 1, policy: str = "p@1") -> Expected:
    """Write down a miss."""
    return v("report", number, "MISSED", due, due=due, why=why, office=office, policy=policy)


def case(
    name: str,
    *events: Event,
    verdicts: Sequence[Expected],
    policy: str | tuple[str, ...] = POLICY,
    given: Sequence[Register] = (ONE, TWO),
    as_of: int = 500,
) -> Case:
    """Write down a case."""
    return Case(name, policy, sorted(events, key=lambda event: event.at), verdicts, as_of, registers=given)


ON_TIME = v("report", 1, "ON_TIME", 6, due=15, got=6, why="E S")
CASES = (
    case("before any is activated, the lowest register is in force", encounter("E", 5), verdicts=[missed(20)]),
    case("in whatever order they are given", encounter("E", 5), verdicts=[missed(20)], given=(TWO, ONE)),
    case("what opens before goes by it", encounter("E", 4), register(5), verdicts=[missed(19)]),
    case("what opens from then on by what is activated", encounter("E", 5), register(5), verdicts=[missed(15)]),
    case("the last one counts", encounter("E", 5), register(2), register(4, 1, "R1"), verdicts=[missed(20)]),
    case("an office that it does not name has no network", encounter("F", 5, office="b"), register(5), verdicts=[
        missed(20, "F", "b"),
    ]),
    case("and had, by the one before", encounter("F", 4, office="b"), register(5), verdicts=[missed(14, "F", "b")]),
    case("days are those of its zone", encounter("E", 5), register(5), policy=DAYS, as_of=3 * DAY, verdicts=[
        missed(2 * DAY - HALF_PAST_FIVE - 1),
    ]),
    case("and of the one before, until then", encounter("E", 4), register(5), policy=DAYS, as_of=3 * DAY, verdicts=[
        missed(2 * DAY - 1),
    ]),
    case("the next of one that recurs goes by what is in force when it opens", encounter("E", 0), report("S", 6),
        register(6), policy=RECURS, verdicts=[ON_TIME, missed(16, "E S", number=2)]),
    case("not by what is activated later", encounter("E", 0), report("S", 6), register(7), policy=RECURS,
        verdicts=[ON_TIME, missed(21, "E S", number=2)]),
    case("with its own version of the policy, whatever the dates", encounter("E", 0), report("S", 6), register(6),
        policy=(V1, V2.replace(LATER, "2016-03-01T00:00:00.003Z")), verdicts=[ON_TIME, missed(16, "E S", number=2)]),
    case("and with the version of the policy that is activated", encounter("E", 0), report("S", 6), register(3),
        activate(5, V2), policy=(V1, V2), verdicts=[ON_TIME, missed(36, "E S", number=2, policy="p@2")]),
    case("what follows keeps the register of the one before", encounter("E", 0), report("S", 6), register(5),
        policy=TRAVEL + LINE + CLASSIFIED + WRITTEN + CLASSIFIED,
        verdicts=[ON_TIME, v("written", 1, "MISSED", 31, due=31, why="E S")]),
    case("one after the clock is not known yet, even where nobody has it", encounter("E", 4), register(30),
        verdicts=[missed(19)], as_of=29, given=(ONE,)),
    *(
        case(f"{target!r} activates nothing", encounter("E", 5), directive("R", 2, "ACTIVATE_REGISTER", target),
            verdicts=[missed(20)])
        for target in ("register:2", f"register:02#{'0' * 64}", f"register:2#{'A' * 64}", f"policy:p@2#{'0' * 64}")
    ),
)  # fmt: skip
