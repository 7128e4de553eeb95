"""Directives in random logs, and records that headquarters could not read at first: an older program stood there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from muster_contract.topics import DIRECTIVES
from tests.cases.builders import Event, directive, stream_of
from tests.random_logs import Log, Place, logs

RECORD_ACTIONS = ("READMIT", "READMIT", "READMIT", "REJECT")


@st.composite
def directed_logs(draw: st.DrawFn) -> Log:
    """Draw a log in which a few records could not be read at first, with directives about these and about its cases."""
    log = draw(logs())
    places = _places(log.events)
    unread = draw(st.sets(st.sampled_from(places), max_size=4)) if places else set()
    events = list(log.events)
    for number in range(draw(st.integers(0, 6))):
        position = draw(st.integers(0, len(events)))
        at = events[position - 1].at if position else 0
        events.insert(position, draw(_directives(f"D{number}", at, sorted(unread), places)))
    return replace(log, events=events, unread=frozenset(unread))


@st.composite
def _directives(draw: st.DrawFn, name: str, at: int, unread: Sequence[Place], places: Sequence[Place]) -> Event:
    likely = st.sampled_from(unread) if unread else st.just(("field.a.incidents", 0))
    anything = st.sampled_from(places) if places else likely
    stream, offset = draw(st.one_of(likely, likely, anything))
    return directive(name, at, draw(st.sampled_from(RECORD_ACTIONS)), f"{stream}@{offset}")


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
