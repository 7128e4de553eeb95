"""From a record to a fact, or to the reason why it cannot be one. Pure: the ledger knows the duplicates."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from muster_contract.codec import PULSE, Undecodable, decode
from muster_contract.events import JURISDICTION, OPAQUE_ID, above_ceiling
from muster_contract.schemas import Schema, enum_symbols
from muster_contract.times import MAX_MS
from muster_contract.topics import Stream, topic_of_kind
from muster_hq.policy import Shape, shape_of
from muster_hq.records import Record


class Fact(NamedTuple):
    """What judging needs of an event; facts sort in fact order. Instants are UTC milliseconds.

    ``own_at`` is the event's own time: its ``occurred_at``, but never later than its ``received_at``.
    ``names`` is the event_id that a void or a retraction names.
    """

    received_at: int
    stream: str
    offset: int
    office: str
    event_id: bytes
    shape: Shape
    encounter_id: str
    own_at: int
    names: bytes | None


class Applied(NamedTuple):
    """A record that becomes a fact of a case, unless the ledger knows its event_id already."""

    fact: Fact
    case_id: str
    epoch: bytes
    sequence: int
    recorded_at: int
    ahead: int
    """Milliseconds by which the claimed time lies after the record's arrival; 0 for none."""


class Heard(NamedTuple):
    """A heartbeat: the office lives, and says up to which number it has recorded."""

    received_at: int
    office: str
    fields: dict[str, Any]


class Noted(NamedTuple):
    """A record on headquarters' own stream, applied; it has no case."""

    received_at: int
    stream: str
    offset: int
    event_id: bytes
    type: str


class Pulse(NamedTuple):
    """Time passed on a stream; nothing else is said."""

    received_at: int


class Unfit(NamedTuple):
    """A record that cannot be applied; ``reason`` is a QuarantineReason, ``detail`` shows no content."""

    reason: str
    detail: str


Reading = Applied | Heard | Noted | Pulse | Unfit


def read_record(  # noqa: PLR0911 - one return a check, in the order that the docstring promises
    record: Record, received_at: int, stream: Stream, *, registered: bool
) -> Reading:
    """Read one record of a stream, whose office is ``registered`` or not, as of its ``received_at``.

    The order of the checks decides which reason a record with several faults is given; the auditor's is
    the same: the bytes, the stream's type, the office, the label's ceiling, the form of the fields.
    """
    if record.value == PULSE and registered:
        return Pulse(received_at)
    try:
        schema, fields = decode(record.value)
    except Undecodable as fault:
        return Unfit(fault.reason, fault.detail)
    plan = _plan_of(schema)
    if stream.kind not in plan.kinds:
        return Unfit("WRONG_STREAM", f"{schema.name} does not stand on {stream.kind}")
    if not registered:
        return Unfit("UNKNOWN_OFFICE", f"{stream.office} is not in the register")
    if stream.office is not None and fields["office_id"] != stream.office:
        return Unfit("WRONG_OFFICE", "the event names another office than its stream")
    if plan.ceiling and above_ceiling(fields["label"], plan.ceiling):
        return Unfit("LABEL_ABOVE_CEILING", f"above {plan.ceiling}")
    malformed = _malformed(fields, plan)
    if malformed:
        return Unfit("MALFORMED_FIELD", malformed)
    if stream.office is None:
        return Noted(received_at, record.stream, record.offset, fields["event_id"], schema.name)
    if schema.name == "OfficeHeartbeat":
        return Heard(received_at, stream.office, fields)
    occurred_at: int = fields["occurred_at"]
    fact = Fact(
        received_at,
        record.stream,
        record.offset,
        stream.office,
        fields["event_id"],
        plan.shape_of(fields),
        fields["encounter_id"],
        min(occurred_at, received_at),
        fields[plan.names] if plan.names else None,
    )
    ahead = max(0, occurred_at - received_at)
    return Applied(fact, fields["case_id"], fields["epoch"], fields["sequence"], fields["recorded_at"], ahead)


class _Plan:
    """How the fields of one schema are read: worked out once, since every record of it is read alike."""

    def __init__(self, schema: Schema) -> None:
        streams = [topic_of_kind(kind) for kind in ("encounters", "incidents", "directives")]
        ids = {"case_id", "encounter_id", "report_reference", "receipt_reference"}
        self.type = schema.name
        self.kinds = frozenset(topic.kind for topic in streams if schema.name in topic.types)
        self.ceiling = topic_of_kind("encounters").ceiling if "label" in schema.fields else None
        self.opaque = tuple(name for name in schema.fields if name in ids)
        self.instants = tuple(name for name in schema.fields if name in {"occurred_at", "recorded_at"})
        self.numbered = "sequence" in schema.fields
        self.names = next((name for name in schema.fields if name in {"voids", "retracts"}), None)
        self._codes = [n for n, t in schema.fields.items() if _enum_name(t) in enum_symbols() or n == "jurisdiction"]
        self._shapes: dict[tuple[str, ...], Shape] = {}

    def shape_of(self, fields: dict[str, Any]) -> Shape:
        """Give the shape of a record's fields."""
        codes = tuple([fields[name] for name in self._codes])
        try:
            return self._shapes[codes]
        except KeyError:
            shape = shape_of(self.type, tuple(zip(self._codes, codes, strict=True)))
            return self._shapes.setdefault(codes, shape)


_plan_of = cache(_Plan)


def _enum_name(avro_type: Any) -> str:  # noqa: ANN401 - any Avro type
    return str(avro_type["name"] if isinstance(avro_type, dict) and "name" in avro_type else avro_type).rpartition(".")[
        2
    ]


def _malformed(fields: dict[str, Any], plan: _Plan) -> str | None:
    for name in plan.opaque:
        if OPAQUE_ID.fullmatch(fields[name]) is None:
            return f"{name} is not an opaque id"
    for name in plan.instants:
        if not 0 <= fields[name] <= MAX_MS:
            return f"{name} is out of range"
    if plan.numbered and fields["sequence"] < 0:
        return "sequence is negative"
    if "jurisdiction" in fields and JURISDICTION.fullmatch(fields["jurisdiction"]) is None:
        return "jurisdiction is not an ISO 3166 code"
    return None
