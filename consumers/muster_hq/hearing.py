"""What a batch of records says of its offices: numbers and heartbeats for the roll call, and what to answer. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from muster_contract.headers import number_of
from muster_contract.topics import parse_stream
from muster_hq.facts import Applied, Heard, Unfit
from muster_hq.heard import Beat, HeardRows, Kind, Row, pack
from muster_hq.receipts import Receipt, accepted
from muster_hq.records import Record


class Hearing:
    """Keeps what is heard, by stream and epoch; ``rows`` is open to the hot loop that fills it."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, Kind, bytes], list[Row]] = {}
        self._beats: dict[tuple[str, bytes], list[Beat]] = {}
        self._answers: list[Receipt] = []

    def beat(self, heard: Heard, record: Record) -> None:
        """Hear a heartbeat: the last numbers of both streams, and up to which of them all was sent."""
        fields = heard.fields
        last = fields["last_encounter_sequence"], fields["last_incident_sequence"]
        waiting = fields["lowest_pending_encounter_sequence"], fields["lowest_pending_incident_sequence"]
        sent = [n if low is None else min(n, max(low, 1) - 1) for n, low in zip(last, waiting, strict=True)]
        beats = self._beats.setdefault((record.stream, fields["epoch"]), [])
        beats.append((heard.received_at, record.offset, fields["event_id"], *last, *sent))

    def duplicate(self, reading: Applied) -> None:
        """Hear an event again: only its office is told."""
        if reading.sequence:
            fact = reading.fact
            place = fact.received_at, fact.offset, fact.event_id
            given = Receipt(fact.office, fact.stream, "DUPLICATE", *place, reading.epoch, reading.sequence)
            self._answers.append(given)

    def unread(self, record: Record, unfit: Unfit, received_at: int, *, registered: bool) -> None:
        """Hear a record that could not be applied: its number, if the headers say one, is received all the same."""
        office, number = _office_of(record.stream), number_of(record.headers())
        if number and office and unfit.reason != "WRONG_OFFICE":
            key = record.stream, Kind.UNREAD, number.epoch.bytes
            self.rows.setdefault(key, []).append((received_at, record.offset, number.sequence, b""))
        if office and registered:
            epoch, sequence = (number.epoch.bytes, number.sequence) if number else (None, None)
            place = received_at, record.offset, None
            given = Receipt(office, record.stream, "QUARANTINED", *place, epoch, sequence, reason=unfit.reason)
            self._answers.append(given)

    def put_in_order(self) -> None:
        """Put what was heard in order of offset: events that had to be told from duplicates came after the others."""
        for rows in self.rows.values():
            rows.sort()

    def heard(self, begun: Iterable[tuple[str, int]]) -> list[HeardRows]:
        """Give what was heard, packed; ``begun`` are streams whose first record came, and when (UTC milliseconds)."""
        found = [pack(_office_of(stream), stream, Kind.BEGUN, b"", [(at, 0, 0, b"")]) for stream, at in begun]
        for (stream, kind, epoch), rows in self.rows.items():
            found.append(pack(_office_of(stream), stream, kind, epoch, rows))
        found += [pack(_office_of(s), s, Kind.BEATS, epoch, beats) for (s, epoch), beats in self._beats.items()]
        return found

    def receipts(self) -> list[Receipt]:
        """Give what the offices are told of their events; a run of numbers that were accepted is one receipt."""
        given = list(self._answers)
        for (stream, kind, epoch), rows in self.rows.items():
            if kind is Kind.EVENTS and epoch:
                given += accepted(_office_of(stream), stream, epoch, rows)
        return given


def _office_of(stream: str) -> str:
    parsed = parse_stream(stream)
    return (parsed and parsed.office) or ""
