"""What lies at headquarters under another digest is found, once, by both programs alike; and who may ask for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster_contract.codec import decode
from muster_contract.errors import ConfigurationError
from muster_hq.audit import audit
from muster_hq.comparing import settled_findings
from muster_hq.ledger.sqlite import SqliteLedger
from muster_hq.policy_reader import read_policy
from muster_hq.replay import replay
from tests.cases.builders import T0, Case, Event, report, retract
from tests.cases.lodgings import ANY, LODGED, E, I, lodge
from tests.cases.policies import HEAD, LINE, REPORT

WRONG = lodge(6, digest=1)


def found(*events: Event, path: Path, batch: int = 2, policy: str = LODGED) -> list[tuple[str, str, int, str]]:
    """Give kind, office, instant and detail of each finding: the audit's, which must be the ledger's."""
    case = Case("", policy, sorted(events, key=lambda event: event.at))
    audited = audit(case.records, case.policies, ["a", "b"], case.instant).findings
    ledger = SqliteLedger(path / f"{batch}.db")
    replay(case.records, case.policies, ["a", "b"], ledger, case.instant, batch=batch)
    assert settled_findings(ledger, dict.fromkeys("ab", case.instant)) == audited
    told = [decode(out.value) for out in ledger.outgoing(0, 100) if out.topic == "hq.verdicts"]
    findings = ledger.findings()
    assert sum(schema.name == "Finding" for schema, _ in told) == len(findings)
    rows = [(f.kind, f.office_id, f.at - T0, f.detail) for f in findings]
    ledger.close()
    return rows


@pytest.mark.parametrize("batch", [1, 2, 9])
def test_another_digest_is_found_when_both_are_there(batch: int, tmp_path: Path) -> None:
    """Told once, however often its case is judged; whichever of the two came first."""
    mismatch = ("DIGEST_MISMATCH", "a", 6, "offset 0, lodging 0")
    later = report("I2", 9, report_reference="q")
    assert found(E, I, WRONG, later, path=tmp_path, batch=batch) == [mismatch]
    assert found(E, WRONG, report("I", 8), later, path=tmp_path, batch=batch + 10) == [(*mismatch[:2], 8, mismatch[3])]


def test_each_other_digest_is_found_and_each_report(tmp_path: Path) -> None:
    """Whatever else lies there; and of several lodgings of one digest the first."""
    events = (E, I, WRONG, lodge(7, "D2", digest=1), lodge(8, "D3", digest=2), lodge(9, "D4"))
    other = report("J", 3, office="b", case="d")
    assert found(*events, other, path=tmp_path) == [
        ("DIGEST_MISMATCH", "a", 6, "offset 0, lodging 0"),
        ("DIGEST_MISMATCH", "b", 6, "offset 0, lodging 0"),
        ("DIGEST_MISMATCH", "a", 8, "offset 0, lodging 2"),
        ("DIGEST_MISMATCH", "b", 8, "offset 0, lodging 2"),
    ]


def test_what_was_retracted_by_then_names_nothing(tmp_path: Path) -> None:
    """A millisecond later it was found before."""
    assert found(E, I, retract("T", 6, "I"), WRONG, path=tmp_path) == []
    assert len(found(E, I, retract("T", 7, "I"), WRONG, path=tmp_path, batch=3)) == 1


def test_nothing_is_found_where_no_policy_asks(tmp_path: Path) -> None:
    """Nor kept."""
    assert found(E, I, WRONG, path=tmp_path, policy=REPORT) == []


def test_the_channel_of_a_lodged_report_is_the_report_s(tmp_path: Path) -> None:
    """It is found at the report, whoever's obligation it was."""
    by_mail = report("I", 4, office="b", channel="COURIER")
    assert found(E, by_mail, lodge(5), policy=ANY + 'channel = "CLASSIFIED"\n', path=tmp_path) == [
        ("WRONG_CHANNEL", "a", 5, "report 1 of a by COURIER, offset 0")
    ]


@pytest.mark.parametrize("key", ["opens_on", "waived_by", "ends_on"])
def test_what_is_lodged_can_only_satisfy(key: str) -> None:
    """It opens, waives and ends nothing."""
    line = '[[requirement]]\nid = "x"\nwithin = "PT1H"\nsatisfied_by = { event = "IncidentReported" }\n'
    opens = "" if key == "opens_on" else 'opens_on = { event = "EncounterReported" }\n'
    with pytest.raises(ConfigurationError, match=r"ReportLodged\) stands in satisfied_by alone"):
        read_policy(f'{HEAD}{line}{opens}{key} = {{ event = "ReportLodged" }}\n', "test")


def test_its_codes_are_those_of_a_report() -> None:
    """And no others."""
    assert read_policy(LODGED, "test").requirements[0].satisfied_by[0].where == {"stage": {"INITIAL"}}
    with pytest.raises(ConfigurationError, match="match is no field of ReportLodged"):
        read_policy(HEAD + LINE.replace("IncidentReported", "ReportLodged").replace("stage", "match"), "test")
