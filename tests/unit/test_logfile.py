"""Log files: read to the records that Kafka would give, refused by line and field, written back to the same bytes."""

from __future__ import annotations

import io
import json
from codecs import BOM_UTF8
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from muster_contract.codec import HEADER_BYTES, PULSE, decode, encode
from muster_contract.errors import ConfigurationError
from muster_contract.headers import number_of
from muster_contract.jsonform import from_json
from muster_contract.schemas import newest
from muster_hq.logfile import MOST_FAULTS, offices_in, read_lines, read_log, write_log
from muster_hq.records import Record
from tests.cases.builders import T0, Case, id_of
from tests.verdict_cases import CASES

STREAM = "field.dal.encounters"
EVENT = {
    "event_id": str(id_of("E")),
    "office_id": "dal",
    "case_id": "c-1",
    "encounter_id": "e-1",
    "occurred_at": "2016-03-01T00:00:00Z",
    "match": "POTENTIAL",
    "custody": "RELEASED",
}


def line(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Build one line of a log; a change to None leaves the key out."""
    whole = {
        "stream": STREAM,
        "offset": 0,
        "appended_at": "2016-03-01T00:00:01.500Z",
        "type": "EncounterReported",
        "event": EVENT,
    }
    return {key: value for key, value in (whole | changes).items() if value is not None}


def event(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Build a line whose event is changed; a change to None leaves the field out."""
    return line(event={key: value for key, value in (EVENT | changes).items() if value is not None})


def read(*lines: dict[str, Any] | bytes) -> list[Record]:
    """Read these lines."""
    return list(read_lines(encoded(lines), "x.jsonl"))


def encoded(lines: Iterable[dict[str, Any] | bytes]) -> list[bytes]:
    """Turn lines to bytes, those that are not bytes already."""
    return [one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n" for one in lines]


def faults(*lines: dict[str, Any] | bytes) -> list[str]:
    """Read these lines; give the faults."""
    with pytest.raises(ConfigurationError) as refused:
        read(*lines)
    return [str(fault) for fault in refused.value.faults]


def test_a_line_is_a_record() -> None:
    """The event becomes our bytes, as Kafka would hold them."""
    (record,) = read(line())
    assert record[:3] == (STREAM, 0, T0 + 1500)
    assert record.headers() is None
    assert decode(record.value).fields == from_json(EVENT, "EncounterReported")[0]


def test_what_only_the_transport_needs_may_be_left_out_or_given() -> None:
    """Epoch, sequence, recorded_at and label have defaults that depend on the event alone."""
    (record,) = read(line())
    fields = decode(record.value).fields
    assert (fields["epoch"], fields["sequence"], fields["label"]) == (bytes(16), 0, "UNCLASSIFIED")
    assert fields["recorded_at"] == fields["occurred_at"]
    (given,) = read(event(epoch=str(id_of("epoch")), sequence=7, recorded_at="2016-03-02T00:00:00+01:00", label="CUI"))
    assert decode(given.value).fields["sequence"] == 7


@pytest.mark.parametrize("content", [{}, {"event": {}}, {"event": {"anything": 1}}])
def test_a_pulse_is_its_append_time_alone(content: dict[str, Any]) -> None:
    """Whatever stands in its event, if it has one."""
    (record,) = read(line(type="ClockPulse", event=None) | content)
    assert record.value == PULSE


def test_streams_may_stand_in_any_order() -> None:
    """Offsets are counted on each stream by itself; blank lines are passed over."""
    other = {"stream": "hq.directives", "type": "ClockPulse"}
    records = read(line(), b"\n", line(offset=0, **other), line(offset=1), b"  \r\n", line(offset=1, **other))
    assert [(r.stream, r.offset) for r in records] == [
        (STREAM, 0),
        ("hq.directives", 0),
        (STREAM, 1),
        ("hq.directives", 1),
    ]


def test_what_may_not_stand_on_a_stream_is_read_all_the_same() -> None:
    """That is for intake and the audit to quarantine."""
    (record,) = read(line(stream="field.dal.incidents"))
    assert record.stream == "field.dal.incidents"


def test_a_byte_order_mark_and_carriage_returns_are_passed_over() -> None:
    """As some systems write text files; the mark stands at the beginning alone."""
    one, two = encoded([line(), line(offset=1, event=EVENT)])
    marked = read(BOM_UTF8 + one.replace(b"\n", b"\r\n"), two.replace(b"\n", b"\r\n"))
    assert [record.value for record in marked] == [record.value for record in read(one, two)]
    with pytest.raises(ConfigurationError, match=r"x\.jsonl:2: is not a JSON object"):
        read(one, BOM_UTF8 + two)


@pytest.mark.parametrize(("text", "value"), [("", b""), ("wwE=", b"\xc3\x01"), (None, None)])
def test_bytes_stand_as_base64(text: str | None, value: bytes | None) -> None:
    """What could not be decoded is in the log as it came, and so is a null value."""
    whole = line(type=None, event=None) | {"value": text}
    assert read(whole)[0].value == value


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (b'{"stream": "field.dal', "x.jsonl:1: is not a JSON object (a torn line? write the log anew)"),
        (b"[1]", "x.jsonl:1: is not a JSON object (a torn line? write the log anew)"),
        (
            b'{"stream": "\xff"}',
            "x.jsonl:1: is not UTF-8 text (packed, or in another encoding? write it as plain UTF-8)",
        ),
        (b"[" * 100_000, "x.jsonl:1: is not a JSON object (a torn line? write the log anew)"),
        (line(stream=None), "x.jsonl:1: stream: is missing"),
        (line(offset=None), "x.jsonl:1: offset: is missing"),
        (line(appended_at=None), "x.jsonl:1: appended_at: is missing"),
        (line(appended_at="1969-12-31T23:59:59.999Z"), "x.jsonl:1: appended_at: is not of the years 1970 to 9899"),
        (line(appended_at="9900-01-01T00:00:00Z"), "x.jsonl:1: appended_at: is not of the years 1970 to 9899"),
        (line(type=None), "x.jsonl:1: type: is missing"),
        (line(event=None), "x.jsonl:1: event: is missing"),
        (line(offset="0"), "x.jsonl:1: offset: is not a number from 0"),
        (line(offset=-1), "x.jsonl:1: offset: is not a number from 0"),
        (line(offset=True), "x.jsonl:1: offset: is not a number from 0"),
        (line(offset=1), f"x.jsonl:1: offset: leaves out 1 before it (0 comes next on {STREAM})"),
        (line(type="Encounter"), "x.jsonl:1: type: is no type of the contract (docs/contract.md has them)"),
        (line(type=["x"]), "x.jsonl:1: type: is no type of the contract (docs/contract.md has them)"),
        (line(event=[]), "x.jsonl:1: event: is not an object"),
        (event(match=None), "x.jsonl:1: event.match: is missing"),
        (event(match="MAYBE"), "x.jsonl:1: event.match: is not one of UNKNOWN, NONE, POTENTIAL, CONFIRMED"),
        (event(case_id=7), "x.jsonl:1: event.case_id: is not text"),
        (event(name="hunter2"), "x.jsonl:1: event.name: is no field of EncounterReported"),
        (line(value="wwE="), "x.jsonl:1: value: stands beside type or event (either the bytes, or what they say)"),
        (line(type=None, event=None, value="x"), "x.jsonl:1: value: is neither base64 nor null"),
        (line(type=None, event=None, value="w w E="), "x.jsonl:1: value: is neither base64 nor null"),
        (line(type=None, event=None, value=7), "x.jsonl:1: value: is neither base64 nor null"),
    ],
)
def test_a_wrong_line_is_named_by_its_number_and_field(wrong: dict[str, Any] | bytes, fault: str) -> None:
    """The place, the cause and, where there is one, a hint."""
    assert faults(wrong) == [fault]


