"""Long cases and long logs: of four times the length, a log takes about four times the steps, in both programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest

from muster_contract.topics import encounters
from muster_hq.audit import audit
from muster_hq.heard import Kind, pack
from muster_hq.judge import judge
from muster_hq.outages import Outages
from muster_hq.policies import Policies
from muster_hq.records import Record
from muster_hq.roll import Roll
from muster_hq.rollcall import call
from muster_hq.verdicts import Outage
from tests.builders import clocks_at, facts_of, policies_of, records_of, silences_of
from tests.cases.builders import DAY, SECOND, Event, encounter, report, screening, supervised
from tests.cases.policies import (
    LINE,
    OUTAGE,
    OUTAGE_HEAD,
    REPORT,
    REPORT_OF_CASE_RECURS,
    REPORT_RECURS,
    SCREENING,
)

SHORT, LONG = 60, 240


def screened(times: int) -> Iterator[Event]:
    """Screen one case again and again."""
    yield supervised("E", 0)
    for n in range(times):
        yield screening(f"S{n}", 9 * n)


def reported(times: int) -> Iterator[Event]:
    """Report the one encounter of a case again and again."""
    yield encounter("E", 0)
    for n in range(times):
        yield report(f"R{n}", 9 * n)


def met(times: int) -> Iterator[Event]:
    """Meet again and again, and report each second time."""
    for n in range(times):
        yield encounter(f"E{n}", 9 * n, enc=f"e{n}")
        if n % 2:
            yield report(f"R{n}", 9 * n + 1, enc=f"e{n}")


def met_between_outages(times: int) -> Iterator[Event]:
    """Meet once an outage, each in a case of its own."""
    for n in range(times):
        yield encounter(f"E{n}", 100 * SECOND * n, case=f"c{n}")


def at_once(events: Callable[[int], Iterator[Event]]) -> Callable[[int], Iterator[Event]]:
    """Have all of it arrive at one instant, as in a log whose streams are sorted by case."""
    return lambda times: (event._replace(at=DAY) for event in events(times))


def audited(records: Sequence[Record], policies: Policies) -> None:
    """Audit a log."""
    audit(records, policies, None, records[-1].appended_at + DAY)


def judged(records: Sequence[Record], policies: Policies) -> None:
    """Judge the cases of a log, each as a whole."""
    as_of = records[-1].appended_at + DAY
    outages = Outages(silences_of(records, as_of))
    clocks = clocks_at(as_of, "a")
    for facts in facts_of(records).values():
        judge(policies, facts, outages, clocks)


def called(records: Sequence[Record], policies: Policies) -> None:
    """Call the roll of an office that was heard once a record, each after an outage."""
    rows = [(record.appended_at, record.offset, 0, bytes(16)) for record in records]
    outages = [Outage(before[0], after[0]) for before, after in pairwise(rows)]
    heard = [pack("a", encounters("a"), Kind.EVENTS, b"", rows)]
    call("a", Roll(), heard, policies, outages=outages, clock=rows[-1][0] + DAY)


@pytest.mark.parametrize("judging", [audited, judged])
@pytest.mark.parametrize(
    ("policy", "events"),
    [
        (SCREENING, screened),
        (REPORT_RECURS, reported),
        (REPORT_OF_CASE_RECURS, reported),
        (REPORT, met),
        (SCREENING, at_once(screened)),
        (REPORT_RECURS, at_once(reported)),
        (REPORT_OF_CASE_RECURS, at_once(reported)),
        (REPORT, at_once(met)),
        (OUTAGE, met_between_outages),
    ],
)
def test_what_an_event_costs_does_not_grow_with_those_before_it(
    policy: str, events: Callable[[int], Iterator[Event]], judging: Callable[[Sequence[Record], Policies], None]
) -> None:
    """Whatever recurs, however many encounters a case has, and however many outages an office had."""
    short, long = (records_of(*events(times)) for times in (SHORT, LONG))
    policies = policies_of(policy)
    judging(short, policies)  # what is kept for all logs is worked out before
    assert steps_of(judging, long, policies) < 5 * steps_of(judging, short, policies)


@pytest.mark.parametrize("calling", [audited, called])
@pytest.mark.parametrize("silent_after", ["PT15S", "PT10M"])
def test_nor_what_it_costs_to_find_who_is_silent(
    silent_after: str, calling: Callable[[Sequence[Record], Policies], None]
) -> None:
    """However many outages there were, whether an office is silent before each or during none."""
    short, long = (records_of(*met_between_outages(times)) for times in (SHORT, LONG))
    policies = policies_of(f'{OUTAGE_HEAD}silent_after = "{silent_after}"\n{LINE}')
    calling(short, policies)
    assert steps_of(calling, long, policies) < 5 * steps_of(calling, short, policies)


def steps_of(work: Callable[..., object], *args: object) -> int:
    """Count the steps of the interpreter: what takes long in a library's own code is not seen, what repeats is."""
    steps = 0

    def count(frame: FrameType, event: str, _: Any) -> Any:  # noqa: ANN401 - as sys.settrace has it
        nonlocal steps
        frame.f_trace_opcodes = True
        steps += event == "opcode"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        work(*args)
    finally:
        sys.settrace(before)
    return steps
