"""Power loss: what was not synced is forgotten, or torn; what was accepted is there all the same.

The same losses at weaker settings of SQLite do lose events: so the disk of these tests is able to.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest

from muster_contract.errors import MusterError
from muster_field.enqueue import Rules
from muster_field.office import FieldOffice
from muster_field.outbox import Outbox
from muster_field.outbox_care import verify
from muster_field.outbox_file import Identity, OutboxCorrupt
from muster_field.outbox_store import Store
from muster_field.wire import KINDS
from muster_field.wiring import new_id
from tests.field.disks import Disk
from tests.field.offices import NOW, Clock
from tests.schemas.builders import event_of

# Connections that are dropped cannot tidy up on a disk that is gone, and say so to nobody.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

Seen = Callable[[str], None]
LOSSES = 12
MANY = 100
OPERATIONS = 5_000
"""Writes and syncs within which the power fails: some hundred commits, and a checkpoint or two."""
CREATION = 60
"""Those that make an outbox, more or less."""
EVENTS = [event_of("EncounterReported"), event_of("IncidentReported")]


class Loss(NamedTuple):
    """What an office was promised before a power loss, and how many of those events were gone after it."""

    accepted: int
    lost: int


@pytest.mark.fault(
    "field",
    injected="power loss at a random write or sync, many times: what was not synced is gone, or torn by sectors",
    promised="each event that `accept` returned for is there, whole; numbers go on without a gap",
)
@pytest.mark.parametrize("torn", [False, True], ids=["gone", "torn"])
@pytest.mark.parametrize("losses", [LOSSES, pytest.param(MANY, marks=pytest.mark.long)])
def test_accepted_events_survive_a_power_loss(tmp_path: Path, seen: Seen, losses: int, *, torn: bool) -> None:
    """Wherever it strikes: while the outbox is made, inside a commit, inside a checkpoint."""
    found = [lose_power(tmp_path / str(seed), seed, "full", torn=torn) for seed in range(losses)]
    assert sum(loss.lost for loss in found) == 0
    seen(f"{sum(loss.accepted for loss in found)} events accepted before {losses} losses, none lost")


@pytest.mark.fault(
    "field",
    injected="the same at `synchronous=NORMAL` and `OFF`, which the outbox never uses",
    promised="nothing: the test shows that this disk does lose what was not synced",
)
@pytest.mark.parametrize("synchronous", ["normal", "off"])
def test_weaker_settings_lose_what_was_accepted(tmp_path: Path, seen: Seen, synchronous: str) -> None:
    """Were this to pass without a loss, the test above would prove nothing."""
    losses = [lose_power(tmp_path / str(seed), seed, synchronous, torn=False) for seed in range(LOSSES)]
    lost = sum(loss.lost for loss in losses)
    assert lost > 0
    seen(f"`{synchronous.upper()}`: {lost} of {sum(loss.accepted for loss in losses)} accepted events lost")


def lose_power(folder: Path, seed: int, synchronous: str, *, torn: bool) -> Loss:
    """Record until the power fails, and look at what is left."""
    draw = random.Random(seed)  # noqa: S311 - when it strikes, not a secret
    before, after = folder / "before", folder / "after"
    before.mkdir(parents=True)
    after.mkdir()
    disk = Disk(dies_after=draw.randrange(1, draw.choice([CREATION, OPERATIONS])))
    accepted = record_until_dark(before, disk, synchronous, draw)
    disk.power_loss(after, (lambda: draw.random() < 0.5) if torn else lambda: False)
    try:
        left = left_in(after)
    except OutboxCorrupt:
        assert synchronous == "off", "the file is corrupt"
        left = set()
    return Loss(len(accepted), len(accepted - left))


def record_until_dark(folder: Path, disk: Disk, synchronous: str, draw: random.Random) -> set[UUID]:
    """Record single events and batches, until the disk takes no more; give the ids that were promised."""
    accepted: set[UUID] = set()
    with suppress(MusterError):
        outbox = Outbox.open(folder / "outbox.db", if_new=Identity("dal", UUID(int=1), NOW), vfs=disk.name)
        weaken(outbox.store, synchronous)
        office = FieldOffice(outbox, Rules("dal", frozenset({"dal"})), Clock(), new_id)
        while True:
            count = draw.choice([1, 1, 1, 20])
            accepted.update(one.event_id for one in office.accept_many(draw.choices(EVENTS, k=count)))
    return accepted


def weaken(store: Store, synchronous: str) -> None:
    """Set what the outbox never sets."""
    store._db.execute(f"pragma synchronous = {synchronous}")  # noqa: SLF001 - sabotage, for which there is no API


def left_in(folder: Path) -> set[UUID]:
    """Open what is left, insist that it is whole and numbered without a gap, and give its events' ids."""
    outbox = Outbox.open(folder / "outbox.db", if_new=Identity("dal", UUID(int=2), NOW))
    try:
        assert verify(outbox) == []
        rows = {kind: outbox.page(kind, 0, 1_000_000) for kind in KINDS}
        for kind in KINDS:
            assert [row.sequence for row in rows[kind]] == list(range(1, len(rows[kind]) + 1))
            with outbox.recording() as batch:
                assert batch.next_sequence(kind) == len(rows[kind]) + 1
        return {UUID(bytes=row.event_id) for kind in KINDS for row in rows[kind]}
    finally:
        outbox.close()
