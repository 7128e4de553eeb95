"""What headquarters' own values look like in a test: facts, outages and rows of the small logs of tests/cases.

Logs, events, expected verdicts and policies are built with ``tests.cases.builders``; here is what follows
from them inside headquarters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from muster_contract.topics import encounters, incidents, parse_stream
from muster_hq.entries import NEVER_READ
from muster_hq.facts import Applied, Fact, read_record
from muster_hq.logfile import offices_in
from muster_hq.policy import Policies
from muster_hq.policy_reader import read_policy
from muster_hq.records import Record
from muster_hq.verdicts import ALL_OFFICES, Outage
from tests.cases.builders import Case, Event


def records_of(*events: Event) -> list[Record]:
    """Give the records of a log: offsets follow from the order in which a stream's events stand."""
    return Case("", "", events).records


def policies_of(*texts: str) -> Policies:
    """Read the versions of a policy."""
    return Policies([read_policy(text, "test") for text in texts])


def facts_of(records: Iterable[Record], offices: Collection[str] | None = None) -> dict[str, list[Fact]]:
    """Read each record once, as intake does, and give the facts of each case in fact order."""
    records = list(records)
    registered = offices_in(records) if offices is None else offices
    clocks: defaultdict[str, int] = defaultdict(int)
    known: set[tuple[str, bytes]] = set()
    cases: defaultdict[str, list[Fact]] = defaultdict(list)
    for record in records:
        clocks[record.stream] = max(clocks[record.stream], record.appended_at)
        stream = parse_stream(record.stream)
        assert stream is not None
        reading = read_record(
            record, clocks[record.stream], stream, registered=stream.office is None or stream.office in registered
        )
        if isinstance(reading, Applied) and (record.stream, reading.fact.event_id) not in known:
            known.add((record.stream, reading.fact.event_id))
            cases[reading.case_id].append(reading.fact)
    return {case_id: sorted(facts) for case_id, facts in cases.items()}


def silences_of(records: Sequence[Record], as_of: int) -> dict[str, list[Outage]]:
    """Give every stretch between two records of each office's streams; a pulse after ``as_of`` ends the last."""
    found: dict[str, list[Outage]] = {}
    for office in offices_in(records):
        found[office] = []
        for stream in (encounters(office), incidents(office)):
            clock = NEVER_READ
            times = [record.appended_at for record in records if record.stream == stream]
            for at in times if max(times, default=0) > as_of else [*times, as_of + 1]:
                if clock not in {NEVER_READ, at}:
                    found[office].append(Outage(clock, max(clock, at)))
                clock = max(clock, at)
    return found


def clocks_at(instant: int, offices: Iterable[str]) -> dict[str, int]:
    """Set the clock of each office, and the one over all, to an instant."""
    return {ALL_OFFICES: instant} | dict.fromkeys(offices, instant)
