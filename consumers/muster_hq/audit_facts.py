"""What the auditor takes from a log: facts, what became of each record, and how long each stream was silent.

Part of the audit, and so written apart from intake: the two must agree, and share only the contract.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from sys import intern
from typing import Any, NamedTuple

from muster_contract.codec import PULSE, Undecodable, decode
from muster_contract.directives import Target, target_of, why_ignored
from muster_contract.events import JURISDICTION, OPAQUE_ID, above_ceiling
from muster_contract.headers import number_of
from muster_contract.schemas import Schema, enum_symbols
from muster_contract.times import MAX_MS
from muster_contract.topics import parse_stream, topic_of_kind
from muster_hq.patterns import Shape, shape_of
from muster_hq.records import Record

Place = tuple[int, str, int]
"""Where a record stands in fact order: received_at, stream, offset."""
FactPlace = tuple[int, str, int, *tuple[int | str, ...]]
"""The same of a fact: one that comes of two records stands after the later, and is told apart by the report's place."""
Source = tuple[Place, bytes | None]
"""A record that is evidence: where it stands, and its event id."""


class Fact(NamedTuple):
    """An event of a case, as the rules see it. ``names`` is the event that it voids or retracts.

    ``report`` is the reference and the digest that a report names; ``records`` are those of one that is lodged, the
    report's first.
    """

    place: FactPlace
    office: str
    case: str
    encounter: str
    event_id: bytes
    shape: Shape
    own_time: int
    names: bytes | None
    report: tuple[str, bytes] | None = None
    records: tuple[Source, ...] = ()

    @property
    def received_at(self) -> int:
        """When it arrived, by the stream's clock."""
        return self.place[0]

    @property
    def sources(self) -> tuple[Source, ...]:
        """The records that it came from."""
        return self.records or ((self.place[:3], self.event_id),)


class Word(NamedTuple):
    """What an office said, whether it concerns a case or not: for findings on transmission.

    ``epoch`` is None for a record without a number; ``beat`` has (stream, last number, lowest pending one) of a
    heartbeat. ``ahead`` is by how much it claims to be of the future; ``astray`` when it names another office.
    """

    place: Place
    event_id: bytes | None
    applied: bool
    epoch: bytes | None = None
    number: int = 0
    beat: tuple[tuple[str, int, int | None], ...] = ()
    ahead: int = 0
    astray: bool = False

    @property
    def received_at(self) -> int:
        """When it arrived, by the stream's clock."""
        return self.place[0]


class Quarantined(NamedTuple):
    """A record that could not be applied, and the contract's QuarantineReason."""

    stream: str
    offset: int
    reason: str


class Directive(NamedTuple):
    """A directive that is not ignored, by its place in ``hq.directives``."""

    place: Place
    event_id: bytes
    action: str
    target: Target
    until: int | None

    @property
    def received_at(self) -> int:
        """When it arrived."""
        return self.place[0]


class Lodging(NamedTuple):
    """What headquarters' document system said lies there, by its place in ``hq.directives``."""

    place: Place
    event_id: bytes
    report: tuple[str, bytes]


class Reading:
    """A log, read to its end: ``facts`` of all cases, ``counts`` by outcome, ``quarantined``, and silences.

    By office: the ``words`` that it said, and where the ``firsts`` of its streams' records stand. ``set_apart`` are the
    quarantined records of registered offices, with when they came and why they are; ``directives`` those not ignored;
    ``lodgings`` all of them.

    ``offices`` is the register; None takes every office that a stream names for registered. ``unread`` are records
    that headquarters quarantined, by stream and offset, with its reason: they are, whatever this program reads in them.
    """

    def __init__(
        self,
        records: Iterable[Record],
        offices: Collection[str] | None,
        unread: Mapping[tuple[str, int], str] | None = None,
    ) -> None:
        self.facts: list[Fact] = []
        self.directives: list[Directive] = []
        self.lodgings: list[Lodging] = []
        self.set_apart: list[tuple[Record, int, str]] = []
        self._unread = unread or {}
        self.counts = Counter({"applied": 0, "duplicate": 0, "pulse": 0, "quarantined": 0})
        self.quarantined: list[Quarantined] = []
        self.words: dict[str, list[Word]] = defaultdict(list)
        self.firsts: dict[str, list[Place]] = defaultdict(list)
        self._offices = offices
        self._times: dict[str, list[int]] = defaultdict(list)
        self._applied: dict[tuple[str, bytes], bytes | None] = {}
        for record in records:
            times = self._times[record.stream]
            times.append(max([record.appended_at, *times[-1:]]))
            if len(times) == 1:
                self.firsts[office_of(record.stream)].append((times[0], record.stream, record.offset))
            known = self._unread.get((record.stream, record.offset))
            outcome = self._quarantine(record, times[-1], known) if known else self._outcome(record, times[-1])
            self.counts[outcome] += 1

    def silences(self, office: str, as_of: int) -> Iterator[tuple[int, int]]:
        """Give the stretches between two consecutive records of either of the office's streams.

        A stream on which nothing came after ``as_of`` has a pulse a millisecond after it.
        """
        for kind in ("encounters", "incidents"):
            times = self._times.get(f"field.{office}.{kind}", [])
            yield from pairwise(times if times and times[-1] > as_of else [*times, as_of + 1])

    def _outcome(self, record: Record, received_at: int) -> str:
        try:
            schema, fields = decode(record.value)
        except Undecodable as fault:
            return self._quarantine(record, received_at, fault.reason)
        reason = next(unfit(record.stream, self._offices, schema.name, fields), None)
        if reason is not None:
            return self._quarantine(record, received_at, reason)
        if record.value == PULSE:
            return "pulse"
        if schema.name != "OfficeHeartbeat":
            key = record.stream, fields["event_id"]
            if key in self._applied:
                same = self._applied[key] == record.value
                return "duplicate" if same else self._quarantine(record, received_at, "CONFLICT")
            self._applied[key] = record.value
        place = received_at, record.stream, record.offset
        if "case_id" in fields:
            self.facts.append(fact_of(schema, fields, place))
        self._note_ours(schema.name, fields, place)
        if "office_id" in fields:
            self.words[fields["office_id"]].append(_word(fields, place))
        return "applied"

    def _note_ours(self, event_type: str, fields: Mapping[str, Any], place: Place) -> None:
        """Keep what headquarters itself said: a directive that is not ignored, or what its document system holds."""
        if event_type == "Directive" and why_ignored(fields) is None:
            target = target_of(fields["action"], fields["target"])
            if target is not None:
                self.directives.append(Directive(place, fields["event_id"], fields["action"], target, fields["until"]))
        if event_type == "ReportLodged":
            self.lodgings.append(Lodging(place, fields["event_id"], _report_of(fields)))

    def _quarantine(self, record: Record, received_at: int, reason: str) -> str:
        office, place = office_of(record.stream), (received_at, record.stream, record.offset)
        number = number_of(record.headers())
        if reason == "WRONG_OFFICE":
            self.words[office].append(Word(place, None, applied=False, astray=True))
        elif number is not None:
            self.words[office].append(
                Word(place, None, applied=False, epoch=number.epoch.bytes, number=number.sequence)
            )
        self.quarantined.append(Quarantined(record.stream, record.offset, reason))
        if office and (self._offices is None or office in self._offices):
            self.set_apart.append((record, received_at, reason))
        return "quarantined"


