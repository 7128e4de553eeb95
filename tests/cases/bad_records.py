"""Records that cannot be applied, with the contract's reason, and those that just fit: for intake and for the audit."""

from __future__ import annotations

from typing import Any

from muster_contract.codec import PULSE, encode
from muster_contract.times import MAX_MS
from tests.cases.builders import T0, Event, declined, encounter, id_of, raw, report, value_of

ENCOUNTERS = "field.a.encounters"
E = encounter("E", 0)


def heartbeat(**changes: Any) -> bytes:  # noqa: ANN401 - any field's value
    """Encode a heartbeat of office a."""
    counts = {"last_encounter_sequence": 0, "last_incident_sequence": 0, "pending": 0, "oldest_pending_at": None}
    lowest = {"lowest_pending_encounter_sequence": None, "lowest_pending_incident_sequence": None}
    head = {"event_id": bytes(16), "office_id": "a", "epoch": bytes(16), "recorded_at": T0}
    return encode("OfficeHeartbeat", head | counts | lowest | changes)


def lodged(name: str, reference: str = "r", digest: int = 0) -> bytes:
    """Encode a report that was lodged at headquarters, its digest one byte over and over."""
    fields = {"event_id": id_of(name).bytes, "recorded_at": T0, "report_reference": reference}
    return encode("ReportLodged", fields | {"report_sha256": bytes([digest] * 32)})


UNFIT: tuple[tuple[Event, str], ...] = (
    (raw(b"", 0, ENCOUNTERS), "EMPTY_VALUE"),
    (raw(bytes(20_000), 0, ENCOUNTERS), "OVERSIZED"),
    (raw(b"junk", 0, ENCOUNTERS), "NOT_FRAMED"),
    (raw(b"\x00\x00\x00\x00\x07x", 0, ENCOUNTERS), "CONFLUENT_FRAMING"),
    (raw(b"\xc3\x01" + bytes(9), 0, ENCOUNTERS), "UNKNOWN_FINGERPRINT"),
    (raw(value_of(E)[:-1], 0, ENCOUNTERS), "UNDECODABLE"),
    (raw(value_of(E) + b"\x00", 0, ENCOUNTERS), "TRAILING_BYTES"),
    (raw(PULSE + b"\x00", 0, ENCOUNTERS), "TRAILING_BYTES"),
    (report("S", 0, stream=ENCOUNTERS), "WRONG_STREAM"),
    (raw(heartbeat(), 0, "field.a.incidents"), "WRONG_STREAM"),
    (raw(lodged("L"), 0, ENCOUNTERS), "WRONG_STREAM"),
    (encounter("E", 0, stream="hq.directives"), "WRONG_STREAM"),
    (encounter("E", 0, office="b", stream=ENCOUNTERS), "WRONG_OFFICE"),
    (raw(heartbeat(office_id="b"), 0, ENCOUNTERS), "WRONG_OFFICE"),
    (encounter("E", 0, label="SECRET"), "LABEL_ABOVE_CEILING"),
    (encounter("E", 0, label="UNKNOWN"), "LABEL_ABOVE_CEILING"),
    (encounter("E", 0, case="a person"), "MALFORMED_FIELD"),
    (encounter("E", 0, enc="x" * 65), "MALFORMED_FIELD"),
    (encounter("E", 0, enc=""), "MALFORMED_FIELD"),
    (report("S", 0, report_reference="dear headquarters"), "MALFORMED_FIELD"),
    (declined("D", 0, jurisdiction="us"), "MALFORMED_FIELD"),
    (encounter("E", 0, sequence=-1), "MALFORMED_FIELD"),
    (encounter("E", 0, occurred_at=-1), "MALFORMED_FIELD"),
    (encounter("E", 0, recorded_at=MAX_MS + 1), "MALFORMED_FIELD"),
    (raw(heartbeat(recorded_at=-1), 0, ENCOUNTERS), "MALFORMED_FIELD"),
    (raw(lodged("L", "no reference"), 0, "hq.directives"), "MALFORMED_FIELD"),
)
"""One fault each."""

FIT: tuple[Event, ...] = (
    encounter("E", 0, label="CUI_LES", enc="x" * 64, case="A-z_0.9"),
    encounter("E", 0, occurred_at=0, recorded_at=MAX_MS, sequence=0),
    declined("D", 0, jurisdiction="US-CA"),
    raw(heartbeat(), 0, ENCOUNTERS),
    raw(lodged("L"), 0, "hq.directives"),
)
"""The other side of each boundary."""
