"""Sort a batch of records into what the ledger shall hold of them. Pure: it knows streams only by their state.

A record is applied, a duplicate, a pulse, or quarantined with its reason; a stream whose offsets or whose
clock cannot be believed is halted where it stands, and the others go on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from muster_contract.headers import number_of
from muster_contract.times import MAX_MS
from muster_contract.topics import Stream, parse_stream
from muster_hq.entries import (
    NEVER_READ,
    Counts,
    FindingRow,
    Heartbeat,
    NewFact,
    QuarantinedRecord,
    StreamState,
)
from muster_hq.facts import Applied, Heard, Noted, Pulse, Unfit, make, read_record
from muster_hq.heard import Beat, HeardRows, Kind, Row, pack
from muster_hq.orders import Order
from muster_hq.receipts import Receipt, accepted
from muster_hq.records import Record
from muster_hq.verdicts import Evidence, evidence_of

MAX_BROKER_SKEW = 5_000
"""Milliseconds by which an append time may lie ahead of headquarters' clock before the stream is halted."""

EventKey = tuple[str, bytes]
"""A stream and an event_id on it: two records with the same one are one event, or a conflict."""


class Halt(NamedTuple):
    """A stream that stops before a record that cannot be believed.

    ``broken`` tells a hole in the log (LOG_BROKEN) from a broker's clock, which may come right.
    """

    stream: str
    offset: int
    cause: str
    hint: str
    broken: bool


class Rules(NamedTuple):
    """What sorting goes by, beside the streams' states. Instants and durations in milliseconds.

    ``now`` None: append times are taken as they come, as in a replay. ``delay_bounds`` are seconds, rising.
    """

    offices: frozenset[str]
    shortest_outage: int | None
    delay_bounds: Sequence[float]
    now: int | None


