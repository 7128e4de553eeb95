"""What an operator may do to an outbox: send again, find, prune, verify, and survive damage to its file."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from muster_contract.codec import decode
from muster_contract.errors import MusterError
from muster_field.fakes import FakeBroker
from muster_field.office import FieldOffice
from muster_field.outbox import Outbox, Progress, Run
from muster_field.outbox_care import ask_again, find, offset_of, prune, verify
from muster_field.outbox_file import OutboxCorrupt, move_aside
from muster_field.state import Reason, SetAside
from tests.field.offices import ENCOUNTERS, NOW, Clock, office_at
from tests.field.relaying import drain
from tests.schemas.builders import event_of

ENCOUNTER = event_of("EncounterReported")


@pytest.fixture
def clock() -> Clock:
    """Give a clock."""
    return Clock()


@pytest.fixture
def office(tmp_path: Path, clock: Clock) -> Iterator[FieldOffice]:
    """Open an empty outbox."""
    with office_at(tmp_path, clock) as office:
        yield office


@pytest.fixture
def outbox(tmp_path: Path, office: FieldOffice) -> Iterator[Outbox]:
    """Open the same outbox as an operator does, with five events of which three are sent."""
    office.accept_many([ENCOUNTER] * 5)
    outbox = Outbox.open(tmp_path / "outbox.db")
    outbox.mark([Progress("encounters", 3, [Run(1, 2, 7), Run(3, 3, 10)])], NOW)
    yield outbox
    outbox.close()


def test_only_what_was_decided_can_be_asked_for_again(outbox: Outbox) -> None:
    """4 and 5 are pending, and go anyway; 6 does not exist."""
    assert ask_again(outbox, "encounters", 2, 6) == 2
    assert [row.sequence for row in outbox.asked_again("encounters")] == [2, 3]


def test_asking_twice_is_asking_once(outbox: Outbox) -> None:
    """It will be sent once more, not twice."""
    assert [ask_again(outbox, "encounters", 2, 2) for _ in range(2)] == [1, 1]
    assert outbox.state().encounters.pending == 3


def test_an_event_is_found_by_its_id(office: FieldOffice, outbox: Outbox) -> None:
    """In either stream; one of another outbox is not."""
    accepted = office.accept(event_of("IncidentReported"))
    assert find(outbox, accepted.event_id.bytes) == ("incidents", 1)
    assert find(outbox, bytes(16)) is None


@pytest.mark.parametrize(("sequence", "offset"), [(1, 7), (2, 8), (3, 10), (4, None)])
def test_the_offset_of_an_acknowledged_number_is_known(outbox: Outbox, sequence: int, offset: int | None) -> None:
    """Whether it stands alone or in a run."""
    assert offset_of(outbox, "encounters", sequence) == offset


@pytest.mark.parametrize(("recorded_before", "pruned"), [(NOW, 0), (NOW + 1, 3)])
def test_prune_forgets_the_bytes_of_what_was_sent_before(outbox: Outbox, recorded_before: int, pruned: int) -> None:
    """Never of what is pending; numbers, ids and offsets stay."""
    assert prune(outbox, recorded_before) == pruned
    state = outbox.state().encounters
    assert (state.last_sequence, state.sent, state.pending) == (5, 3, 2)
    assert offset_of(outbox, "encounters", 2) == 8
    assert verify(outbox) == []


def test_what_was_pruned_cannot_be_sent_again(outbox: Outbox) -> None:
    """Its bytes are gone."""
    prune(outbox, NOW + 1)
    assert ask_again(outbox, "encounters", 1, 3) == 0


def test_prune_keeps_what_somebody_may_still_need(outbox: Outbox) -> None:
    """What was asked for again, and what was set aside."""
    aside = SetAside(sequence=4, reason=Reason.REFUSED, detail="INVALID_RECORD", at=NOW)
    outbox.mark([Progress("encounters", 5, [Run(5, 5, 11)], [aside])], NOW)
    ask_again(outbox, "encounters", 1, 1)
    assert prune(outbox, NOW + 1) == 3
    assert ask_again(outbox, "encounters", 4, 4) == 1
    assert [row.sequence for row in outbox.asked_again("encounters")] == [1, 4]


def test_prune_goes_on_where_it_stopped(office: FieldOffice, outbox: Outbox, clock: Clock) -> None:
    """Young events stay until they are old."""
    clock.now = NOW + 10
    office.accept(ENCOUNTER)
    outbox.mark([Progress("encounters", 6, [Run(4, 4, 11), Run(5, 5, 12), Run(6, 6, 13)])], NOW)
    assert [prune(outbox, NOW + after) for after in (1, 5, 11, 11)] == [5, 0, 1, 0]


def test_prune_takes_many_rows_some_at_a_time(office: FieldOffice, outbox: Outbox) -> None:
    """Recording can go on in between."""
    office.accept_many([ENCOUNTER] * 2500)
    outbox.mark([Progress("encounters", 2505, [Run(4, 2505, 24)])], NOW)
    assert prune(outbox, NOW + 1) == 2505
    assert verify(outbox) == []


def test_verify_names_what_is_damaged_or_gone(outbox: Outbox) -> None:
    """By stream and number, the tail included."""
    with outbox.store.writing() as db:
        db.execute("update encounters set value = zeroblob(99) where sequence = 2")
        db.execute("delete from encounters where sequence in (4, 5)")
    assert verify(outbox) == [("encounters", 2), ("encounters", 4), ("encounters", 5)]


def test_moving_an_outbox_aside_takes_its_companions(tmp_path: Path, office: FieldOffice, outbox: Outbox) -> None:
    """The WAL holds the newest events: it goes along; and nobody goes on writing to what was moved."""
    aside = move_aside(tmp_path / "outbox.db", ".old")
    assert {file.name for file in tmp_path.iterdir()} >= {"outbox.db.old", "outbox.db.old-wal"}
    with pytest.raises(MusterError, match="was moved away or replaced"):
        office.accept(ENCOUNTER)
    outbox.close()
    with office_at(tmp_path) as renewed:
        assert renewed.accept(ENCOUNTER).sequence == 1
        assert renewed.state().epoch != outbox.identity.epoch
    assert Outbox.open(aside).state().encounters.last_sequence == 5


@pytest.mark.parametrize("seed", range(25))
def test_overwritten_bytes_are_never_sent(tmp_path: Path, office: FieldOffice, seed: int) -> None:
    """Wherever in the file: an event arrives as it was stored, or is set aside, or the file says it is corrupt."""
    office.accept_many([event_of("IncidentReported", case_id=f"c-{n}") for n in range(60)])
    rows = {row.sequence: row.value for row in Outbox.open(tmp_path / "outbox.db").page("incidents", 0, 100)}
    office.close()
    overwrite(tmp_path / "outbox.db", random.Random(seed))  # noqa: S311 - no secret
    broker = FakeBroker()
    try:
        drain(tmp_path, broker, seconds=20)
    except (OutboxCorrupt, MusterError) as broken:
        assert "c-1" not in str(broken)
    for stream, log in broker.log.items():
        for parcel in log:
            assert stream != ENCOUNTERS
            assert parcel.value == rows[parcel.sequence or 0]
            assert decode(parcel.value).fields["sequence"] == parcel.sequence


def overwrite(path: Path, draw: random.Random) -> None:
    """Overwrite 64 bytes somewhere behind the first page, as a failing disk does."""
    data = bytearray(path.read_bytes())
    place = draw.randrange(4096, len(data) - 64)
    data[place : place + 64] = draw.randbytes(64)
    path.write_bytes(data)
