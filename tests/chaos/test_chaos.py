"""Faults of chance against a running system with live offices: a short run of each kind, in every build."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.run import OFFICES, Chaos
from tests.chaos.schedule import draw
from tests.kafka_broker import KafkaBroker
from tests.postgres import Postgres

PARTS = ("broker", "worker-1", "pulse-1", "pulse-2", *(f"relay-{office}" for office in OFFICES))


def test_a_seed_repeats_its_schedule() -> None:
    """And another seed is another schedule; whatever begins has ended by the end."""
    assert draw(7, 60, PARTS) == draw(7, 60, PARTS)
    assert draw(7, 60, PARTS) != draw(8, 60, PARTS)
    begun = dict.fromkeys(PARTS, 0)
    for step in draw(7, 600, PARTS):
        begun[step.part] += 1 if step.action in {"kill", "stop", "freeze"} else -1
        assert 0 <= begun[step.part] <= 1
        assert step.at <= 600
    assert set(begun.values()) == {0}


@pytest.mark.kafka
def test_faults_of_chance_lose_nothing_and_say_nothing_twice(own_broker: KafkaBroker, tmp_path: Path) -> None:
    """One broker, one worker on SQLite: what make chaos runs for longer, with seeds of its own."""
    outcome = Chaos(tmp_path, 2018, own_broker.bootstrap, {"broker": own_broker}).run(10)
    assert outcome.accepted > 100
    assert outcome.verdicts["ON_TIME"] > 10
    assert outcome.verdicts["MISSED"] > 10
    assert outcome.faults > 5


@pytest.mark.long
@pytest.mark.kafka
def test_two_workers_on_postgresql_do_no_more_than_one(
    own_broker: KafkaBroker, own_postgres: Postgres, tmp_path: Path
) -> None:
    """Zombies, rebalances in mid-batch and a server that dies: positions move once, and what is said is said once."""
    outcome = Chaos(tmp_path, 36, own_broker.bootstrap, {"broker": own_broker}, own_postgres).run(10)
    assert outcome.accepted > 100
    assert outcome.verdicts["ON_TIME"] > 10
    assert outcome.verdicts["MISSED"] > 10
    assert outcome.faults > 5
