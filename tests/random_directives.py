"""Directives in random logs, and records that headquarters could not read at first: an older program stood there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from muster_contract.topics import DIRECTIVES
from muster_hq.policies import Policies
from muster_hq.policy import Policy, RegisterVersion
from tests.cases.builders import Event, directive, stream_of
from tests.random_logs import ZONES, Log, Place, logs

RECORD_ACTIONS = ("READMIT", "READMIT", "READMIT", "REJECT")
CASE_ACTIONS = ("HOLD", "RESUME", "ACCEPT_OUT_OF_BAND", "ACCEPT_OUT_OF_BAND")
ENCOUNTER_ACTIONS = ("HOLD", "RESUME", "CLOSE_ENCOUNTER")
UNTIL_ACTIONS = ("HOLD", "EXTEND", "EXTEND")
ENCOUNTERS = st.builds(
    "encounter:{}/{}/{}".format, st.sampled_from("cccd"), st.sampled_from("aaab"), st.sampled_from("eef")
)
OBLIGATIONS = st.builds(
    "obligation:{}/{}/{}/{}/{}".format,
    st.sampled_from("ccccd"),
    st.sampled_from("aaab"),
    st.sampled_from("eeef"),
    st.sampled_from(["first", "first", "second", "third"]),
    st.sampled_from([1, 1, 1, 2, 3]),
)
MOVES = st.builds("move:{}/{}/{}".format, st.sampled_from("cccd"), st.sampled_from("aaab"), st.sampled_from("bbbabz"))
REGISTERS = (
    RegisterVersion(1, f"{1:064}", ZONES, frozenset("b")),
    RegisterVersion(2, f"{2:064}", {"a": ZONES["b"]}, frozenset("a")),
)
TARGETS = st.one_of(ENCOUNTERS, OBLIGATIONS)


@st.composite
def directed_logs(draw: st.DrawFn) -> Log:
    """Draw a log in which a few records could not be read at first, with directives about these and about its cases."""
    log = draw(logs())
    places = _places(log.events)
    unread = draw(st.sets(st.sampled_from(places), max_size=4)) if places else set()
    versions = Policies([_with_channels(draw, policy) for policy in log.policies.versions], registers=REGISTERS)
    events = list(log.events)
    for number in range(draw(st.integers(0, 9))):
        position = draw(st.integers(0, len(events)))
        at = events[position - 1].at if position else 0
        events.insert(position, draw(_directives(f"D{number}", at, sorted(unread), places, versions)))
    return replace(log, policies=versions, events=events, unread=frozenset(unread))


def _directives(
    name: str, at: int, unread: Sequence[Place], places: Sequence[Place], policies: Policies
) -> st.SearchStrategy[Event]:
    likely = st.sampled_from(unread) if unread else st.just(("field.a.incidents", 0))
    records = st.one_of(likely, likely, st.sampled_from(places)) if places else likely
    named = st.builds(lambda place: f"{place[0]}@{place[1]}", records)
    registers = st.sampled_from([f"register:{r.version}#{r.sha256}" for r in REGISTERS])
    versions = st.sampled_from([f"policy:{p.name}#{p.sha256}" for p in policies.versions])
    until = st.sampled_from([at, at + 3, at + 9, at + 20, at + 70])
    return st.one_of(
        st.builds(directive, st.just(name), st.just(at), st.sampled_from(RECORD_ACTIONS), named),
        st.builds(directive, st.just(name), st.just(at), st.just("ACTIVATE_POLICY"), versions),
        st.builds(directive, st.just(name), st.just(at), st.just("ACTIVATE_REGISTER"), registers),
        st.builds(directive, st.just(name), st.just(at), st.just("MOVE_CASE"), MOVES),
        st.builds(directive, st.just(name), st.just(at), st.sampled_from(CASE_ACTIONS), OBLIGATIONS),
        st.builds(directive, st.just(name), st.just(at), st.sampled_from(ENCOUNTER_ACTIONS), ENCOUNTERS),
        st.builds(directive, st.just(name), st.just(at), st.sampled_from(UNTIL_ACTIONS), TARGETS, until),
    )


def _with_channels(draw: st.DrawFn, policy: Policy) -> Policy:
    """Let some lines ask for a channel, to which some have to travel. The version has a digest that can be named."""
    channels = [draw(st.sampled_from([None, None, "CLASSIFIED", "COURIER"])) for _ in policy.requirements]
    lines = [
        replace(line, channel=channel, travel=4 if channel == "CLASSIFIED" else 0)
        for line, channel in zip(policy.requirements, channels, strict=True)
    ]
    return replace(policy, requirements=tuple(lines), sha256=f"{policy.version:064x}")


def _places(events: Sequence[Event]) -> list[Place]:
    """Give stream and offset of every record of a field stream."""
    offsets: Counter[str] = Counter()
    found = []
    for event in events:
        stream = stream_of(event)
        if stream != DIRECTIVES:
            found.append((stream, offsets[stream]))
        offsets[stream] += 1
    return found
