"""The small scenario `outage`: headquarters' own intake is out for a while, and what was due then is excused.

A log only: the pulses in it are headquarters', which no office appends. One office's streams have an outage, the
other's have none. Deadlines are those of the policy ``demo-outage``; the instants stand to each side of its edges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from muster_contract.register import Office
from muster_contract.times import parse_instant
from muster_contract.topics import DIRECTIVES, encounters, incidents
from muster_field.scenario.case_file import INITIAL, CaseFile
from muster_field.scenario.draw import Draw
from muster_field.scenario.script import HOUR, MINUTE, Pulse, Scenario, in_order

START = parse_instant("2016-06-01T12:00:00Z")
END = START + 4 * HOUR
OUT_FROM, OUT_TO = START + 60 * MINUTE, START + 100 * MINUTE
"""The last record before the outage, and the first one after it."""
WITHIN, GRACE = 30 * MINUTE, 30 * MINUTE
EXCUSED_UNTIL = OUT_TO + GRACE
PULSE_EVERY = MINUTE
"""Less often than in truth, for a log that can be read."""


def generate(offices: tuple[Office, ...], seed: int) -> Scenario:
    """Write the scenario for the first two offices of a register."""
    draw = Draw(seed)
    out, other = offices[0], offices[-1]
    late = OUT_TO + MINUTE
    before, during, grace_over = OUT_FROM - 20 * MINUTE, OUT_FROM + 15 * MINUTE, EXCUSED_UNTIL + 1
    cases = [
        _case(draw, out, "in time, before it", before, before, {"ON_TIME": before}),
        _case(draw, out, "due as it begins", OUT_FROM, late, {"MISSED": OUT_FROM, "LATE": late}),
        _case(
            draw, out, "due a millisecond after that", OUT_FROM + 1, late,
            {"UNDETERMINED": OUT_FROM + 1, "EXCUSED": late},
        ),
        _case(
            draw, out, "due in it, and never sent", during, None, {"UNDETERMINED": during, "MISSED": EXCUSED_UNTIL}
        ),
        _case(
            draw, out, "sent as the grace ends", during, EXCUSED_UNTIL,
            {"UNDETERMINED": during, "EXCUSED": EXCUSED_UNTIL},
        ),
        _case(
            draw, out, "sent a millisecond after that", during, grace_over,
            {"UNDETERMINED": during, "MISSED": EXCUSED_UNTIL, "LATE": grace_over},
        ),
        _case(
            draw, out, "due a millisecond before the grace ends", EXCUSED_UNTIL - 1, None,
            {"UNDETERMINED": EXCUSED_UNTIL - 1, "MISSED": EXCUSED_UNTIL},
        ),
        _case(
            draw, out, "due as the grace ends", EXCUSED_UNTIL, grace_over, {"MISSED": EXCUSED_UNTIL, "LATE": grace_over}
        ),
        _case(draw, other, "due in it, at an office that had none", during, None, {"MISSED": during}),
    ]  # fmt: skip
    steps = [*_pulses(out, other), *(step for case in cases for step in case.steps)]
    epochs = {office.id: draw.id(START) for office in (out, other)}
    return Scenario("outage", in_order(steps), epochs, tuple(case.truth for case in cases), END)


def _case(  # noqa: PLR0913, PLR0917 - one line of the table above
    draw: Draw, office: Office, story: str, due: int, sent: int | None, found: Mapping[str, int]
) -> CaseFile:
    """Let an encounter make a report due, which is sent, or never; ``found`` tells when each verdict holds."""
    case = CaseFile(draw, office, story, due - WITHIN)
    # Nothing is appended during the outage: an encounter of that time arrives when it is over.
    case.meet(case.met_at if case.met_at <= OUT_FROM else OUT_TO)
    if sent is not None:
        case.report(sent)
    for verdict, at in found.items():
        case.expect(INITIAL, verdict, at)
    if sent is None:
        case.truth.outstanding.append(INITIAL)
    return case


def _pulses(out: Office, other: Office) -> Iterator[Pulse]:
    """Let headquarters' clock pass on every stream; on one office's, not while intake is out."""
    streams = [DIRECTIVES, *(name(office.id) for office in (out, other) for name in (encounters, incidents))]
    for at in range(START, END + 1, PULSE_EVERY):
        for stream in streams:
            if not (OUT_FROM < at < OUT_TO and f".{out.id}." in stream):
                yield Pulse(at, stream)