@dataclass(slots=True)
class Progress:
    """A stream as the batch moves it, and what became of the batch's records on it."""

    stream: Stream
    registered: bool
    start: int
    next_offset: int
    clock: int
    newest_id: bytes
    began_at: int
    applied: int = 0
    duplicate: int = 0
    pulse: int = 0
    quarantined: int = 0
    halted: bool = False

    def state(self, topic_id: str | None) -> StreamState:
        """Give the stream's state after the batch."""
        return StreamState(self.next_offset, self.clock, topic_id, self.newest_id)

    def counted(self) -> Counts:
        """Give the batch's four counts."""
        return Counts(self.applied, self.duplicate, self.pulse, self.quarantined)


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
        self.heartbeats: dict[str, Heartbeat] = {}
        self.quarantined: list[QuarantinedRecord] = []
        self.findings: list[FindingRow] = []
        self.gaps: list[tuple[str, int, int]] = []
        self.halts: list[Halt] = []
        self._delays: list[int] = []
        self._rows: dict[tuple[str, Kind, bytes], list[Row]] = {}
        self._beats: dict[tuple[str, bytes], list[Beat]] = {}
        self._answers: list[Receipt] = []

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
                self._halt(record, progress)
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
                self._answer_duplicate(reading)
            else:
                unfit = Unfit("CONFLICT", "an event with this event_id and other bytes was applied before")
                received_at = reading.received_at if isinstance(reading, Noted) else reading.fact.received_at
                self._quarantine(record, progress, unfit, received_at)
        self.suspects.clear()

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
        begun = [p for p in self.progress.values() if p.start == 0 and p.next_offset > 0 and p.stream.office]
        found = [pack(p.stream.office or "", p.stream.name, Kind.BEGUN, b"", [(p.began_at, 0, 0, b"")]) for p in begun]
        for (stream, kind, epoch), rows in self._rows.items():
            rows.sort()  # suspects came after the others
            found.append(pack(self._office(stream), stream, kind, epoch, rows))
        found += [pack(self._office(s), s, Kind.BEATS, epoch, beats) for (s, epoch), beats in self._beats.items()]
        return found

    def receipts(self) -> list[Receipt]:
        """Give what the offices are told of their events; call it after ``heard``, which puts them in order."""
        given = list(self._answers)
        for (stream, kind, epoch), rows in self._rows.items():
            if kind is Kind.EVENTS and epoch:
                given += accepted(self._office(stream), stream, epoch, rows)
        return given

    def _answer_duplicate(self, reading: Applied | Noted) -> None:
        if isinstance(reading, Applied) and reading.sequence:
            fact = reading.fact
            place = fact.received_at, fact.offset, fact.event_id
            given = Receipt(fact.office, fact.stream, "DUPLICATE", *place, reading.epoch, reading.sequence)
            self._answers.append(given)

    def _office(self, stream: str) -> str:
        return self.progress[stream].stream.office or ""

    def _begin(self, name: str, at: int) -> Progress:
        stream = parse_stream(name)
        if stream is None:
            raise ValueError(f"{name} is no stream of headquarters")
        state = self._states.get(name, StreamState())
        registered = stream.office is None or stream.office in self._rules.offices
        position = state.next_offset
        progress = Progress(stream, registered, position, position, state.clock, state.newest_id, max(at, NEVER_READ))
        self.progress[name] = progress
        return progress

    def _halt(self, record: Record, progress: Progress) -> None:
        """Stop the stream before a record that cannot be believed; one that was taken before is passed over."""
        if record.offset < progress.next_offset:
            return
        broken = record.offset > progress.next_offset
        if broken:
            cause = f"offsets {progress.next_offset} to {record.offset - 1} are missing"
            hint = "restore the topic, or replay the archived log into a new ledger"
        else:
            ahead = record.appended_at - (self._rules.now or 0)
            cause, hint = f"the append time is {ahead} ms ahead of headquarters' clock", "set the broker's clock right"
        progress.halted = True
        self.halts.append(Halt(record.stream, record.offset, cause, hint, broken))

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
            return
        fact, case_id, epoch, sequence, recorded_at, ahead = reading
        self.facts.append(make(NewFact, (case_id, fact, digest)))
        key = fact.stream, Kind.EVENTS, epoch if sequence else b""  # events of a log file need have no number
        rows = self._rows.get(key)
        if rows is None:
            rows = self._rows[key] = []
        rows.append((fact.received_at, fact.offset, sequence, fact.event_id))
        self._delays.append(fact.received_at - recorded_at if recorded_at < fact.received_at else 0)
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
        waiting = fields["lowest_pending_encounter_sequence"], fields["lowest_pending_incident_sequence"]
        sent = [n if low is None else min(n, max(low, 1) - 1) for n, low in zip(last, waiting, strict=True)]
        beats = self._beats.setdefault((record.stream, epoch.bytes), [])
        beats.append((heard.received_at, record.offset, fields["event_id"], *last, *sent))

    def _quarantine(self, record: Record, progress: Progress, unfit: Unfit, received_at: int) -> None:
        progress.quarantined += 1
        value = record.value or b""
        number = number_of(record.headers())
        if number and progress.stream.office and unfit.reason != "WRONG_OFFICE":
            key = record.stream, Kind.UNREAD, number.epoch.bytes
            self._rows.setdefault(key, []).append((received_at, record.offset, number.sequence, b""))
        if progress.stream.office and progress.registered:
            epoch, sequence = (number.epoch.bytes, number.sequence) if number else (None, None)
            given = Receipt(
                progress.stream.office, record.stream, "QUARANTINED", received_at, record.offset, None, epoch, sequence
            )
            self._answers.append(given._replace(reason=unfit.reason))
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


def gaps_before(clock: int, appended_at: int, stream: str, shortest: int) -> list[tuple[str, int, int]]:
    """Give (office, start, end) of the stretch before a record, if a policy may call it an outage."""
    parsed = parse_stream(stream)
    if parsed is None or parsed.office is None or clock == NEVER_READ or appended_at - clock <= shortest:
        return []
    return [(parsed.office, clock, appended_at)]


def _in_seconds(milliseconds: int) -> float:
    return milliseconds / 1000


def _key(reading: Applied | Noted) -> EventKey:
    if isinstance(reading, Noted):
        return reading.stream, reading.event_id
    return reading.fact.stream, reading.fact.event_id
