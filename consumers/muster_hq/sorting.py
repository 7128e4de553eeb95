"""Sort a batch of records into what the ledger shall hold of them. Pure: it knows streams only by their state.

A record is applied, a duplicate, a pulse, or quarantined with its reason; a stream whose offsets or whose
clock cannot be believed is halted where it stands, and the others go on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from muster_contract.headers import number_of
from muster_contract.times import MAX_MS
from muster_contract.topics import parse_stream
from muster_hq.entries import (
    FiledReport,
    FindingRow,
    Heartbeat,
    NewFact,
    QuarantinedRecord,
    StreamState,
)
from muster_hq.facts import Applied, Heard, Noted, Pulse, Unfit, make, read_record
from muster_hq.heard import HeardRows, Kind
from muster_hq.hearing import Hearing
from muster_hq.lodgings import Lodging
from muster_hq.orders import Order
from muster_hq.progress import Halt, Progress, begin, gaps_before
from muster_hq.records import Record
from muster_hq.verdicts import Evidence, evidence_of

MAX_BROKER_SKEW = 5_000
"""Milliseconds by which an append time may lie ahead of headquarters' clock before the stream is halted."""

EventKey = tuple[str, bytes]
"""A stream and an event_id on it: two records with the same one are one event, or a conflict."""


class Rules(NamedTuple):
    """What sorting goes by, beside the streams' states. Instants and durations in milliseconds.

    ``now`` None: append times are taken as they come, as in a replay. ``delay_bounds`` are seconds, rising.
    """

    offices: frozenset[str]
    shortest_outage: int | None
    delay_bounds: Sequence[float]
    now: int | None
    lodging: bool = False
    """Whether what reports name, and what is lodged, is kept."""