@pytest.mark.parametrize("stream", ["field.Dal.encounters", "field.dal", "hq.verdicts", "", 7])
def test_a_stream_that_headquarters_takes_no_facts_from(stream: object) -> None:
    """Only the two of an office and hq.directives are streams."""
    assert faults(line(stream=stream))[0].startswith("x.jsonl:1: stream: is no stream's name")


@pytest.mark.parametrize("time", ["2016-03-01T00:00:00", "2016-02-30T00:00:00Z", "yesterday", 0])
def test_an_append_time_without_a_zone_or_a_calendar_day(time: object) -> None:
    """The cause is the contract's."""
    assert faults(line(appended_at=time))[0].startswith("x.jsonl:1: appended_at: is not a")


def test_a_repeated_and_a_left_out_offset() -> None:
    """Each is named with what comes next; the reading goes on from there."""
    assert faults(line(), line(), line(offset=3), line(offset=4)) == [
        f"x.jsonl:2: offset: was there before (1 comes next on {STREAM})",
        f"x.jsonl:3: offset: leaves out 2 before it (1 comes next on {STREAM})",
    ]


def test_a_torn_line_is_one_fault_not_two() -> None:
    """The offset that it held is not called left out."""
    assert [fault[:10] for fault in faults(line(), b'{"stre\n', line(offset=2))] == ["x.jsonl:2:"]


def test_all_that_is_wrong_with_a_line_at_once() -> None:
    """Every key and every field, and never what stands there."""
    wrong = {"offset": "hunter2", "appended_at": "hunter2", "type": "EncounterReported"}
    found = faults(wrong | {"event": {"case_id": ["hunter2"], "match": "hunter2"}}, event(custody="hunter2"))
    assert [fault.split(": ")[1] for fault in found] == [
        "stream", "offset", "appended_at",
        "event.event_id", "event.office_id", "event.case_id", "event.encounter_id",
        "event.occurred_at", "event.match", "event.custody", "event.custody",
    ]  # fmt: skip
    assert "hunter2" not in "".join(found)


def test_a_file_of_another_kind_is_given_up_after_twenty_faults() -> None:
    """Nobody reads a fault a line of a large file."""
    assert len(faults(*[b"x"] * 1000)) == MOST_FAULTS


