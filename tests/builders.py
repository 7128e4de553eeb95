"""What headquarters' own values look like in a test: facts, outages and rows of the small logs of tests/cases.

Logs, events, expected verdicts and policies are built with ``tests.cases.builders``; here is what follows
from them inside headquarters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from muster_contract.topics import DIRECTIVES, encounters, incidents, parse_stream
from muster_hq.entries import NEVER_READ, Counts, FiledReport, Move, NewFact, StreamState
from muster_hq.facts import Applied, Fact, read_record
from muster_hq.ledger.opening import open_ledger
from muster_hq.lodgings import Claim, Lodging
from muster_hq.logfile import offices_in
from muster_hq.orders import Order
from muster_hq.policies import Policies
from muster_hq.policy_reader import read_policy
from muster_hq.quarantine import settle
from muster_hq.records import Record
from muster_hq.replay import replay
from muster_hq.sorting import Batch, Rules
from muster_hq.verdicts import ALL_OFFICES, NEVER, Obligation, Outage, Verdict, evidence_of
from tests.cases.builders import T0, Case, Event
from tests.cases.policies import REPORT


def records_of(*events: Event) -> list[Record]:
    """Give the records of a log: offsets follow from the order in which a stream's events stand."""
    return Case("", "", events).records


def ledger_of(folder: Path, *events: Event, until: int) -> str:
    """Judge a log of the offices a and b, by the policy REPORT, into a new ledger up to T0 + until; give its URL."""
    url, case = f"sqlite:///{folder}/ledger.db", Case("", REPORT, events)
    with closing(open_ledger(url)) as ledger:
        replay(case.records, case.policies, ["a", "b"], ledger, T0 + until)
    return url


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


class Read(NamedTuple):
    """What a log says: facts and directives by case, and the outages that its quarantined records are."""

    facts: dict[str, list[Fact]]
    orders: dict[str, list[Order]]
    outages: dict[str, list[Outage]]
    activations: list[Order]
    claims: dict[str, list[Claim]]


def read_log(records: Sequence[Record], offices: Collection[str]) -> Read:
    """Read a log as a whole, as intake reads it, and carry out what its directives say of quarantined records."""
    batch = Batch(Rules(frozenset(offices), None, [], None, lodging=True), {})
    batch.sort(records)
    batch.settle({})
    found = Read(defaultdict(list), defaultdict(list), defaultdict(list), [], defaultdict(list))
    for new in batch.facts:
        found.facts[new.case_id].append(new.fact)
    for order in sorted(batch.orders):
        if order.ignored is None and order.action.startswith("ACTIVATE_"):
            found.activations.append(order)
        if order.case_id:
            found.orders[order.case_id].append(order)
    for case_id, fact, reference, digest in [*batch.filed, *_settle_quarantine(batch, found, offices)]:
        found.claims[case_id] += _claims(fact, reference, digest, batch.lodgings)
    for facts in found.facts.values():
        facts.sort()
    for orders in found.orders.values():
        orders.sort()
    return found


def _settle_quarantine(batch: Batch, found: Read, offices: Collection[str]) -> Iterator[FiledReport]:
    """Note what became of quarantined records, and give what reports among them name."""
    for record in batch.quarantined:
        if record.stream == DIRECTIVES:
            continue
        office = record.stream.split(".")[1]
        naming = [o for o in batch.orders if o.names_a_record and o.aim[:2] == (record.stream, record.offset)]
        settled = settle(record, naming, registered=office in offices)
        end = settled.order.received_at if settled else NEVER
        found.outages[office].append(Outage(record.received_at - 1, end, unread=True))
        if settled and settled.fact:
            case_id, fact = settled.fact
            found.facts[case_id].append(fact)
            found.orders[case_id].append(settled.order)
            if settled.filed:
                yield FiledReport(case_id, fact, *settled.filed)


def _claims(fact: Fact, reference: str, digest: bytes, lodgings: Iterable[Lodging]) -> list[Claim]:
    first = {one.sha256: one for one in sorted(lodgings, reverse=True) if one.reference == reference}
    return [Claim(fact.stream, fact.offset, one.sha256 == digest, one) for one in first.values()]


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


def new_facts(*events: Event) -> list[NewFact]:
    """Give the facts of a log as intake appends them; the digest is no more than the id's first bytes."""
    cases = facts_of(records_of(*events))
    return [NewFact(case_id, fact, fact.event_id[:8]) for case_id, facts in cases.items() for fact in facts]


def move(stream: str, start: int = 0, end: int = 1, at: int = 0, counts: Counts | None = None) -> Move:
    """Move a stream's position, and its clock to so many milliseconds after T0."""
    return Move(stream, start, StreamState(end, T0 + at), counts or Counts(pulse=end - start))


def verdict_on(opening: Fact, verdict: str = "MISSED", at: int = 10, occurrence: int = 1) -> Verdict:
    """Give a verdict on the requirement ``report``; ``at`` is in milliseconds after T0."""
    key = (opening.office, opening.encounter_id, "report", occurrence)
    return Verdict(*key, verdict, T0 + at, T0 + 10, None, "p@1", (evidence_of(opening),))


def obligation_on(opening: Fact, state: str = "OPEN", due: int = 10, occurrence: int = 1) -> Obligation:
    """Give an obligation of the requirement ``report``: outstanding ones wait for no instant."""
    key = (opening.office, opening.encounter_id, "report", occurrence)
    next_at = None if state == "OUTSTANDING" else T0 + due
    return Obligation(*key, "p@1", T0 + due, state, next_at, opening.office, opening)
