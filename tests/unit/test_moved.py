"""A case that moves: the clock that counts, and what the office in charge is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from muster_contract.codec import decode
from muster_contract.topics import encounters, incidents, receipts, streams_of
from muster_hq.intake import Intake
from muster_hq.judging import Judging
from muster_hq.ledger.sqlite import SqliteLedger
from muster_hq.verdicts import ALL_OFFICES
from tests.builders import policies_of, records_of
from tests.cases.builders import T0, Event, encounter
from tests.cases.moved import from_b, move
from tests.cases.policies import REPORT

B = (encounters("b"), incidents("b"))
A = tuple(stream for stream in streams_of("ab") if stream not in B)
E, S = encounter("E", 0), from_b("S", 8)


class Scene:
    """Headquarters of offices a and b; times are milliseconds after T0."""

    def __init__(self, ledger: SqliteLedger) -> None:
        policies = policies_of(REPORT)
        self.ledger = ledger
        self._intake = Intake(ledger, policies, ["a", "b"])
        self._judging = Judging(ledger, policies)

    def take(self, *events: Event) -> None:
        """Take records in, and judge."""
        self._intake.take(records_of(*events), now=None)
        self._judging.run_dry(10)

    def clock(self, at: int, *streams: str) -> None:
        """Let the clocks of these streams stand at an instant, and judge."""
        self._intake.pass_time(streams, T0 + at + 1)
        self._judging.run_dry(10)

    def said(self) -> list[str]:
        """Give the verdicts."""
        return [verdict.verdict for _, verdict in self.ledger.verdicts()]

    def told(self, office: str) -> list[tuple[str, str]]:
        """Give what an office was told of obligations: whose, and what."""
        found = []
        for _, topic, value in self.ledger.outgoing(0, 99):
            schema, fields = decode(value)
            if topic == receipts(office) and schema.name != "Receipt":
                found.append((fields["office_id"], fields["verdict" if schema.name == "Verdict" else "kind"]))
        return found


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Start headquarters."""
    with closing(SqliteLedger(tmp_path / "ledger.db")) as ledger:
        yield Scene(ledger)


def test_the_office_in_charge_may_be_behind(scene: Scene) -> None:
    """Its report may be there already: nothing is missed until its clock says that it is not."""
    scene.take(E, move(4))
    scene.clock(99, *A)
    scene.clock(7, *B)
    assert scene.said() == []
    assert scene.ledger.obligation_counts() == {("a", "report", "OPEN"): 1}
    assert scene.ledger.next_due()[ALL_OFFICES] == T0 + 10
    scene.take(S)
    scene.clock(11, *B)
    assert scene.said() == ["ON_TIME"]


def test_once_it_is_past_due_as_well_a_miss_is_one(scene: Scene) -> None:
    """Both clocks count."""
    scene.take(E, move(4))
    scene.clock(99, *A)
    scene.clock(11, *B)
    assert scene.said() == ["MISSED"]


def test_what_was_missed_before_the_move_was_known_stays(scene: Scene) -> None:
    """The own clock counts up to the move, and it may be ahead of the one over all."""
    scene.take(E)
    scene.clock(12, *A)
    assert scene.said() == ["MISSED"]
    scene.take(E, move(13))
    scene.clock(99, *A)
    assert scene.said() == ["MISSED"]
    scene.clock(99, *B)
    assert scene.said() == ["MISSED"]


def test_the_office_in_charge_is_told(scene: Scene) -> None:
    """What is open, and how it was judged; the one before goes on being told."""
    scene.take(E, move(4))
    scene.clock(4, *A, *B)
    assert scene.told("b") == [("a", "OPENED")]
    scene.clock(11, *A, *B)
    assert scene.told("b") == [("a", "OPENED"), ("a", "MISSED")]
    assert scene.told("a")[-1] == ("a", "MISSED")


def test_an_office_that_is_not_registered_is_told_nothing(scene: Scene) -> None:
    """It has no topic; only the office before can satisfy."""
    scene.take(E, move(4, "nobody"))
    scene.clock(11, *A, *B)
    assert (scene.said(), scene.told("nobody")) == (["MISSED"], [])