def unfit(name: str, offices: Collection[str] | None, event_type: str, fields: Mapping[str, Any]) -> Iterator[str]:
    """Give every reason not to apply a record, in the order in which they are looked for: the first counts."""
    stream = parse_stream(name)
    topic = topic_of_kind(stream.kind) if stream else None
    if stream is None or topic is None or event_type not in topic.types:
        yield "WRONG_STREAM"
        return
    if stream.office is not None and offices is not None and stream.office not in offices:
        yield "UNKNOWN_OFFICE"
    if fields.get("office_id", stream.office) != stream.office:
        yield "WRONG_OFFICE"
    if topic.ceiling and "label" in fields and above_ceiling(fields["label"], topic.ceiling):
        yield "LABEL_ABOVE_CEILING"
    ids = [fields[n] for n in ("case_id", "encounter_id", "report_reference", "receipt_reference") if n in fields]
    instants = [fields[n] for n in ("occurred_at", "recorded_at") if n in fields]
    if not (
        all(OPAQUE_ID.fullmatch(text) for text in ids)
        and all(0 <= instant <= MAX_MS for instant in instants)
        and ("jurisdiction" not in fields or JURISDICTION.fullmatch(fields["jurisdiction"]))
        and fields.get("sequence", 0) >= 0
    ):
        yield "MALFORMED_FIELD"


def fact_of(schema: Schema, fields: Mapping[str, Any], place: Place) -> Fact:
    """Give the fact that an event of a case is, received where its place says."""
    return Fact(
        place=place,
        office=intern(fields["office_id"]),  # one string each, however many facts name it: a log may be large
        case=intern(fields["case_id"]),
        encounter=intern(fields["encounter_id"]),
        event_id=fields["event_id"],
        shape=shape_of(schema.name, tuple((name, fields[name]) for name in _code_fields(schema))),
        own_time=min(fields["occurred_at"], place[0]),
        names=fields.get("voids", fields.get("retracts")),
        report=_report_of(fields) if schema.name == "IncidentReported" else None,
    )


def _report_of(fields: Mapping[str, Any]) -> tuple[str, bytes]:
    return fields["report_reference"], fields["report_sha256"]


def _word(fields: Mapping[str, Any], place: Place) -> Word:
    event_id, epoch = fields["event_id"], fields["epoch"]
    if "pending" in fields:
        beat = tuple(
            (
                f"field.{fields['office_id']}.{kind}s",
                fields[f"last_{kind}_sequence"],
                fields[f"lowest_pending_{kind}_sequence"],
            )
            for kind in ("encounter", "incident")
        )
        return Word(place, event_id, applied=True, epoch=epoch, beat=beat)
    number = fields["sequence"]
    ahead = max(0, fields["occurred_at"] - place[0])
    return Word(place, event_id, applied=True, epoch=epoch if number else None, number=number, ahead=ahead)


def office_of(name: str) -> str:
    """Give the office whose stream it is, or nothing."""
    stream = parse_stream(name)
    return (stream and stream.office) or ""


@cache
def _code_fields(schema: Schema) -> tuple[str, ...]:
    return tuple(name for name, type_ in schema.fields.items() if name == "jurisdiction" or _holds_codes(type_))


def _holds_codes(type_: Any) -> bool:  # noqa: ANN401 - any Avro type
    type_name = type_.get("name", "") if isinstance(type_, dict) else str(type_).rpartition(".")[2]
    return type_name in enum_symbols()
