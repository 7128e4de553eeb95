"""The door of the outbox: what may enter, what is refused with every fault, and the bytes that come of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_contract.codec import decode, encode
from muster_contract.errors import Refused
from muster_contract.events import FIELD_EVENTS, FieldEvent, Stamp, wire_fields
from muster_contract.schemas import enum_symbols, newest
from muster_contract.times import MAX_MS, to_datetime
from muster_field.enqueue import Rules, faults_in, prepare, require_size
from muster_field.wire import FORMS, Stamper
from tests.schemas.builders import CLASSES, GOOD, PLANTED, event_of

RULES = Rules("dal", frozenset({"dal", "elp"}))
TYPES = sorted(CLASSES)
STAMP = Stamp(event_id=UUID(int=1), office_id="dal", epoch=UUID(int=2), sequence=3, recorded_at=1_456_833_600_000)


def places(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    """Give where the faults are."""
    return [fault.place for fault in refused.value.faults]


@pytest.mark.parametrize("event_type", TYPES)
def test_a_sane_event_passes(event_type: str) -> None:
    """Every type of the contract may enter."""
    assert [body.form.type for body in prepare([event_of(event_type)], RULES)] == [event_type]


ZONES = st.sampled_from([UTC, timezone(timedelta(hours=-7)), timezone(timedelta(hours=14))])
OPAQUE = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "occurred_at": st.builds(lambda ms, zone: to_datetime(ms).astimezone(zone), st.integers(0, MAX_MS - 10**8), ZONES),
    "label": st.sampled_from(["UNCLASSIFIED", "CUI", "CUI_LES"]),
    "voids": st.uuids(),
    "retracts": st.uuids(),
    "report_sha256": st.binary(min_size=32, max_size=32).map(bytes.hex),
    "jurisdiction": st.from_regex(r"[A-Z]{2}(-[A-Z0-9]{1,8})?", fullmatch=True),
}
"""All values that the contract allows in a field that is neither an enum nor an opaque id."""


def values_of(name: str, type_: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - any Avro type
    """Give all values that the contract allows in a field."""
    enum = type_["name"] if isinstance(type_, dict) and type_["type"] == "enum" else str(type_).rpartition(".")[2]
    symbols = enum_symbols().get(enum)
    return VALUES.get(name, st.sampled_from(symbols[1:]) if symbols else OPAQUE)


def events() -> st.SearchStrategy[FieldEvent]:
    """Give all events that the contract allows."""

    def of(event_class: type[FieldEvent]) -> st.SearchStrategy[FieldEvent]:
        types = newest()[event_class.__name__].fields
        return st.builds(event_class, **{f.name: values_of(f.name, types[f.name]) for f in fields(event_class)})

    return st.one_of([of(event_class) for event_class in FIELD_EVENTS])


@given(events(), st.integers(1, 2**62), st.integers(0, MAX_MS), st.uuids())
def test_the_bytes_are_those_of_the_contracts_codec(event: FieldEvent, sequence: int, now: int, epoch: UUID) -> None:
    """The one pass over an event writes what the codec writes, byte by byte."""
    stamp = Stamp(event_id=UUID(int=7), office_id="dal", epoch=epoch, sequence=sequence, recorded_at=now)
    (body,) = prepare([event], RULES)
    value = Stamper("dal", epoch).value(body, stamp.event_id.bytes, sequence, now)
    assert value == encode(event.type, wire_fields(event, stamp))
    assert decode(value).schema.name == event.type


GARBAGE = st.one_of(
    st.none(), st.integers(), st.text(max_size=70), st.binary(max_size=40), st.uuids(), st.datetimes(), st.floats(),
    st.lists(st.text(max_size=3), max_size=2), st.sampled_from([*enum_symbols()["Label"], "A" * 64, "A" * 65, "US-CA"]),
)  # fmt: skip


@given(st.sampled_from(TYPES), st.data())
def test_what_is_refused_has_a_fault_and_what_has_a_fault_is_refused(event_type: str, data: st.DataObject) -> None:
    """Whatever stands in a field, the one pass and the contract's check agree."""
    name = data.draw(st.sampled_from([field.name for field in fields(CLASSES[event_type])]))
    event = event_of(event_type, **{name: data.draw(GARBAGE)})
    faults = faults_in(event)
    try:
        prepare([event], RULES)
    except Refused as refused:
        assert list(refused.faults) == faults
        assert faults
    else:
        assert not faults


