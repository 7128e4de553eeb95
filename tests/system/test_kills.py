"""Kill what can be killed, again and again, while events flow: nothing accepted is lost, nothing is said twice."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from tests.kafka_broker import KafkaBroker
from tests.system.headquarters import Headquarters
from tests.system.offices import Offices, soon
from tests.system.policies import due_within, policy

pytestmark = pytest.mark.kafka

OFFICES = ("dal", "hou", "elp")
POLICY = policy(due_within("PT1S"), gap_after="PT1S")
SECONDS = 12.0
"""How long the offices are open: long enough for several kills, short enough for every run."""


@pytest.fixture
def hq(tmp_path: Path, own_broker: KafkaBroker) -> Iterator[Headquarters]:
    """Run a headquarters on a broker of its own."""
    headquarters = Headquarters(tmp_path, own_broker.bootstrap, POLICY, OFFICES)
    headquarters.start()
    yield headquarters
    headquarters.kill()


@pytest.fixture
def field(tmp_path: Path, hq: Headquarters) -> Iterator[Offices]:
    """Open the offices."""
    offices = Offices(tmp_path, hq.bootstrap, OFFICES)
    offices.open_for_business()
    yield offices
    offices.kill()


def test_headquarters_is_killed_in_a_loop_and_every_event_counts_once(hq: Headquarters, field: Offices) -> None:
    """SIGKILL wherever it is, eight times: the ledger holds what was accepted, and agrees with the audit."""
    for pause in (0.3, 0.7, 1.1, 0.2, 0.9, 0.5, 1.3, 0.6):
        time.sleep(pause)
        hq.kill()
        hq.start()
    _assert_nothing_is_lost_or_said_twice(hq, field)


def test_relays_are_killed_in_a_loop_and_every_event_counts_once(hq: Headquarters, field: Offices) -> None:
    """What was sent and not yet marked is sent again: headquarters knows it."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        for relay in field.relays:
            time.sleep(0.4)
            relay.kill()
            relay.start()
    _assert_nothing_is_lost_or_said_twice(hq, field)


@pytest.mark.long
def test_the_broker_is_killed_and_restarted_and_every_event_counts_once(
    hq: Headquarters, field: Offices, own_broker: KafkaBroker
) -> None:
    """Relays and headquarters wait for it, and go on by themselves."""
    time.sleep(3)
    own_broker.restart(hard=True)
    time.sleep(3)
    _assert_nothing_is_lost_or_said_twice(hq, field)


def _assert_nothing_is_lost_or_said_twice(hq: Headquarters, field: Offices) -> None:
    field.close()
    settled = soon(1.5)
    hq.until(lambda: hq.caught_up(settled), "all is judged")
    assert _applied(hq) == field.accepted()
    counted = hq.assert_audit_agrees()
    with hq.reading() as ledger:
        assert ledger.finding_counts() == {}, "somebody is blamed for what we killed"
        verdicts = [(case, v.encounter_id, v.requirement, v.occurrence, v.verdict) for case, v in ledger.verdicts()]
    kinds = Counter(kind for *_, kind in verdicts)
    assert len(set(verdicts)) == len(verdicts), "a verdict was said twice"
    assert kinds["ON_TIME"] > 10, counted
    assert kinds["MISSED"] > 10, counted
    metrics = hq.metrics()
    assert metrics["muster_verdicts_total", ("MISSED",)] == kinds["MISSED"]
    assert sum(n for (name, _), n in metrics.items() if name == "muster_reports_outstanding") == (
        kinds["MISSED"] - kinds["LATE"]
    )
    assert sum(n for (name, _), n in metrics.items() if name == "muster_sequence_gaps") == 0


def _applied(hq: Headquarters) -> set[UUID]:
    """Give the ids of the events that the ledger holds; heartbeats are not among them."""
    with closing(sqlite3.connect(f"file:{hq.ledger.removeprefix('sqlite:///')}?mode=ro", uri=True)) as ledger:
        return {UUID(bytes=event_id) for (event_id,) in ledger.execute("select event_id from applied")}
