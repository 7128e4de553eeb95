"""The decode guard: whatever arrives, a record or a reason comes out, and the reason shows no content."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_contract.codec import HEADER_BYTES, MARKER, PULSE, Decoded, Undecodable, decode, encode
from muster_contract.jsonform import from_json
from muster_contract.schemas import Schema, all_schemas, newest
from muster_contract.topics import MAX_VALUE_BYTES
from tests.schemas.examples import Example, events, examples, key, label
from tests.schemas.strategies import wire_fields

RECORD = next(example.value for example in examples() if example.schema.name == "EncounterReported")
FIELDS = from_json(events(newest()["EncounterReported"])[0], "EncounterReported")[0]
PLANTED = b"JOHN-DOE-1970-01-01"

REFUSED: dict[str, tuple[bytes | None, str, str]] = {
    "a tombstone": (None, "EMPTY_VALUE", "no bytes"),
    "no bytes": (b"", "EMPTY_VALUE", "no bytes"),
    "text": (b'{"name": "' + PLANTED, "NOT_FRAMED", "does not begin with the marker C3 01"),
    "half a marker": (MARKER[:1], "NOT_FRAMED", "does not begin with the marker C3 01"),
    "another version of the framing": (b"\xc3\x02" + RECORD[2:], "NOT_FRAMED", "does not begin with the marker C3 01"),
    "a torn header": (RECORD[: HEADER_BYTES - 1], "NOT_FRAMED", "ends after 9 of the header's 10 bytes"),
    "Confluent's framing": (b"\x00\x00\x00\x00\x2a" + PLANTED, "CONFLUENT_FRAMING", "schema id 42, and no registry is"),
    "its first byte alone": (b"\x00\x00\x00\x00", "NOT_FRAMED", "does not begin with the marker C3 01"),
    "an unknown fingerprint": (MARKER + b"\xaa" * 8 + PLANTED, "UNKNOWN_FINGERPRINT", "schema aaaaaaaaaaaaaaaa"),
    "a header alone": (RECORD[:HEADER_BYTES], "UNDECODABLE", "EncounterReported v1: EOFError"),
    "a text that is no UTF-8": (
        RECORD.replace(b"\x06dal", b"\x06\xff\xff\xff"),
        "UNDECODABLE",
        "EncounterReported v1: UnicodeDecodeError",
    ),
    "a symbol that does not exist": (RECORD[:-1] + b"\x7e", "UNDECODABLE", "EncounterReported v1: IndexError"),
    "trailing bytes": (RECORD + PLANTED, "TRAILING_BYTES", "19 bytes after EncounterReported v1"),
    "a pulse with more behind it": (PULSE + b"\x00", "TRAILING_BYTES", "1 bytes after ClockPulse v1"),
    "one byte too many": (RECORD.ljust(MAX_VALUE_BYTES + 1, b"\x00"), "OVERSIZED", "16385 bytes, at most 16384"),
}


@pytest.mark.parametrize(("value", "reason", "detail"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_record_has_a_reason(value: bytes | None, reason: str, detail: str) -> None:
    """Each kind of fault is told from the others."""
    with pytest.raises(Undecodable) as refusal:
        decode(value)
    assert refusal.value.reason == reason
    assert refusal.value.detail.startswith(detail)


@pytest.mark.parametrize("value", [value for value, _, _ in REFUSED.values() if value and PLANTED in value])
def test_a_refusal_shows_no_content(value: bytes) -> None:
    """Neither its message nor its traceback."""
    with pytest.raises(Undecodable) as refusal:
        decode(value)
    assert PLANTED.decode() not in "".join(traceback.format_exception(refusal.value))


def test_the_size_cap_includes_its_last_byte() -> None:
    """A value of exactly the cap is read (and here found to have too much behind it)."""
    with pytest.raises(Undecodable, match="TRAILING_BYTES"):
        decode(RECORD.ljust(MAX_VALUE_BYTES, b"\x00"))


def test_every_reason_is_in_the_contract() -> None:
    """A reason that QuarantineReason does not name could not be published."""
    reasons = newest()["Quarantined"].fields["reason"]["symbols"]
    assert {reason for _, reason, _ in REFUSED.values()} < set(reasons)


@pytest.mark.parametrize("example", examples(), ids=label)
def test_every_truncation_is_refused(example: Example) -> None:
    """Wherever a record is torn, it is no record."""
    for size in range(len(example.value)):
        with pytest.raises(Undecodable):
            decode(example.value[:size])


@pytest.mark.parametrize("example", examples(), ids=label)
def test_every_trailing_byte_is_refused(example: Example) -> None:
    """A body is consumed whole, or it is not what it says."""
    for byte in range(256):
        with pytest.raises(Undecodable, match="TRAILING_BYTES"):
            decode(example.value + bytes([byte]))


@given(st.sampled_from(all_schemas()), st.binary(max_size=300))
def test_random_bodies_are_read_or_refused(schema: Schema, body: bytes) -> None:
    """Nothing but Undecodable comes out of the decoder, and never what was in the body."""
    try:
        decoded = decode(MARKER + schema.fingerprint + body)
    except Undecodable as refusal:
        assert refusal.reason in {"UNDECODABLE", "TRAILING_BYTES"}
        assert f"{schema.name} v{schema.version}" in refusal.detail
        assert len(refusal.detail) < 80
    else:
        assert list(decoded.fields) == list(schema.fields)


@given(st.binary(max_size=40))
def test_random_values_are_refused(value: bytes) -> None:
    """Bytes that nobody framed have a reason too."""
    with pytest.raises(Undecodable):
        decode(value)


@given(st.data(), st.sampled_from(tuple(newest().values())))
def test_any_record_comes_back_as_it_went(data: st.DataObject, schema: Schema) -> None:
    """Whatever a schema allows survives the wire."""
    fields = data.draw(wire_fields(schema))
    assert decode(encode(schema.name, fields)) == Decoded(schema, fields)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"case_id": None},
        {"case_id": 7},
        {"case_id": PLANTED},
        {"case_id": "\ud800" + PLANTED.decode()},
        {"match": PLANTED.decode()},
        {"event_id": PLANTED},
        {"sequence": PLANTED.decode()},
        {"sequence": 2**63},
        {"narrative": PLANTED.decode()},
    ],
    ids=str,
)
def test_fields_that_do_not_fit_are_refused_unseen(spoilt: dict[str, object]) -> None:
    """The writer's message would show the value; ours names the type, and its traceback shows no more."""
    with pytest.raises(ValueError, match=r"the fields do not fit EncounterReported v\d+: \w+$") as refusal:
        encode("EncounterReported", FIELDS | spoilt)
    assert PLANTED.decode() not in "".join(traceback.format_exception(refusal.value))


@pytest.mark.parametrize("name", newest()["EncounterReported"].fields)
def test_a_missing_field_is_refused(name: str) -> None:
    """No field is made up."""
    fields = {other: value for other, value in FIELDS.items() if other != name}
    with pytest.raises(ValueError, match="the fields do not fit"):
        encode("EncounterReported", fields)


def test_a_pulse_is_its_header() -> None:
    """Ten bytes, known before decoding."""
    assert MARKER + newest()["ClockPulse"].fingerprint == PULSE
    assert decode(PULSE) == Decoded(newest()["ClockPulse"], {})


def test_every_version_has_a_fingerprint_of_its_own() -> None:
    """Or a reader could not tell them apart."""
    assert len({schema.fingerprint for schema in all_schemas()}) == len({key(schema) for schema in all_schemas()})
