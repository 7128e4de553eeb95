"""Calling the roll over a ledger: what is found is kept, published and never said twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from muster_contract.codec import decode
from muster_contract.topics import streams_of
from muster_hq.calling import Calling
from muster_hq.intake import Intake
from muster_hq.ledger.sqlite import SqliteLedger
from muster_hq.policies import Policies
from tests.builders import policies_of, records_of
from tests.cases.builders import T0, Event, encounter, pulse
from tests.cases.policies import REPORT

POLICIES = Policies([replace(policy, gap_after=10) for policy in policies_of(REPORT).versions])
SKIPS_ONE = [encounter("E", 0, sequence=2), *(pulse(12, stream) for stream in streams_of(["a"]))]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    """Give a new ledger."""
    opened = SqliteLedger(tmp_path / "ledger.db")
    yield opened
    opened.close()


def take(ledger: SqliteLedger, *events: Event) -> None:
    """Take events in."""
    Intake(ledger, POLICIES, ["a"]).take(records_of(*events), now=None)


def test_a_roll_is_called_once_the_clock_has_moved_and_then_rests(ledger: SqliteLedger) -> None:
    """Past the instant that it waits for."""
    calling = Calling(ledger, POLICIES)
    take(ledger, *SKIPS_ONE)
    assert (calling.step(), calling.step()) == (1, 0)
    assert ledger.findings()[0].kind == "SEQUENCE_GAP"
    assert ledger.next_call() == {"a": T0 + 11}  # the pulse that began the other streams is not settled yet


def test_what_is_found_is_published(ledger: SqliteLedger) -> None:
    """As a Finding, with its evidence."""
    take(ledger, *SKIPS_ONE)
    Calling(ledger, POLICIES).step()
    (found,) = [decode(record.value) for record in ledger.outgoing(0, 9) if record.topic == "hq.verdicts"]
    assert (found.schema.name, found.fields["kind"], found.fields["at"]) == ("Finding", "SEQUENCE_GAP", T0 + 10)
    assert [evidence["offset"] for evidence in found.fields["evidence"]] == [0]


def test_a_clock_that_is_held_back_holds_the_roll_back(ledger: SqliteLedger) -> None:
    """As in a replay up to an instant."""
    take(ledger, *SKIPS_ONE)
    Calling(ledger, POLICIES, until=T0 + 10).step()
    assert ledger.findings() == []
    Calling(ledger, POLICIES, until=T0 + 11).step()
    assert len(ledger.findings()) == 1


def test_a_stream_that_was_never_read_holds_the_roll_back(ledger: SqliteLedger) -> None:
    """A number might have come there, for all that is known."""
    take(ledger, *SKIPS_ONE[:-1])
    assert Calling(ledger, POLICIES).step() == 0
