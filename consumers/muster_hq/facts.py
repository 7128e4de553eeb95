"""From a record to a fact, or to the reason why it cannot be one. Pure: the ledger knows the duplicates."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from muster_contract.codec import PULSE, Undecodable, decode
from muster_contract.directives import why_ignored
from muster_contract.events import JURISDICTION, LABELS, OPAQUE_ID, above_ceiling
from muster_contract.schemas import Schema, code_fields
from muster_contract.times import MAX_MS
from muster_contract.topics import Stream, topic_of_kind
from muster_hq.lodgings import LODGED, Lodging
from muster_hq.orders import Order
from muster_hq.patterns import Shape, shape_of
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
    filed: tuple[str, bytes] | None
    """Reference and digest of the report that it announces."""


class Heard(NamedTuple):
    """A heartbeat: the office lives, and says up to which number it has recorded."""

    received_at: int
    office: str
    fields: dict[str, Any]


class Noted(NamedTuple):
    """A record on headquarters' own stream, applied: an ``order`` of a Directive, a ``lodging`` of a ReportLodged."""

    received_at: int
    stream: str
    offset: int
    event_id: bytes
    type: str
    order: Order | None = None
    lodging: Lodging | None = None


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
    if plan.labelled and fields["label"] not in plan.labels:
        return Unfit("LABEL_ABOVE_CEILING", f"above {plan.ceiling}")
    malformed = _malformed(fields, plan)
    if malformed:
        return Unfit("MALFORMED_FIELD", malformed)
    if stream.office is None:
        order = _order_of(fields, received_at, record.offset) if schema.name == "Directive" else None
        lodging = _lodging_of(fields, received_at, record.offset) if schema.name == LODGED else None
        return Noted(received_at, record.stream, record.offset, fields["event_id"], schema.name, order, lodging)
    if plan.is_heartbeat:
        return Heard(received_at, stream.office, fields)
    occurred_at: int = fields["occurred_at"]
    fact = make(
        Fact,
        (
            received_at,
            record.stream,
            record.offset,
            stream.office,
            fields["event_id"],
            plan.shapes[tuple([fields[name] for name in plan.codes])],
            fields["encounter_id"],
            min(occurred_at, received_at),
            fields[plan.names] if plan.names else None,
        ),
    )
    ahead = occurred_at - received_at if occurred_at > received_at else 0
    filed = (fields["report_reference"], fields["report_sha256"]) if plan.is_report else None
    common = fields["case_id"], fields["epoch"], fields["sequence"], fields["recorded_at"]
    return make(Applied, (fact, *common, ahead, filed))


def _order_of(fields: dict[str, Any], received_at: int, offset: int) -> Order:
    names = ("event_id", "action", "target", "authority", "reason_code", "until")
    return Order._make((received_at, offset, *(fields[name] for name in names), why_ignored(fields)))


def _lodging_of(fields: dict[str, Any], received_at: int, offset: int) -> Lodging:
    return Lodging(received_at, offset, fields["event_id"], fields["report_reference"], fields["report_sha256"])


_is_opaque = OPAQUE_ID.fullmatch

make = tuple.__new__
"""Make a NamedTuple of all its values, in half the time: for what is made once an event."""


class _Plan:
    """How the fields of one schema are read: worked out once, since every record of it is read alike."""

    def __init__(self, schema: Schema) -> None:
        streams = [topic_of_kind(kind) for kind in ("encounters", "incidents", "directives")]
        ids = {"case_id", "encounter_id", "report_reference", "receipt_reference"}
        self.kinds = frozenset(topic.kind for topic in streams if schema.name in topic.types)
        self.is_heartbeat = schema.name == "OfficeHeartbeat"
        self.is_report = schema.name == "IncidentReported"
        self.labelled = "label" in schema.fields
        self.ceiling = topic_of_kind("encounters").ceiling or "UNCLASSIFIED"
        self.labels = frozenset(label for label in LABELS if not above_ceiling(label, self.ceiling))
        self.opaque = tuple(name for name in schema.fields if name in ids)
        self.instants = tuple(name for name in schema.fields if name in {"occurred_at", "recorded_at"})
        self.numbered = "sequence" in schema.fields
        self.has_jurisdiction = "jurisdiction" in schema.fields
        self.names = next((name for name in schema.fields if name in {"voids", "retracts"}), None)
        self.codes = tuple(code_fields(schema))
        self.shapes = _ShapesByCodes(schema.name, self.codes)


class _ShapesByCodes(dict[tuple[str, ...], Shape]):
    """The shapes of one schema's records, by what stands in the fields that hold codes."""

    def __init__(self, event_type: str, names: tuple[str, ...]) -> None:
        super().__init__()
        self._type = event_type
        self._names = names

    def __missing__(self, codes: tuple[str, ...]) -> Shape:
        """Make a shape when a record has it for the first time."""
        return self.setdefault(codes, shape_of(self._type, tuple(zip(self._names, codes, strict=True))))


_plan_of = cache(_Plan)


def _malformed(fields: dict[str, Any], plan: _Plan) -> str | None:
    for name in plan.opaque:
        if not _is_opaque(fields[name]):
            return f"{name} is not an opaque id"
    for name in plan.instants:
        if not 0 <= fields[name] <= MAX_MS:
            return f"{name} is out of range"
    if plan.numbered and fields["sequence"] < 0:
        return "sequence is negative"
    if plan.has_jurisdiction and JURISDICTION.fullmatch(fields["jurisdiction"]) is None:
        return "jurisdiction is not an ISO 3166 code"
    return None
