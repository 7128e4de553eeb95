"""Directives through the whole system, on the real broker: given by the command, carried out, seen by the audit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from muster_contract import codec
from muster_contract.events import EncounterReported, FieldEvent, IncidentReported, Stamp, wire_fields
from muster_contract.shell.ids import new_id
from muster_contract.times import now_ms, to_datetime
from muster_contract.topics import encounters, incidents
from muster_hq.kafka import Admin
from tests.kafka_broker import KafkaBroker
from tests.system.headquarters import Headquarters
from tests.system.policies import due_within, policy

pytestmark = pytest.mark.kafka

POLICY = policy(due_within("PT2S", anchor=None), outage_after="PT15S", outage_grace="PT1S")
CODES = ("--authority", "HQ-DUTY-1", "--reason", "TEST")


@pytest.fixture
def hq(tmp_path: Path, broker: KafkaBroker) -> Iterator[Headquarters]:
    """Run a headquarters for the office dal; the office hou has topics, and is not in the register yet."""
    headquarters = Headquarters(tmp_path, broker.bootstrap, POLICY, ("dal",))
    Admin({}, broker.bootstrap).create_topics(("hou",))
    headquarters.start()
    yield headquarters
    headquarters.kill()


def encounter(case: str) -> EncounterReported:
    """Build an encounter of now."""
    now = to_datetime(now_ms())
    return EncounterReported(
        case_id=case, encounter_id=f"e-{case}", occurred_at=now, match="POTENTIAL", custody="SUPERVISED"
    )


def report(case: str) -> IncidentReported:
    """Build its report."""
    now = to_datetime(now_ms())
    return IncidentReported(
        case_id=case,
        encounter_id=f"e-{case}",
        occurred_at=now,
        stage="INITIAL",
        channel="COURIER",
        report_reference="r",
        report_sha256="0" * 64,
    )


def send(hq: Headquarters, stream: str, what: FieldEvent | bytes) -> None:
    """Append an event of the stream's office, or bytes."""
    producer = Producer({"bootstrap.servers": hq.bootstrap})
    producer.produce(stream, what if isinstance(what, bytes) else _value_of(what, stream.split(".")[1]), partition=0)
    assert producer.flush(30) == 0


def _value_of(event: FieldEvent, office: str) -> bytes:
    now = now_ms()
    stamp = Stamp(event_id=new_id(now), office_id=office, epoch=new_id(now), sequence=1, recorded_at=now)
    return codec.encode(event.type, wire_fields(event, stamp))


def said(hq: Headquarters, case: str) -> list[str]:
    """Give the verdicts on a case, in order."""
    with hq.reading() as ledger:
        history = ledger.case(case)
        return [verdict.verdict for verdict in history.verdicts] if history else []


def give(hq: Headquarters, *arguments: str) -> str:
    """Give a directive by the command."""
    options = (*CODES, "--bootstrap", hq.bootstrap, "--ledger", hq.ledger)
    return hq.run(*arguments, *options).stdout


def test_nobody_is_blamed_for_what_could_not_be_read_until_somebody_decides(hq: Headquarters) -> None:
    """Undetermined; then rejected, and missed when the grace is over. The audit of the topics agrees."""
    send(hq, incidents("dal"), b"junk")
    send(hq, encounters("dal"), encounter("c1"))
    hq.until(lambda: said(hq, "c1") == ["UNDETERMINED"], "it is undetermined")
    assert hq.metrics()["muster_quarantined_waiting", ("dal",)] == 1
    assert "NOT_FRAMED" in hq.run("quarantine", "--ledger", hq.ledger, expect=1).stdout
    assert "will never count" in give(hq, "quarantine", "reject", "field.dal.incidents@" + _offset_of_junk(hq))
    hq.until(lambda: said(hq, "c1") == ["UNDETERMINED", "MISSED"], "it is missed")
    assert hq.metrics()["muster_quarantined_waiting", ("dal",)] == 0
    hq.run("quarantine", "--ledger", hq.ledger)
    hq.assert_audit_agrees()


def test_held_and_accepted(hq: Headquarters) -> None:
    """What is held is not missed; what is accepted is in time, by an encounter or by the name of its obligation."""
    give(hq, "direct", "HOLD", "encounter:c1/dal/e-c1")
    send(hq, encounters("dal"), encounter("c1"))
    send(hq, encounters("dal"), encounter("c2"))
    hq.until(lambda: said(hq, "c2") == ["MISSED"], "the one that is not held is missed")
    assert said(hq, "c1") == []
    told = give(hq, "direct", "ACCEPT_OUT_OF_BAND", "obligation:c1/dal/e-c1/initial-report/1")
    assert told.startswith("initial-report 1: OPEN")
    hq.until(lambda: said(hq, "c1") == ["ON_TIME"], "it is in time")
    hq.assert_audit_agrees()
    assert "c1" not in hq.log() + hq.scraped


def test_an_office_that_joins_has_its_records_readmitted(hq: Headquarters) -> None:
    """They could not be applied as long as it was not in the register; the audit takes the ledger's word for it."""
    send(hq, encounters("hou"), encounter("c3"))
    send(hq, incidents("hou"), report("c3"))
    hq.until(lambda: _quarantined(hq) == dict.fromkeys((encounters("hou"), incidents("hou")), "UNKNOWN_OFFICE"), "read")
    assert hq.stop() == 0
    hq.offices.write_text('[[office]]\nid = "dal"\n\n[[office]]\nid = "hou"\n', "utf-8")
    hq.start()
    hq.until(lambda: hq.caught_up(0), "it has settled")
    for stream in (encounters("hou"), incidents("hou")):
        assert "will count from the directive's time on" in give(hq, "quarantine", "readmit", f"{stream}@0")
    hq.until(lambda: said(hq, "c3"), "the case is judged")
    assert set(said(hq, "c3")) <= {"ON_TIME", "UNDETERMINED", "EXCUSED"}, "nobody is blamed"
    hq.assert_audit_agrees()


def _offset_of_junk(hq: Headquarters) -> str:
    with hq.reading() as ledger:
        return str(next(record.offset for record in ledger.quarantined() if record.reason == "NOT_FRAMED"))


def _quarantined(hq: Headquarters) -> dict[str, str]:
    with hq.reading() as ledger:
        return {record.stream: record.reason for record in ledger.quarantined()}
