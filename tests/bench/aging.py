"""What one more event of a case costs, by how many the case had before: it must not grow with its age (ADR 0019)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from random import Random
from statistics import median

from muster_contract.topics import streams_of
from muster_hq.intake import Intake
from muster_hq.judging import Judging
from muster_hq.ledger.opening import open_ledger
from muster_hq.policy_reader import load_policies
from muster_hq.records import Record
from tests.bench.results import Result, at_most
from tests.bench.scale import POLICY, SINCE
from tests.bench.workload import SEED, Event, Story, Writer

AGES = (10, 100, 1_000, 5_000)
OFFICE = "o00"
_HOUR = 3_600_000
_SAMPLES = 40
_A_TURN = 5
_PASSES = 3


def measure(folder: Path) -> list[Result]:
    """Let a case of each kind grow old; give what an event costs by its age, and the oldest over the young."""
    results = []
    for what, events in (("screened again each day", _screened), ("of many encounters", _met)):
        passes = [_costs(f"sqlite:///{folder}/{events.__name__}-{number}.db", events) for number in range(_PASSES)]
        for age in AGES:
            took = median(one[age] for one in passes)
            results.append(Result(f"one more event, case {what}, after {age:,}", took, "us", None, None))
        times = median(one[AGES[-1]] / one[100] for one in passes)
        results.append(at_most(f"the same, after {AGES[-1]:,} against after 100", times, "times", 1.5))
    return results


def _costs(url: str, events: Callable[[Writer], Iterator[Event]]) -> dict[int, float]:
    """Take in and judge events one by one; give the median microseconds after so many, without the commit."""
    took: dict[int, list[float]] = {age: [] for age in AGES}
    with closing(open_ledger(url)) as ledger:
        policies = load_policies([POLICY])
        intake, judging = Intake(ledger, policies, [OFFICE]), Judging(ledger, policies)
        story, age = events(Writer(Random(SEED))), 0  # noqa: S311 - a workload, not a secret
        while age < AGES[-1] + _SAMPLES:
            sampled = next((one for one in AGES if one <= age < one + _SAMPLES), None)
            turn = list(islice(story, 1 if sampled else _A_TURN))
            with ledger.together():
                began = time.perf_counter()
                _take(intake, turn)
                judging.run_dry(10)
                seconds = time.perf_counter() - began
            age += len(turn)
            if sampled:
                took[sampled].append(seconds * 1e6)
    return {age: round(median(found)) for age, found in took.items()}


def _take(intake: Intake, turn: list[Event]) -> None:
    """Take events in, and let time pass on all streams."""
    offsets = {stream: intake.state(stream).next_offset for stream in streams_of([OFFICE])}
    records = []
    for stream, value, at, _ in turn:
        records.append(Record(stream, offsets[stream], at, value))
        offsets[stream] += 1
    intake.take(records, None)
    intake.pass_time(streams_of([OFFICE]), turn[-1].recorded_at + 2)


def _screened(writer: Writer) -> Iterator[Event]:
    """Give events of a person under supervision, who is screened again every day."""
    story, at = Story(OFFICE, writer.new_id(), writer.new_id(), b"", "NONE"), SINCE
    yield writer.say("CustodyChanged", story, at, to="SUPERVISED")
    while at := at + 24 * _HOUR:
        yield writer.say("ScreeningCompleted", story, at, kind="RESCREEN", outcome="NO_MATCH")


def _met(writer: Writer) -> Iterator[Event]:
    """Give events of a person met again and again, with both reports of each encounter."""
    case_id, at = writer.new_id(), SINCE
    while at := at + 6 * _HOUR:
        story = Story(OFFICE, case_id, writer.new_id(), b"", "POTENTIAL")
        yield writer.say("EncounterReported", story, at, match="POTENTIAL", custody="SUPERVISED")
        for stage in ("INITIAL", "FOLLOW_UP"):
            at += 6 * _HOUR
            about = {"report_reference": writer.new_id(), "report_sha256": writer.random.randbytes(32)}
            yield writer.say("IncidentReported", story, at, stage=stage, channel="UNCLASSIFIED", **about)
