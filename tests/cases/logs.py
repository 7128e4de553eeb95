"""Logs at random, small and dense: equal append times, copies, voids and retractions before what they name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from tests.cases.builders import (
    Case,
    Event,
    confirmed,
    encounter,
    final,
    follow_up,
    not_a_match,
    pulse,
    raw,
    removed,
    report,
    retract,
    screening,
    supervised,
    void,
)
from tests.cases.policies import (
    HEAD,
    LINE,
    OUTAGE_HEAD,
    REPORT,
    REPORT_BY_ANY,
    REPORT_OF_CASE,
    REPORT_OF_CASE_RECURS,
    REPORT_RECURS,
    SCREENING,
    SELF,
    THREE_LINKS,
    WRITTEN,
    version,
)

POLICIES: Sequence[tuple[str, ...]] = (
    (REPORT,),
    (REPORT_BY_ANY,),
    (REPORT_OF_CASE,),
    (REPORT_OF_CASE + 'by = "any"\n',),
    (REPORT_RECURS + WRITTEN,),
    (REPORT_OF_CASE_RECURS + WRITTEN + 'scope = "case"\nrecurs = true\n',),
    (THREE_LINKS + 'by = "any"\n',),
    (SCREENING,),
    (SELF,),
    (SELF + "recurs = true\n",),
    (
        version(1, line=LINE + WRITTEN),
        version(2, effective="2016-03-01T00:00:00.020Z", line='orphan_after = "PT0.015S"\n' + LINE + WRITTEN),
    ),
    (OUTAGE_HEAD + 'orphan_after = "PT90S"\n' + THREE_LINKS.removeprefix(HEAD).replace("PT0.0", "PT"),),
)
"""By name of what they try; the last is in seconds, and its logs are."""

PLAIN = (encounter, not_a_match, confirmed, supervised, removed, screening, report, report, follow_up, final)
STREAMS = [f"field.{office}.{kind}" for office in "ab" for kind in ("encounters", "incidents")]


@st.composite
def logs(draw: st.DrawFn) -> Case:
    """Draw a log of one case, of two offices and two encounters, with a policy; pulses close every stream."""
    policy = draw(st.sampled_from(POLICIES))
    unit = 1000 if OUTAGE_HEAD in policy[0] else 1
    at, events = 0, list[Event]()
    for _ in range(draw(st.integers(1, 24))):
        at += draw(st.sampled_from([0, 0, 1, 1, 2, 5, 13])) * unit
        events.append(draw(_events(at, unit, events)))
    closing = [pulse(at + 200 * unit, stream) for stream in STREAMS]
    return Case("random", policy, [*events, *closing], as_of=at + 50 * unit)


@st.composite
def _events(draw: st.DrawFn, at: int, unit: int, before: Sequence[Event]) -> Event:
    kind = draw(st.sampled_from(["event"] * 10 + ["void"] * 2 + ["retract"] * 2 + ["again", "pulse", "junk"]))
    if kind in {"pulse", "junk"}:
        stream = draw(st.sampled_from(STREAMS))
        return pulse(at, stream) if kind == "pulse" else raw(b"junk", at, stream)
    if kind == "again" and before:
        # A copy; or a conflict, when it says that it happened now.
        first: Event = draw(st.sampled_from(before))
        return first._replace(at=at, own=draw(st.sampled_from([first.own, at])))
    name = str(len(before))
    own = at + draw(st.sampled_from([0, 0, 0, -1, -3, 7])) * unit
    office, enc = draw(st.sampled_from("aaab")), draw(st.sampled_from("eeef"))
    if kind == "void":
        return void(
            name, at, draw(_named(before, "Encounter", "MatchResolved", "CustodyChanged")), own=own, office=office
        )
    if kind == "retract":
        return retract(name, at, draw(_named(before, "IncidentReported", "Screening")), own=own, office=office)
    build: Callable[..., Event] = draw(st.sampled_from(PLAIN))
    return build(name, at, own=own, office=office, enc=enc)


def _named(before: Sequence[Event], *types: str) -> st.SearchStrategy[str]:
    """Name an event of these types that came before, or one of those that come next, whatever they will be."""
    known = [event.name for event in before if event.type.startswith(types)]
    return st.sampled_from([*known, str(len(before) + 1), str(len(before) + 2)])
