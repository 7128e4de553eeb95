"""How a verdict case is written down: small logs with small times, and the verdicts that the text gives them.

Times are milliseconds after ``T0``, so that a policy of ten milliseconds reads like the text's examples. An
event is known by its name; its event_id follows from that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import NAMESPACE_OID, UUID, uuid5

from muster_contract.codec import PULSE, encode
from muster_contract.register import Office, Register
from muster_contract.times import parse_instant
from muster_contract.topics import DIRECTIVES, encounters, incidents
from muster_hq.policies import Policies
from muster_hq.policy_reader import at_offices, read_policy
from muster_hq.records import Record

T0 = parse_instant("2016-03-01T00:00:00Z")
SECOND = 1_000
DAY = 86_400_000


class Event(NamedTuple):
    """An appended record: ``own`` is when the office says that it happened; a raw ``value`` stands for itself."""

    name: str
    type: str
    at: int
    own: int
    office: str
    case: str
    encounter: str
    fields: Mapping[str, Any]
    value: bytes | None = None


class Expected(NamedTuple):
    """A verdict, in the order in which rows are sorted; ``why`` is the names of its evidence."""

    case: str
    office: str
    encounter: str
    requirement: str
    occurrence: int
    at: int
    verdict: str
    due: int
    got: int | None
    policy: str
    why: str


@dataclass(frozen=True)
class Case:
    """A log, the versions of a policy, where the clock stands, and every verdict that must come out."""

    name: str
    policy: str | tuple[str, ...]
    events: Sequence[Event]
    verdicts: Sequence[Expected] = ()
    as_of: int = 500
    offices: frozenset[str] | None = None
    register: Sequence[Office] | None = None
    registers: Sequence[Register] = ()

    def __str__(self) -> str:
        """Give the name."""
        return self.name

    @property
    def policies(self) -> Policies:
        """The policy's versions, read."""
        texts = (self.policy,) if isinstance(self.policy, str) else self.policy
        register = None if self.register is None else [Register(1, "", tuple(self.register))]
        return at_offices(Policies([read_policy(text, self.name) for text in texts]), self.registers or register)

    @property
    def instant(self) -> int:
        """Where the clock stands, in UTC milliseconds."""
        return T0 + self.as_of

    @property
    def records(self) -> list[Record]:
        """The log: offsets follow from the order in which a stream's events stand."""
        offsets: Counter[str] = Counter()
        found = []
        for event in self.events:
            stream = stream_of(event)
            found.append(Record(stream, offsets[stream], T0 + event.at, value_of(event)))
            offsets[stream] += 1
        return found

    def expected(self) -> list[Expected]:
        """Sort the verdicts as rows are."""
        return sorted(self.verdicts, key=lambda v: v[:7])

    def compact(self, row: Mapping[str, Any]) -> Expected:
        """Turn a row of DESIGN section 8 into the form that cases are written in."""
        names = {str(id_of(event.name)): event.name for event in self.events}
        return Expected(
            row["case_id"],
            row["office_id"],
            row["encounter_id"],
            row["requirement"],
            row["occurrence"],
            parse_instant(row["at"]) - T0,
            row["verdict"],
            parse_instant(row["due_at"]) - T0,
            None if row["received_at"] is None else parse_instant(row["received_at"]) - T0,
            row["policy"],
            " ".join(names[item["event_id"]] for item in row["evidence"]),
        )


def v(  # noqa: PLR0913 - a verdict has that many parts, and most have a default
    requirement: str,
    occurrence: int,
    verdict: str,
    at: int,
    *,
    due: int,
    got: int | None = None,
    why: str,
    office: str = "a",
    case: str = "c",
    enc: str = "e",
    policy: str = "p@1",
) -> Expected:
    """Write down a verdict."""
    return Expected(case, office, enc, requirement, occurrence, at, verdict, due, got, policy, why)


