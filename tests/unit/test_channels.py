"""Reports by the wrong channel: they count, and are found, by both programs alike (docs/findings.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster_contract.errors import ConfigurationError
from muster_contract.register import Office, Register
from muster_hq.audit import audit
from muster_hq.comparing import settled_findings
from muster_hq.ledger.sqlite import SqliteLedger
from muster_hq.policies import Policies
from muster_hq.policy_reader import at_offices, read_policy
from muster_hq.replay import replay
from tests.cases.builders import T0, Case, Event, directive, encounter, report, retract
from tests.cases.channels import CLASSIFIED, POLICY, REGISTER, E
from tests.cases.policies import HEAD, LINE, REPORT, REPORT_BY_ANY

BY_MAIL = report("S", 5, channel="UNCLASSIFIED")


def found(*events: Event, policy: str = POLICY, path: Path, batch: int = 2) -> list[tuple[str, str, int, str]]:
    """Give kind, office, instant and detail of each finding: the audit's, which must be the ledger's."""
    case = Case("", policy, sorted(events, key=lambda event: event.at), register=REGISTER)
    audited = audit(case.records, case.policies, ["a", "b"], case.instant).findings
    ledger = SqliteLedger(path / f"{batch}.db")
    replay(case.records, case.policies, ["a", "b"], ledger, case.instant, batch=batch)
    assert settled_findings(ledger, dict.fromkeys("ab", case.instant)) == audited
    rows = [(f.kind, f.office_id, f.at - T0, f.detail) for f in ledger.findings()]
    assert ledger.finding_counts().get("WRONG_CHANNEL", 0) == len([row for row in rows if row[0] == "WRONG_CHANNEL"])
    ledger.close()
    return rows


@pytest.mark.parametrize("batch", [1, 2, 9])
def test_a_report_by_another_channel_is_found_with_its_verdict(batch: int, tmp_path: Path) -> None:
    """However the log is cut."""
    assert found(E, BY_MAIL, path=tmp_path, batch=batch) == [
        ("WRONG_CHANNEL", "a", 5, "report 1 of a by UNCLASSIFIED, offset 0")
    ]


def test_late_it_is_found_as_well(tmp_path: Path) -> None:
    """The channel is not excused by being late."""
    late = report("S", 20, channel="COURIER")
    assert found(E, late, path=tmp_path) == [("WRONG_CHANNEL", "a", 20, "report 1 of a by COURIER, offset 0")]


def test_the_channel_that_is_asked_for_is_not(tmp_path: Path) -> None:
    """Nor is any where none is asked for."""
    assert found(E, report("S", 5), path=tmp_path) == []
    assert found(E, BY_MAIL, policy=REPORT, path=tmp_path, batch=3) == []


def test_a_report_that_decides_nothing_is_not(tmp_path: Path) -> None:
    """The first one did, by the right channel."""
    assert found(E, report("S", 4), BY_MAIL._replace(name="S2"), path=tmp_path) == []


def test_a_report_is_found_when_it_decides(tmp_path: Path) -> None:
    """Here, when the encounter came, or when the one before it was retracted."""
    (waited,) = found(encounter("E", 9, own=0), BY_MAIL, path=tmp_path)
    assert waited[2:] == (9, "report 1 of a by UNCLASSIFIED, offset 0")
    (second,) = found(E, report("S1", 4), BY_MAIL._replace(name="S2"), retract("R", 8, "S1"), path=tmp_path, batch=3)
    assert second[2:] == (8, "report 1 of a by UNCLASSIFIED, offset 1")


def test_a_report_of_another_office_is_the_obligation_s(tmp_path: Path) -> None:
    """Its stream is where it stands; the office is whose obligation it was."""
    other = report("S", 5, office="b", channel="OUT_OF_BAND")
    assert found(E, other, policy=REPORT_BY_ANY + CLASSIFIED, path=tmp_path) == [
        ("WRONG_CHANNEL", "a", 5, "report 1 of a by OUT_OF_BAND, offset 0")
    ]


def test_what_headquarters_accepts_has_no_channel(tmp_path: Path) -> None:
    """It knew what it did."""
    accepted = directive("A", 5, "ACCEPT_OUT_OF_BAND", "obligation:c/a/e/report/1")
    assert found(E, accepted, path=tmp_path) == []


def test_an_allowance_needs_the_register() -> None:
    """Whose offices have a classified network, or have not."""
    policies = Policies([read_policy(POLICY, "test")])
    with pytest.raises(ConfigurationError, match="gives offices without a classified network more time for report"):
        at_offices(policies, None)
    without = Policies([read_policy(HEAD + LINE + CLASSIFIED, "test")])
    assert at_offices(without, None) is without
    (line,) = (
        at_offices(policies, [Register(1, "", (Office(id="x", classified_network=True),))]).versions[0].requirements
    )
    assert (line.due_of(0, "x"), line.due_of(0, "y")) == (10, 15)


def test_only_channels_of_the_contract_can_be_asked_for() -> None:
    """A slip of the pen is a fault."""
    with pytest.raises(ConfigurationError, match="channel"):
        read_policy(REPORT + 'channel = "TELEPHONE"\n', "test")


def test_a_gap_in_capability_is_known_from_register_and_policy() -> None:
    """With an allowance or without; where no requirement asks for the channel there is none."""
    offices = [Office(id="a"), Office(id="b", classified_network=True)]
    for text in (POLICY, HEAD + LINE + CLASSIFIED):
        policies = at_offices(Policies([read_policy(text, "test")]), [Register(1, "", tuple(offices))])
        assert policies.unequipped(["a", "b"]) == {"a"}
    assert (
        at_offices(Policies([read_policy(REPORT, "test")]), [Register(1, "", tuple(offices))]).unequipped(["a", "b"])
        == frozenset()
    )