def test_records_come_until_the_first_fault_and_none_after_it() -> None:
    """A reading is a stream: what is wrong further down comes when it is met."""
    reading = read_lines(encoded([line(), b"{", line(offset=1)]), "x.jsonl")
    assert next(reading).offset == 0
    with pytest.raises(ConfigurationError):
        next(reading)


def test_a_file_and_the_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path, or - for the standard input."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"".join(encoded([line()])))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    assert [r.value for r in read_log(path)] == [r.value for r in read_log(Path("-"))]


@pytest.mark.parametrize("name", ["nowhere.jsonl", "."])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    """A missing file and a folder are a user's mistakes, not tracebacks."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        list(read_log(tmp_path / name))


def written(records: Iterable[Record]) -> str:
    """Write records as a log."""
    out = io.StringIO()
    write_log(records, out)
    return out.getvalue()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_written_reads_back_to_the_same_bytes(case: Case) -> None:
    """Export and replay are one log."""
    lines = written(case.records).encode().splitlines()
    assert [r[:4] for r in read_lines(lines, "")] == [r[:4] for r in case.records]


def test_a_written_line_says_what_the_record_says() -> None:
    """Section 8's keys in its order, and every field of the event."""
    (found,) = [json.loads(text) for text in written(read(line())).splitlines()]
    assert list(found) == ["stream", "offset", "appended_at", "type", "event"]
    assert found["appended_at"] == "2016-03-01T00:00:01.500Z"
    assert list(found["event"]) == list(newest()["EncounterReported"].fields)
    assert json.loads(written([Record(STREAM, 0, T0, PULSE)]))["event"] == {}


OUT_OF_RANGE = encode("EncounterReported", from_json(EVENT, "EncounterReported")[0] | {"occurred_at": 2**62})
LODGED = {"event_id": bytes(16), "recorded_at": 0, "report_reference": "r", "report_sha256": bytes(32)}
ZERO = HEADER_BYTES + 16  # where recorded_at stands, after the event_id
IN_ONE_BYTE = encode("ReportLodged", LODGED)
IN_TWO_BYTES = IN_ONE_BYTE[:ZERO] + b"\x80\x00" + IN_ONE_BYTE[ZERO + 1 :]


NUMBER = {"epoch": "01890000-0000-7000-8000-000000000001", "sequence": 7}


def test_a_number_in_the_headers_stands_beside_the_bytes() -> None:
    """So that it is accounted for when the log is read back; without one, the line says nothing of it."""
    headers = [("epoch", str(NUMBER["epoch"]).encode()), ("sequence", b"7")]
    text = written([Record(STREAM, 0, T0, b"junk", lambda: headers)])
    assert NUMBER.items() <= json.loads(text).items()
    (again,) = read_lines([text.encode()], "")
    assert number_of(again.headers()) == number_of(headers)
    assert "epoch" not in json.loads(written([Record(STREAM, 0, T0, b"junk")]))


def test_an_events_headers_are_those_of_its_fields_unless_the_line_says_otherwise() -> None:
    """A record whose headers name another number, or none, is read back as it was."""
    numbered = line(event=EVENT | NUMBER)
    own, other, none = (read(numbered | more)[0] for more in ({}, NUMBER | {"sequence": 8}, {"epoch": None}))
    assert [number and number.sequence for number in (number_of(r.headers()) for r in (own, other, none))] == [
        7,
        8,
        None,
    ]
    for record in (own, other, none):
        (again,) = read_lines([written([record]).encode()], "")
        assert number_of(again.headers()) == number_of(record.headers())
    assert "sequence" not in json.loads(written([own]))
    assert number_of(read(line())[0].headers()) is None


@pytest.mark.parametrize(
    "wrong", [{"epoch": "\udce9"}, {"sequence": 0}, {"sequence": "7"}, {"sequence": None}, {"epoch": "x"}, {"epoch": 1}]
)
def test_half_a_number_is_a_fault(wrong: dict[str, object]) -> None:
    """Both, and of the right form."""
    (fault,) = faults(line(type=None, event=None) | {"value": ""} | NUMBER | wrong)
    assert "sequence: with epoch, is no number of an event" in fault


@pytest.mark.parametrize("value", [None, b"", b"junk", OUT_OF_RANGE, IN_TWO_BYTES])
def test_what_its_json_would_not_give_back_is_written_as_bytes(value: bytes | None) -> None:
    """What cannot be decoded, an instant that has no text, an integer that others write shorter."""
    text = written([Record(STREAM, 0, T0, value)])
    assert "value" in json.loads(text)
    assert [r.value for r in read_lines([text.encode()], "")] == [value]


def test_an_integer_may_be_written_in_two_ways() -> None:
    """Which is why what is written is checked by its bytes, not by what it says."""
    assert decode(IN_TWO_BYTES) == decode(IN_ONE_BYTE)


def test_the_offices_that_the_streams_name() -> None:
    """Headquarters' own stream names none."""
    names = ["hq.directives", "field.dal.incidents", "field.hou.encounters", "field.dal.encounters"]
    assert offices_in(Record(name, 0, T0, PULSE) for name in names) == {"dal", "hou"}
