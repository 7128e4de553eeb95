"""Damage inside a WAL is told from a WAL that ends: a number that was given is not given again."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from muster_field.outbox import Outbox
from muster_field.outbox_file import OutboxCorrupt
from tests.field.offices import office_at
from tests.schemas.builders import event_of

COMMITS = 30


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """Give what a kill leaves of an outbox: the file and its WAL."""
    folder = tmp_path / "killed"
    folder.mkdir()
    with office_at(tmp_path) as office:
        for _ in range(COMMITS):
            office.accept(event_of("EncounterReported"))
        for name in ("outbox.db", "outbox.db-wal"):
            shutil.copy(tmp_path / name, folder / name)
    return folder / "outbox.db"


def wal_of(outbox: Path) -> Path:
    """Name the WAL of an outbox."""
    return outbox.with_name(outbox.name + "-wal")


def last_number(outbox: Path) -> int:
    """Open an outbox, and give the last number that it knows."""
    opened = Outbox.open(outbox)
    last = opened.state().encounters.last_sequence
    opened.close()
    return last


def test_a_whole_wal_is_read(killed: Path) -> None:
    """A kill damages nothing."""
    assert last_number(killed) == COMMITS


@pytest.mark.parametrize("seed", range(12))
def test_damage_in_front_of_commits_is_refused_again_and_again(killed: Path, seed: int) -> None:
    """Wherever it is; and the WAL stays as it was, for whoever may save something."""
    draw = random.Random(seed)  # noqa: S311 - where, not a secret
    content = bytearray(wal_of(killed).read_bytes())
    place = draw.randrange(0, len(content) * 9 // 10)
    content[place : place + 64] = draw.randbytes(64)
    wal_of(killed).write_bytes(content)
    for _ in range(2):
        with pytest.raises(OutboxCorrupt, match="stands behind damage"):
            Outbox.open(killed)
    assert wal_of(killed).read_bytes() == content


@pytest.mark.parametrize("cut", [1, 2000, 4121, 20_000])
def test_a_wal_that_ends_early_is_no_damage(killed: Path, cut: int) -> None:
    """That is what power loss leaves of a transaction that was never acknowledged."""
    wal_of(killed).write_bytes(wal_of(killed).read_bytes()[:-cut])
    assert 0 < last_number(killed) < COMMITS


def test_looking_drops_no_lock_of_those_who_have_it_open(tmp_path: Path) -> None:
    """Another program that opens and closes the outbox would take itself for the last one, and remove the WAL."""
    with office_at(tmp_path) as office:
        office.accept(event_of("EncounterReported"))
        Outbox.open(tmp_path / "outbox.db").close()
        status = ["-m", "muster_field", "status", "--outbox", str(tmp_path / "outbox.db")]
        subprocess.run([sys.executable, *status], check=True, timeout=60)
        assert wal_of(tmp_path / "outbox.db").exists()
        assert office.accept(event_of("EncounterReported")).sequence == 2
    assert last_number(tmp_path / "outbox.db") == 2


def test_an_outbox_without_a_wal_hides_nothing(tmp_path: Path) -> None:
    """The last one to close it has tidied up."""
    with office_at(tmp_path) as office:
        office.accept(event_of("EncounterReported"))
    assert not wal_of(tmp_path / "outbox.db").exists()
    assert last_number(tmp_path / "outbox.db") == 1