def test_every_fault_at_once() -> None:
    """One refusal names all that is wrong with an event."""
    event = event_of(
        "IncidentReported", case_id="John Doe", occurred_at=datetime(2016, 3, 1), stage="SECOND", report_sha256="ab"  # noqa: DTZ001 - the naive time is the fault
    )  # fmt: skip
    with pytest.raises(Refused) as refused:
        prepare([event], RULES)
    assert places(refused) == [
        f"IncidentReported.{name}" for name in ("case_id", "occurred_at", "stage", "report_sha256")
    ]


def test_every_fault_of_a_batch_with_its_events_number() -> None:
    """A batch is refused whole, and each fault says which event it is in."""
    with pytest.raises(Refused) as refused:
        prepare(
            [
                event_of("StepDocumented"),
                event_of("StepDocumented", step="x", case_id=""),
                event_of("MatchResolved", outcome="x"),
            ],
            RULES,
        )
    assert places(refused) == [
        "event 2: StepDocumented.case_id",
        "event 2: StepDocumented.step",
        "event 3: MatchResolved.outcome",
    ]


@pytest.mark.parametrize(
    ("label", "fits"), [("UNCLASSIFIED", True), ("CUI_LES", True), ("SECRET", False), ("UNKNOWN", False)]
)
@pytest.mark.parametrize("event_type", ["EncounterReported", "IncidentReported"])
def test_a_label_above_the_ceiling_is_refused(event_type: str, label: str, fits: bool) -> None:  # noqa: FBT001 - a case
    """CUI_LES is the highest that may stand on a field stream."""
    assert (not faults_in(event_of(event_type, label=label))) is fits


def test_a_label_above_the_ceiling_says_what_to_do() -> None:
    """It may not even be stored: somebody must act."""
    (fault,) = faults_in(event_of("EncounterReported", label="SECRET"))
    assert "spill procedure" in fault.hint


@pytest.mark.parametrize(("length", "fits"), [(0, False), (1, True), (64, True), (65, False)])
def test_an_id_has_1_to_64_characters(length: int, fits: bool) -> None:  # noqa: FBT001 - a case
    """Both sides of both bounds."""
    assert (not faults_in(event_of("StepDocumented", case_id="a" * length))) is fits


@pytest.mark.parametrize("text", ["John Doe", "josé", "a/b", "a\n", "a\x00"])
def test_free_text_is_no_id(text: str) -> None:
    """A name does not fit into any field."""
    assert [fault.place for fault in faults_in(event_of("StepDocumented", encounter_id=text))] == [
        "StepDocumented.encounter_id"
    ]


def test_an_unknown_office_is_refused() -> None:
    """An office that the register does not name may say nothing."""
    with pytest.raises(Refused, match="xyz is not in the office register"):
        prepare([event_of("StepDocumented")], Rules("xyz", frozenset({"dal"})))


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrative(FieldEvent):
    """A type that somebody made up."""

    text: str


def test_a_type_of_ones_own_is_refused() -> None:
    """A subclass is no event of the contract, whatever it is called."""
    event = Narrative(case_id="c", encounter_id="e", occurred_at=GOOD["occurred_at"], text=PLANTED)
    with pytest.raises(Refused, match="Narrative is no event of the contract") as refused:
        prepare([event], RULES)
    assert PLANTED not in str(refused.value)


@pytest.mark.parametrize("room", [0, -1])
def test_an_oversized_event_is_refused(room: int) -> None:
    """As many bytes as allowed fit; one more does not."""
    (body,) = prepare([event_of("IncidentReported")], RULES)
    value = Stamper("dal", UUID(int=2)).value(body, bytes(16), 1, STAMP.recorded_at)
    rules = Rules("dal", RULES.offices, max_value_bytes=len(value) + room)
    if room < 0:
        with pytest.raises(Refused, match=f"is {len(value)} bytes on the wire, at most {len(value) - 1}"):
            require_size(value, body, rules)
    else:
        require_size(value, body, rules)


@pytest.mark.parametrize("event_type", TYPES)
def test_no_fault_shows_what_the_event_says(event_type: str) -> None:
    """Every field holds something planted, and no message has it."""
    planted = f"{PLANTED} {PLANTED}"
    event = event_of(event_type, **{field.name: planted for field in fields(CLASSES[event_type])})
    with pytest.raises(Refused) as refused:
        prepare([event], RULES)
    assert len(refused.value.faults) == len(fields(CLASSES[event_type]))
    assert PLANTED not in str(refused.value)


def test_every_type_of_the_contract_has_a_form() -> None:
    """No type is left out."""
    assert set(FORMS) == set(FIELD_EVENTS)