class Batch:
    """A batch of records, sorted. First ``sort``, then ``settle`` with what the ledger knows; then read it."""

    def __init__(self, rules: Rules, states: Mapping[str, StreamState]) -> None:
        self._rules = rules
        self._states = states
        self.progress: dict[str, Progress] = {}
        self.suspects: list[tuple[Record, Applied | Noted, bytes]] = []
        self.facts: list[NewFact] = []
        self.notes: list[tuple[str, bytes, bytes]] = []
        self.orders: list[Order] = []
        self.filed: list[FiledReport] = []
        self.lodgings: list[Lodging] = []
        self.heartbeats: dict[str, Heartbeat] = {}
        self.quarantined: list[QuarantinedRecord] = []
        self.findings: list[FindingRow] = []
        self.gaps: list[tuple[str, int, int]] = []
        self.halts: list[Halt] = []
        self._delays: list[int] = []
        self.hearing = Hearing()

    def sort(self, records: Sequence[Record]) -> None:
        """Take the records in order; those of one stream must be in order of offset."""
        shortest = MAX_MS if self._rules.shortest_outage is None else self._rules.shortest_outage
        believed_until = MAX_MS if self._rules.now is None else self._rules.now + MAX_BROKER_SKEW
        for record in records:  # the hot loop: what it can leave out of a step is measured in benchmarks
            name, offset, appended_at, _, _ = record
            progress = self.progress.get(name) or self._begin(name, appended_at)
            if progress.halted:
                continue
            if offset != progress.next_offset or appended_at > believed_until:
                if halt := progress.halt_before(record, self._rules.now):
                    self.halts.append(halt)
                continue
            progress.next_offset = offset + 1
            if appended_at > progress.clock:
                if appended_at - progress.clock > shortest:
                    self.gaps.extend(gaps_before(progress.clock, appended_at, name, shortest))
                progress.clock = appended_at
            reading = read_record(record, progress.clock, progress.stream, registered=progress.registered)
            kind = type(reading)
            if kind is Applied or kind is Noted:
                self._take(record, reading, progress)  # type: ignore[arg-type]  # by the line above, which is quicker
            elif kind is Pulse:
                progress.pulse += 1
            elif kind is Unfit:
                self._quarantine(record, progress, reading, progress.clock)  # type: ignore[arg-type]  # the same
            else:
                self._hear(record, reading, progress)  # type: ignore[arg-type]  # the same

    def suspect_ids(self) -> list[EventKey]:
        """Give the events that the ledger may know from before."""
        return [_key(reading) for _, reading, _ in self.suspects]

    def settle(self, known: Mapping[EventKey, bytes]) -> None:
        """Tell the suspects apart: new, a duplicate, or a conflict with what was applied under the same id."""
        if not self.suspects:
            return
        seen = {(new.fact.stream, new.fact.event_id): new.digest for new in self.facts}
        seen |= {(stream, event_id): digest for stream, event_id, digest in self.notes}
        seen |= known
        for record, reading, digest in self.suspects:
            progress = self.progress[record.stream]
            before = seen.get(_key(reading))
            if before is None:
                seen[_key(reading)] = digest
                self._accept(reading, digest, progress)
            elif before == digest:
                progress.duplicate += 1
                if isinstance(reading, Applied):
                    self.hearing.duplicate(reading)
            else:
                unfit = Unfit("CONFLICT", "an event with this event_id and other bytes was applied before")
                received_at = reading.received_at if isinstance(reading, Noted) else reading.fact.received_at
                self._quarantine(record, progress, unfit, received_at)
        self.suspects.clear()
        self.hearing.put_in_order()

    def delays(self) -> tuple[dict[float, int], float]:
        """Give the facts' transmission delays: how many by upper bound in seconds, and their sum."""
        delays = sorted(self._delays)
        counts, below = {}, 0
        for bound in (*self._rules.delay_bounds, float("inf")):
            up_to = bisect_right(delays, bound, key=_in_seconds)
            if up_to > below:
                counts[bound] = up_to - below
            below = up_to
        return counts, sum(delays) / 1000

    def heard(self) -> list[HeardRows]:
        """Give what was heard of offices, for the roll call."""
        return self.hearing.heard((p.stream.name, p.began_at) for p in self.progress.values() if p.begun)

    def _begin(self, name: str, at: int) -> Progress:
        stream = parse_stream(name)
        registered = stream is not None and (stream.office is None or stream.office in self._rules.offices)
        progress = begin(name, self._states.get(name, StreamState()), at, registered=registered)
        self.progress[name] = progress
        return progress

    def _take(self, record: Record, reading: Applied | Noted, progress: Progress) -> None:
        digest = sha256(record.value or b"").digest()[:8]
        event_id = reading.event_id if isinstance(reading, Noted) else reading.fact.event_id
        if event_id > progress.newest_id:
            # Ids are time-ordered: a greater one than all before cannot be known.
            progress.newest_id = event_id
            self._accept(reading, digest, progress)
        else:
            self.suspects.append((record, reading, digest))

    def _accept(self, reading: Applied | Noted, digest: bytes, progress: Progress) -> None:
        progress.applied += 1
        if isinstance(reading, Noted):
            self.notes.append((reading.stream, reading.event_id, digest))
            if reading.order is not None:
                self.orders.append(reading.order)
            if reading.lodging is not None and self._rules.lodging:
                self.lodgings.append(reading.lodging)
            return
        fact, case_id, epoch, sequence, recorded_at, ahead, filed = reading
        self.facts.append(make(NewFact, (case_id, fact, digest)))
        key = fact.stream, Kind.EVENTS, epoch if sequence else b""  # events of a log file need have no number
        rows = self.hearing.rows.get(key)
        if rows is None:
            rows = self.hearing.rows[key] = []
        rows.append((fact.received_at, fact.offset, sequence, fact.event_id))
        self._delays.append(fact.received_at - recorded_at if recorded_at < fact.received_at else 0)
        if filed is not None and self._rules.lodging:
            self.filed.append(FiledReport(case_id, fact, *filed))
        if ahead:
            found = (evidence_of(fact),)
            detail = f"offset {fact.offset}, {ahead} ms ahead"
            self.findings.append(FindingRow("CLOCK_AHEAD", fact.office, fact.stream, fact.received_at, detail, found))

    def _hear(self, record: Record, heard: Heard, progress: Progress) -> None:
        progress.applied += 1
        fields = heard.fields
        epoch, pending = UUID(bytes=fields["epoch"]), fields["pending"]
        last = fields["last_encounter_sequence"], fields["last_incident_sequence"]
        self.heartbeats[heard.office] = Heartbeat(heard.office, heard.received_at, epoch, *last, pending)
        self.hearing.beat(heard, record)

    def _quarantine(self, record: Record, progress: Progress, unfit: Unfit, received_at: int) -> None:
        progress.quarantined += 1
        value = record.value or b""
        number = number_of(record.headers())
        self.hearing.unread(record, unfit, received_at, registered=progress.registered)
        self.quarantined.append(
            QuarantinedRecord(
                record.stream,
                record.offset,
                received_at,
                unfit.reason,
                unfit.detail,
                None if unfit.reason == "LABEL_ABOVE_CEILING" else record.value,
                len(value),
                sha256(value).digest(),
                number.epoch if number else None,
                number.sequence if number else None,
            )
        )
        if unfit.reason == "WRONG_OFFICE":
            evidence = (Evidence(progress.clock, record.stream, record.offset, None),)
            office = progress.stream.office or ""
            detail = f"offset {record.offset}"
            self.findings.append(FindingRow("WRONG_OFFICE", office, record.stream, progress.clock, detail, evidence))


def _in_seconds(milliseconds: int) -> float:
    return milliseconds / 1000


def _key(reading: Applied | Noted) -> EventKey:
    if isinstance(reading, Noted):
        return reading.stream, reading.event_id
    return reading.fact.stream, reading.fact.event_id