def id_of(name: str) -> UUID:
    """Give the event_id of an event's name."""
    return uuid5(NAMESPACE_OID, name)


def stream_of(event: Event) -> str:
    """Name the stream that an event stands on: by its type, or the field ``stream`` says so."""
    default = incidents if event.type.startswith("Incident") else encounters
    return str(event.fields.get("stream", default(event.office)))


def value_of(event: Event) -> bytes:
    """Give the bytes of an event."""
    if event.value is not None:
        return event.value
    common = {
        "event_id": id_of(event.name).bytes,
        "office_id": event.office,
        "epoch": bytes(16),
        "sequence": 0,
        "case_id": event.case,
        "encounter_id": event.encounter,
        "occurred_at": T0 + event.own,
        "recorded_at": T0 + event.own,
        "label": "UNCLASSIFIED",
    }
    return encode(event.type, common | {k: f for k, f in event.fields.items() if k != "stream"})


def _event(type_: str, **fields: Any) -> Callable[..., Event]:  # noqa: ANN401 - any field's value
    def build(  # noqa: PLR0913 - all but two have a default
        name: str,
        at: int,
        *,
        own: int | None = None,
        office: str = "a",
        case: str = "c",
        enc: str = "e",
        **others: Any,  # noqa: ANN401
    ) -> Event:
        return Event(name, type_, at, at if own is None else own, office, case, enc, fields | others)

    return build


encounter = _event("EncounterReported", match="POTENTIAL", custody="IN_CUSTODY")
not_a_match = _event("MatchResolved", outcome="NOT_A_MATCH")
confirmed = _event("MatchResolved", outcome="CONFIRMED")
supervised = _event("CustodyChanged", to="SUPERVISED")
removed = _event("CustodyChanged", to="REMOVED")
screening = _event("ScreeningCompleted", kind="RESCREEN", outcome="NO_MATCH")
declined = _event("TransferDeclined", jurisdiction="US-CA")
report = _event(
    "IncidentReported", stage="INITIAL", channel="CLASSIFIED", report_reference="r", report_sha256=bytes(32)
)  # fmt: skip
follow_up = _event(
    "IncidentReported", stage="FOLLOW_UP", channel="CLASSIFIED", report_reference="r", report_sha256=bytes(32)
)  # fmt: skip
final = _event(
    "IncidentReported", stage="FINAL", channel="CLASSIFIED", report_reference="r", report_sha256=bytes(32)
)  # fmt: skip


def void(name: str, at: int, voided: str, **where: Any) -> Event:  # noqa: ANN401 - as for any event
    """Void the event of that name."""
    return _event("EncounterVoided", voids=id_of(voided).bytes, reason="ENTERED_IN_ERROR")(name, at, **where)


def retract(name: str, at: int, retracted: str, **where: Any) -> Event:  # noqa: ANN401 - as for any event
    """Retract the report of that name."""
    return _event("IncidentRetracted", retracts=id_of(retracted).bytes, reason="SENT_IN_ERROR")(name, at, **where)


def directive(  # noqa: PLR0913, PLR0917 - the parts of a directive, most with a default
    name: str,
    at: int,
    action: str,
    target: str,
    until: int | None = None,
    authority: str = "HQ-1",
    reason_code: str = "R-1",
) -> Event:
    """Order something at headquarters; ``until`` is in milliseconds after T0."""
    fields = {"event_id": id_of(name).bytes, "recorded_at": T0 + at, "authority": authority, "reason_code": reason_code}
    ordered = {"action": action, "target": target, "until": None if until is None else T0 + until}
    return Event(name, "", at, at, "", "", "", {"stream": DIRECTIVES}, encode("Directive", fields | ordered))


def pulse(at: int, stream: str) -> Event:
    """Pulse a stream."""
    return raw(PULSE, at, stream)


def raw(value: bytes, at: int, stream: str) -> Event:
    """Append bytes to a stream."""
    return Event("", "", at, at, "", "", "", {"stream": stream}, value)
