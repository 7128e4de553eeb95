"""A judge that raises: that case is set aside, shown, and tried again; all others go on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from muster_contract.errors import MusterError
from muster_contract.topics import streams_of
from muster_hq.__main__ import app
from muster_hq.intake import Intake
from muster_hq.judge import judge as rightly
from muster_hq.judging import AGAIN_AFTER, MOST_ASIDE, MOST_TRIES, Judging
from muster_hq.ledger.sqlite import SqliteLedger
from tests.builders import policies_of, records_of
from tests.cases.builders import T0, Event, encounter
from tests.cases.policies import REPORT


class Headquarters:
    """Intake and judging of the offices a and b; ``odd`` cases make the judge raise."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.odd: set[str] = set()
        self.path = path
        self.judged: list[str] = []
        self._log: list[Event] = []

        def judge(policies: Any, facts: Any, *rest: Any) -> Any:  # noqa: ANN401 - as it is called
            self.judged += [fact.encounter_id for fact in facts]
            if any(fact.encounter_id in self.odd for fact in facts):
                raise RuntimeError("zubaydah-1971")
            return rightly(policies, facts, *rest)

        monkeypatch.setattr("muster_hq.judging.judge", judge)
        self.start()

    def start(self) -> None:
        """Open the ledger as a worker does."""
        self.ledger = SqliteLedger(self.path)
        self.intake = Intake(self.ledger, policies_of(REPORT), ["a", "b"])
        self.judging = Judging(self.ledger, policies_of(REPORT))
        self.ledger.try_again()

    def take(self, *events: Event) -> None:
        """Take records in."""
        self._log += events
        self.intake.take(records_of(*self._log)[-len(events) :], now=None)

    def clock(self, at: int) -> None:
        """Let the clocks stand so many milliseconds after T0, and judge."""
        self.intake.pass_time(streams_of(["a", "b"]), T0 + at + 1)
        self.judging.run_dry(10)

    def said(self) -> list[tuple[str, str]]:
        """Give encounter and verdict of all verdicts."""
        return [(v.encounter_id, v.verdict) for _, v in self.ledger.verdicts()]


Start = Callable[[], Headquarters]


@pytest.fixture
def hq(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Headquarters]:
    """Begin with two cases, of which the judge cannot take ``odd``."""
    headquarters = Headquarters(tmp_path / "ledger.db", monkeypatch)
    headquarters.odd = {"odd"}
    headquarters.take(encounter("E1", 0, enc="odd", case="c1"), encounter("E2", 0, enc="even", case="c2"))
    yield headquarters
    headquarters.ledger.close()


def test_the_others_are_judged_and_the_odd_one_is_shown(hq: Headquarters) -> None:
    """With a code that says why, and never the text of the exception."""
    hq.clock(11)
    assert hq.said() == [("even", "MISSED")]
    assert [(c.case_id, c.reason, c.at - T0, c.tries) for c in hq.ledger.cases_aside()] == [
        ("c1", "RuntimeError", 11, 1)
    ]


def test_it_is_tried_a_few_times_and_then_left(hq: Headquarters) -> None:
    """Bounded: not in a loop, and not for good."""
    for minute in range(10):
        hq.clock(11 + minute * (AGAIN_AFTER + 1))
    assert hq.judged.count("odd") == MOST_TRIES
    assert hq.ledger.next_due() == {}


def test_a_new_fact_has_it_tried_again(hq: Headquarters) -> None:
    """What was odd may be so no longer; it is as if nothing had been."""
    hq.clock(11)
    hq.odd = set()
    hq.take(encounter("E3", 20, enc="third", case="c1"))
    hq.clock(40)
    assert sorted(hq.said()) == [("even", "MISSED"), ("odd", "MISSED"), ("third", "MISSED")]
    assert hq.ledger.cases_aside() == []


def test_a_worker_that_starts_tries_again(hq: Headquarters) -> None:
    """It may be the version that can; its tries are counted anew."""
    for minute in range(4):
        hq.clock(11 + minute * (AGAIN_AFTER + 1))
    hq.ledger.close()
    hq.start()
    hq.clock(11 + 4 * (AGAIN_AFTER + 1))
    assert [case.tries for case in hq.ledger.cases_aside()] == [1]
    hq.odd = set()
    hq.ledger.close()
    hq.start()
    hq.clock(11 + 4 * (AGAIN_AFTER + 1))
    assert sorted(hq.said()) == [("even", "MISSED"), ("odd", "MISSED")]
    assert hq.ledger.cases_aside() == []


def test_a_program_that_can_judge_nothing_stops(hq: Headquarters) -> None:
    """So many odd cases there are not: nothing is committed, and the operator hears of it."""
    many = [encounter(f"N{n}", 0, enc=f"many-{n}", case=f"n{n}") for n in range(MOST_ASIDE + 1)]
    hq.odd = {f"many-{n}" for n in range(MOST_ASIDE + 1)}
    hq.take(*many)
    hq.intake.pass_time(streams_of(["a", "b"]), T0 + 12)
    with pytest.raises(MusterError, match="cannot be judged"):
        hq.judging.run_dry(1_000)
    assert hq.said() == []
    assert hq.ledger.cases_aside() == []


def test_the_command_lists_them_and_ends_with_a_finding(hq: Headquarters) -> None:
    """Who may see a case id asks for it here; 0 when there is nothing to list."""
    url = f"sqlite:///{hq.path}"
    assert CliRunner().invoke(app, ["set-aside", "--ledger", url]).exit_code == 0
    hq.clock(11)
    told = CliRunner().invoke(app, ["set-aside", "--ledger", url])
    assert told.exit_code == 1
    assert {name: json.loads(told.stdout)[name] for name in ("case_id", "reason", "tries")} == {
        "case_id": "c1",
        "reason": "RuntimeError",
        "tries": 1,
    }
