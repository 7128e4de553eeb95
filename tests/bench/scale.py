"""What 2.37 million supervised cases cost: bytes on disk, the start, and the time that an event takes beside them.

``python -m tests.bench.scale fill|start|cost|scrape --ledger URL --cases N``: each side is a process of its own and
prints what it measured as JSON. A supervised case is one CustodyChanged, and one open obligation to screen it again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from random import Random
from statistics import median
from timeit import timeit
from uuid import UUID

from prometheus_client import generate_latest

from muster_contract.codec import PULSE
from muster_contract.topics import encounters, streams_of
from muster_hq.commands.assembly import spare_the_collector
from muster_hq.commands.scraping import registry_over
from muster_hq.entries import Counts, Move, NewFact, StreamState
from muster_hq.facts import Fact
from muster_hq.intake import Intake
from muster_hq.judging import Judging
from muster_hq.ledger.opening import open_ledger
from muster_hq.ledger_port import Ledger
from muster_hq.patterns import shape_of
from muster_hq.policies import Policies
from muster_hq.policy_reader import load_policies
from muster_hq.records import Record
from muster_hq.worker import BATCH
from tests.bench.workload import OFFICES, SEED, Event, Story, Writer

POLICY = Path("consumers/muster_hq/demo/demo-kstep.toml")
SINCE = 1_700_000_000_000
"""When the first case came under supervision; the last one came three weeks later, before any is due."""
_SPREAD = 21 * 86_400_000
_SUPERVISED = shape_of("CustodyChanged", (("to", "SUPERVISED"),))
_EVENTS = 100_000
_AMID_DEADLINES = 40 * 86_400_000
_SCRAPES = 15


def identity(number: int) -> tuple[str, bytes]:
    """Give the opaque id of a supervised case, which does not show its number, and its bytes."""
    digest = blake2b(number.to_bytes(8, "big"), digest_size=16).digest()
    return str(UUID(bytes=digest)), digest


def fill(ledger: Ledger, policies: Policies, count: int) -> None:
    """Take so many supervised cases in, and judge them: each opens one obligation."""
    intake, judging = Intake(ledger, policies, OFFICES), Judging(ledger, policies)
    offsets = dict.fromkeys(map(encounters, OFFICES), 0)
    for first in range(0, count, BATCH):
        last = min(first + BATCH, count)
        facts, clock = [], SINCE
        before = dict(offsets)
        for number in range(first, last):
            office = OFFICES[number % len(OFFICES)]
            stream, clock = encounters(office), SINCE + number * _SPREAD // count
            opaque, digest = identity(number)
            event_id = clock.to_bytes(6, "big") + b"\x70" + digest[7:]  # a UUIDv7, as an outbox makes them
            own_at = clock - number % 3_600_000
            place = clock, stream, offsets[stream], office
            facts.append(NewFact(opaque, Fact(*place, event_id, _SUPERVISED, opaque, own_at, None), digest[:8]))
            offsets[stream] += 1
        with ledger.intake() as transaction:
            for stream, offset in offsets.items():
                counts = Counts(applied=offset - before[stream])
                transaction.move([Move(stream, before[stream], StreamState(offset, clock), counts)])
            transaction.append(facts, [], policies.concern)
        intake.reload()
        intake.pass_time([*streams_of(OFFICES)], clock + 2)
        judging.run_dry(BATCH)
        while sent := ledger.outgoing(0, BATCH):  # as the publisher does, once the broker has acknowledged them
            ledger.forget([record.number for record in sent])
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{last:,} of {count:,} cases")


def start(url: str, policies: Policies) -> float:
    """Open the ledger when the first deadline has just passed; give the seconds until its verdict is committed."""
    with closing(open_ledger(url)) as ledger:
        first_due = min(due for clock, due in ledger.next_due().items() if clock)
        Intake(ledger, policies, OFFICES).pass_time(streams_of(OFFICES), first_due + 2)
        before = sum(ledger.verdict_counts().values())
    began = time.perf_counter()
    with closing(open_ledger(url)) as ledger:
        Intake(ledger, policies, OFFICES)
        Judging(ledger, policies).step(BATCH)
        seconds = time.perf_counter() - began
        assert sum(ledger.verdict_counts().values()) > before
    return seconds


def scrape(url: str, policies: Policies) -> float:
    """Scrape the metrics amid deadlines, thousands of them within the hour; give the median seconds."""
    spare_the_collector()
    registry = registry_over(url, policies, OFFICES, clock=lambda: SINCE + _AMID_DEADLINES)
    return median(timeit(lambda: generate_latest(registry), number=1) for _ in range(_SCRAPES))


def cost(url: str, policies: Policies, cases: int, seed: int) -> float:
    """Take in and judge events, half of them on cases that were there; give the seconds an event."""
    spare_the_collector()
    with closing(open_ledger(url)) as ledger:
        intake, judging = Intake(ledger, policies, OFFICES), Judging(ledger, policies)
        clock = max(state.clock for state, _ in ledger.streams().values())
        offsets = {stream: intake.state(stream).next_offset for stream in streams_of(OFFICES)}
        events = list(_events(cases, clock, seed))
        seconds = 0.0
        for first in range(0, len(events), BATCH):
            records = []
            for stream, value, recorded_at, _ in events[first : first + BATCH]:
                records.append(Record(stream, offsets[stream], recorded_at, value))
                offsets[stream] += 1
            for stream in streams_of(OFFICES):
                records.append(Record(stream, offsets[stream], records[BATCH - 1].appended_at + 2, PULSE))
                offsets[stream] += 1
            began = time.perf_counter()
            with ledger.together():
                intake.take(records, None)
                judging.run_dry(BATCH)
            seconds += time.perf_counter() - began
        return seconds / len(events)


def _events(cases: int, now: int, seed: int) -> Iterator[Event]:
    writer = Writer(Random(seed))  # noqa: S311 - a workload, not a secret
    for number in range(_EVENTS):
        at = now + 1 + number // 4
        if number % 2:
            chosen = writer.random.randrange(cases)
            opaque, opening = identity(chosen)
            story = Story(OFFICES[chosen % len(OFFICES)], opaque, opaque, opening, "NONE")
            yield writer.follow_up(story, at)
        else:
            yield writer.encounter(at)[1]


def main() -> None:
    """Run the side that the command line names, and print what was measured as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=["fill", "start", "cost", "scrape"])
    parser.add_argument("--ledger", required=True)
    parser.add_argument("--cases", type=int, required=True)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    policies = load_policies([POLICY])
    if given.side == "fill":
        began = time.perf_counter()
        with closing(open_ledger(given.ledger)) as ledger:
            fill(ledger, policies, given.cases)
        seconds = time.perf_counter() - began
    elif given.side == "start":
        seconds = start(given.ledger, policies)
    elif given.side == "scrape":
        seconds = scrape(given.ledger, policies)
    else:
        seconds = cost(given.ledger, policies, given.cases, given.seed)
    sys.stdout.write(json.dumps({"seconds": seconds}) + "\n")


if __name__ == "__main__":
    main()
