"""Records that cannot be applied, on the real broker: each is kept with its reason, and nothing private leaks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from muster_contract import codec, headers
from muster_contract.events import EncounterReported, FieldEvent, IncidentReported, Stamp, wire_fields
from muster_contract.times import now_ms, to_datetime
from muster_contract.topics import MAX_VALUE_BYTES, QUARANTINE, encounters, streams_of
from muster_field.wiring import new_id
from muster_hq.kafka import Admin
from tests.kafka_broker import KafkaBroker
from tests.system.headquarters import Headquarters
from tests.system.policies import due_within, policy

pytestmark = pytest.mark.kafka

PLANTED = "zubaydah-1971"
"""Stands in every field that can hold it: whoever sees it in a metric, a log or a header has found a leak."""
DAYS = 86_400_000
POLICY = policy(due_within("PT24H", anchor=None), id="days")
EPOCH = new_id(now_ms())
_sequence = iter(range(1, 1_000))


def encounter(case: str = f"case-{PLANTED}", **changes: Any) -> EncounterReported:  # noqa: ANN401 - any field
    """Build an encounter whose ids are secret."""
    now = to_datetime(now_ms())
    event = EncounterReported(
        case_id=case, encounter_id=f"enc-{PLANTED}", occurred_at=now, match="POTENTIAL", custody="SUPERVISED"
    )
    return dataclasses.replace(event, **changes)


def framed(event: FieldEvent, office: str = "dal", **changes: Any) -> bytes:  # noqa: ANN401 - any field
    """Give an event's bytes, as an outbox of this office would."""
    return codec.encode(event.type, wire_fields(event, stamp(office)) | changes)


def stamp(office: str) -> Stamp:
    """Stamp an event with the next number."""
    now = now_ms()
    return Stamp(event_id=new_id(now), office_id=office, epoch=EPOCH, sequence=next(_sequence), recorded_at=now)


GOOD = framed(encounter())
BAD: Mapping[str, bytes | None] = {
    "EMPTY_VALUE": b"",
    "OVERSIZED": GOOD + bytes(MAX_VALUE_BYTES),
    "NOT_FRAMED": f"name: {PLANTED}".encode(),
    "CONFLUENT_FRAMING": b"\x00\x00\x00\x00\x07" + GOOD[10:],
    "UNKNOWN_FINGERPRINT": GOOD[:2] + bytes(8) + GOOD[10:],
    "UNDECODABLE": GOOD[:-3],
    "TRAILING_BYTES": GOOD + PLANTED.encode(),
    "WRONG_OFFICE": framed(encounter(), office="hou"),
    "LABEL_ABOVE_CEILING": framed(encounter(label="SECRET")),
    "MALFORMED_FIELD": framed(encounter(), case_id=f"Abu {PLANTED}"),
    "WRONG_STREAM": framed(
        IncidentReported(
            case_id=f"case-{PLANTED}",
            encounter_id=f"enc-{PLANTED}",
            occurred_at=to_datetime(now_ms()),
            stage="INITIAL",
            channel="COURIER",
            report_reference=PLANTED,
            report_sha256="0" * 64,
        )
    ),
}
"""A record for each reason that its bytes can give, as it stands on the encounters stream of dal."""


@pytest.fixture
def hq(tmp_path: Path, broker: KafkaBroker) -> Iterator[Headquarters]:
    """Run a headquarters for the office dal, on a broker where a topic of the office zzz exists as well."""
    headquarters = Headquarters(tmp_path, broker.bootstrap, POLICY, ("dal",))
    Admin({}, broker.bootstrap).create_topics(("zzz",))
    headquarters.start()
    yield headquarters
    headquarters.kill()


@pytest.mark.fault(
    "records",
    injected="a poison record of every kind among good ones, with secrets planted in every field",
    promised="each is kept with its reason and bytes, the counts add up, the good ones are applied, no secret leaks",
)
def test_each_bad_record_is_kept_with_its_reason_and_nothing_private_leaks(
    hq: Headquarters, seen: Callable[[str], None]
) -> None:
    """All kinds at once, among good ones: the four counts add up to the records read, and no secret is shown."""
    ahead = encounter("case-ahead", occurred_at=to_datetime(now_ms() + 3 * DAYS))
    conflict = framed(encounter("case-other"), event_id=codec.decode(GOOD).fields["event_id"])
    values = [GOOD, *BAD.values(), GOOD, conflict, framed(ahead), None]
    _produce(hq, {encounters("dal"): values, encounters("zzz"): [framed(encounter(), office="zzz")]})

    hq.until(lambda: _read(hq) >= len(values) + 1, "all is read")
    metrics = hq.metrics()
    reasons = {labels[0]: n for (name, labels), n in metrics.items() if name == "muster_quarantined_total" and n}
    assert reasons == {**dict.fromkeys(BAD, 1.0), "EMPTY_VALUE": 2.0, "CONFLICT": 1.0, "UNKNOWN_OFFICE": 1.0}
    with hq.reading() as ledger:
        counts = ledger.streams()[encounters("dal")][1]
        assert (counts.applied, counts.duplicate, counts.quarantined) == (2, 1, len(BAD) + 2)
        kept = {record.reason: record for record in ledger.quarantined()}
        findings = {finding.kind for finding in ledger.findings()}
        assert all(sum(counts) == state.next_offset for state, counts in ledger.streams().values())
    assert findings == {"WRONG_OFFICE", "CLOCK_AHEAD"}
    assert kept["TRAILING_BYTES"].value == BAD["TRAILING_BYTES"]
    assert kept["LABEL_ABOVE_CEILING"].value is None
    assert kept["LABEL_ABOVE_CEILING"].sequence is not None, "its number is accounted for by the headers"
    hq.assert_audit_agrees()
    _assert_no_leak(hq)
    seen(f"{len(values) + 1} records: {len(BAD) + 3} quarantined for {len(reasons)} reasons, 2 applied, 1 duplicate")


def _assert_no_leak(hq: Headquarters) -> None:
    assert hq.stop() == 0
    shown = hq.scraped + hq.log()
    assert "stream" in shown, "there is something to look through"
    assert PLANTED not in shown
    for record in _all_records(hq, [*streams_of(["dal"]), QUARANTINE]):
        assert record.key() is None
        assert PLANTED not in str(record.headers() or "")


def _produce(hq: Headquarters, values: Mapping[str, list[bytes | None]]) -> None:
    producer = Producer({"bootstrap.servers": hq.bootstrap})
    for stream, on_stream in values.items():
        for value in on_stream:
            of_stamp = headers.of_event("EncounterReported", stamp("dal"))
            producer.produce(stream, value, partition=0, headers=of_stamp)  # type: ignore[arg-type]  # a list is invariant
    assert producer.flush(30) == 0


def _read(hq: Headquarters) -> int:
    """Count the records that are no pulses."""
    with hq.reading() as ledger:
        return sum(sum(counts) - counts.pulse for _, counts in ledger.streams().values())


def _all_records(hq: Headquarters, topics: list[str]) -> Iterator[Any]:
    consumer = Consumer({"bootstrap.servers": hq.bootstrap, "group.id": "looking-for-leaks"})
    try:
        consumer.assign([TopicPartition(topic, 0, 0) for topic in topics])
        while batch := consumer.consume(1_000, 3):
            yield from batch
    finally:
        consumer.close()
