"""The outbox: numbers without gaps, states that add up, and files that are refused or renewed."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import apsw
import pytest

from muster_contract.errors import ConfigurationError, MusterError, Refused
from muster_contract.register import Office
from muster_field.locks import FileLock, Held
from muster_field.office import FieldOffice
from muster_field.outbox import Outbox, Progress, Run
from muster_field.outbox_file import Identity, OutboxCorrupt, OutboxFailed, require_sqlite
from muster_field.outbox_store import write_lock
from muster_field.reserve import AMPLE_BYTES, AMPLE_SECONDS, FLOOR_BYTES, RESERVE_BYTES, OutboxFull, Reserve
from muster_field.rows import Row, sealed
from muster_field.state import Reason, SetAside
from muster_field.wiring import new_id
from tests.field.disks import Disk
from tests.field.offices import DAL, ENCOUNTERS, INCIDENTS, NOW, Clock, office_at
from tests.schemas.builders import PLANTED, event_of

DAL_OUTBOX = Identity("dal", UUID(int=1), NOW)
ENCOUNTER, INCIDENT = event_of("EncounterReported"), event_of("IncidentReported")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[FieldOffice]:
    """Open an empty outbox."""
    with office_at(tmp_path) as office:
        yield office


@pytest.fixture
def outbox(tmp_path: Path, office: FieldOffice) -> Iterator[Outbox]:  # noqa: ARG001 - it makes the file
    """Open the same outbox as a relay does."""
    outbox = Outbox.open(tmp_path / "outbox.db")
    yield outbox
    outbox.close()


def store(outbox: Outbox, *rows: Row) -> None:
    """Store rows of the encounters stream in one transaction."""
    with outbox.recording() as batch:
        for row in rows:
            batch.add("encounters", row)


def test_a_stream_is_numbered_from_one(office: FieldOffice) -> None:
    """Each stream has its own numbers, under one epoch."""
    accepted = office.accept_many([ENCOUNTER, INCIDENT, ENCOUNTER])
    assert [(one.stream, one.sequence) for one in accepted] == [(ENCOUNTERS, 1), (INCIDENTS, 1), (ENCOUNTERS, 2)]
    assert {one.epoch for one in accepted} == {office.state().epoch}


def test_numbers_go_on_after_a_restart(tmp_path: Path, office: FieldOffice) -> None:
    """The next process goes on where the last one stopped, under the same epoch."""
    first = office.accept(ENCOUNTER)
    office.close()
    with office_at(tmp_path) as again:
        second = again.accept(ENCOUNTER)
    assert (second.sequence, second.epoch) == (2, first.epoch)


def test_two_processes_share_the_numbers(tmp_path: Path, office: FieldOffice) -> None:
    """Each takes the next one, whoever took the last."""
    with office_at(tmp_path) as other:
        sequences = [side.accept(ENCOUNTER).sequence for side in (office, other, office, other)]
    assert sequences == [1, 2, 3, 4]


def test_threads_share_an_office(office: FieldOffice) -> None:
    """Eight at once take every number once."""
    with ThreadPoolExecutor(8) as pool:
        accepted = pool.map(office.accept, [ENCOUNTER] * 200)
    assert sorted(one.sequence for one in accepted) == list(range(1, 201))


def test_event_ids_carry_the_time_of_their_acceptance(tmp_path: Path) -> None:
    """A UUIDv7 of the office's clock, made once."""
    with office_at(tmp_path, Clock(NOW)) as office:
        event_id = office.accept(ENCOUNTER).event_id
    assert (event_id.int >> 80, event_id.version) == (NOW, 7)


def test_a_refused_batch_stores_nothing_and_takes_no_number(office: FieldOffice) -> None:
    """One bad event refuses the whole batch, and leaves no gap."""
    with pytest.raises(Refused):
        office.accept_many([ENCOUNTER, event_of("StepDocumented", step="x"), ENCOUNTER])
    assert office.state().pending == 0
    assert office.accept(ENCOUNTER).sequence == 1


def test_a_rollback_leaves_no_gap(office: FieldOffice, outbox: Outbox) -> None:
    """A number is taken in the transaction that stores its row, or not at all."""
    office.accept(ENCOUNTER)
    (row,) = outbox.page("encounters", 0, 10)
    with pytest.raises(apsw.ConstraintError):
        store(outbox, row._replace(sequence=2), row)
    assert office.accept(ENCOUNTER).sequence == 2


def test_an_empty_batch_is_nothing(office: FieldOffice) -> None:
    """No events, no transaction."""
    assert office.accept_many([]) == []


def test_the_state_adds_up(office: FieldOffice, outbox: Outbox) -> None:
    """Every number is sent, pending or set aside."""
    office.accept_many([ENCOUNTER] * 5 + [INCIDENT])
    aside = SetAside(sequence=2, reason=Reason.REFUSED, detail="INVALID_RECORD", at=NOW)
    outbox.mark([Progress("encounters", 3, [Run(1, 1, 10), Run(3, 3, 11)], [aside])], NOW + 5)
    encounters, incidents = office.state().streams
    assert (encounters.sent, encounters.pending, encounters.set_aside) == (2, 2, (aside,))
    assert (encounters.lowest_pending, encounters.oldest_pending_at, encounters.last_acknowledged_at) == (
        4,
        NOW,
        NOW + 5,
    )
    assert (incidents.sent, incidents.pending, incidents.last_acknowledged_at) == (0, 1, None)


def test_a_new_outbox_is_a_new_epoch(tmp_path: Path) -> None:
    """Two files never share an epoch."""
    epochs = []
    for name in ("a.db", "b.db"):
        with FieldOffice.open(tmp_path / name, "dal", [DAL], clock=Clock(), new_id=new_id) as office:
            epochs.append(office.state().epoch)
    assert epochs[0] != epochs[1]


def test_an_outbox_belongs_to_one_office(tmp_path: Path, office: FieldOffice) -> None:
    """Another office's name on it is a mistake."""
    del office
    with pytest.raises(ConfigurationError, match="is the outbox of office dal, not of elp"):
        FieldOffice.open(tmp_path / "outbox.db", "elp", [Office(id="elp")], clock=Clock(), new_id=new_id)


def test_an_unknown_office_makes_no_outbox(tmp_path: Path) -> None:
    """Nothing is stored for an office that the register does not name."""
    with pytest.raises(Refused, match="xyz is not in the office register"):
        FieldOffice.open(tmp_path / "outbox.db", "xyz", [DAL], clock=Clock(), new_id=new_id)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_outbox_is_left_alone(tmp_path: Path) -> None:
    """A database of somebody else's is refused by name."""
    path = tmp_path / "outbox.db"
    apsw.Connection(str(path)).execute("create table theirs (x)")
    with pytest.raises(ConfigurationError, match="is not an outbox"):
        office_at(tmp_path)


def test_an_outbox_of_a_later_version_is_refused(tmp_path: Path, office: FieldOffice) -> None:
    """An older program does not guess."""
    office.close()
    apsw.Connection(str(tmp_path / "outbox.db")).execute("pragma user_version = 2")
    with pytest.raises(ConfigurationError, match="version 2, and this program knows version 1"):
        office_at(tmp_path)


def test_a_relay_makes_no_outbox(tmp_path: Path) -> None:
    """A mistyped path is a mistake, not a new epoch."""
    with pytest.raises(ConfigurationError, match="there is no outbox here"):
        Outbox.open(tmp_path / "outbox.db")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_sqlites_says_what_to_do(tmp_path: Path) -> None:
    """It is moved aside by a command, and a new epoch begins."""
    (tmp_path / "outbox.db").write_bytes(b"not a database, but a long text about nothing at all" * 100)
    with pytest.raises(OutboxCorrupt, match="renew-outbox"):
        office_at(tmp_path)


@pytest.mark.parametrize(
    ("version", "fits"), [("3.40.1", False), ("3.51.2", False), ("3.51.3", True), ("3.60.0", True)]
)
def test_an_old_sqlite_is_refused(version: str, fits: bool) -> None:  # noqa: FBT001 - a case
    """3.51.3 is the first without the WAL-reset corruption."""
    if fits:
        require_sqlite(version)
    else:
        with pytest.raises(ConfigurationError, match=r"before 3\.51\.3"):
            require_sqlite(version)


def test_only_its_owner_may_read_an_outbox(tmp_path: Path, office: FieldOffice) -> None:
    """The very existence of an encounter is sensitive."""
    office.accept(ENCOUNTER)
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_a_second_writer_waits_and_is_refused(tmp_path: Path, office: FieldOffice) -> None:
    """While one process writes, another does not; it is told so, and nothing of its event is stored."""
    office.accept(ENCOUNTER)
    lock = write_lock(tmp_path / "outbox.db")
    impatient = FileLock(tmp_path / "outbox.db-lock", "another process writes", "end it", patience=0.05)
    with lock, pytest.raises(Held, match="another process writes"), impatient:
        pytest.fail("two hold the lock")
    with impatient:
        pass


def test_a_full_disk_is_met_early(tmp_path: Path) -> None:
    """Below the floor nothing is accepted; at the floor it is."""
    free = FLOOR_BYTES + RESERVE_BYTES
    with office_at(tmp_path, reserve=Reserve(tmp_path / "outbox.db", lambda: free)) as office:
        free = FLOOR_BYTES - 1
        with pytest.raises(OutboxFull, match="accepts nothing below"):
            office.accept(ENCOUNTER)
        free = FLOOR_BYTES
        assert office.accept(ENCOUNTER).sequence == 1


def test_ample_room_is_asked_about_now_and_then(tmp_path: Path) -> None:
    """Not for every event; but soon after a disk has filled up, the floor holds."""
    asked: list[int] = []

    def free_bytes() -> int:
        asked.append(1)
        return AMPLE_BYTES + 1 if len(asked) < 3 else FLOOR_BYTES - 1

    with office_at(tmp_path, reserve=Reserve(tmp_path / "outbox.db", free_bytes)) as office:
        office.accept(ENCOUNTER)
        office.accept(ENCOUNTER)
        assert len(asked) == 2  # one to hold the reserve
        time.sleep(AMPLE_SECONDS)
        with pytest.raises(OutboxFull, match="accepts nothing below"):
            office.accept(ENCOUNTER)


def test_a_disk_that_fills_up_refuses_and_leaves_no_gap(office: FieldOffice) -> None:
    """SQLite itself runs out of room: nothing is stored, and numbers go on once there is room."""
    store = office._outbox.store  # noqa: SLF001 - the quota is set where SQLite has it
    with store.reading() as db:
        db.pragma("max_page_count", db.pragma("page_count") + 2)
    with pytest.raises(OutboxFull, match="nothing was stored"):
        [office.accept(ENCOUNTER) for _ in range(1000)]
    stored = office.state().pending
    assert 0 < stored < 1000
    with store.reading() as db:
        db.pragma("max_page_count", 10_000)
    assert office.accept(ENCOUNTER).sequence == stored + 1


def test_the_reserve_is_held_and_released(tmp_path: Path, office: FieldOffice) -> None:
    """It is real bytes, and gone when asked for."""
    del office
    file = tmp_path / "outbox.db-reserve"
    assert file.stat().st_blocks * 512 >= RESERVE_BYTES
    assert Reserve(tmp_path / "outbox.db").release() == RESERVE_BYTES
    assert not file.exists()
    assert Reserve(tmp_path / "outbox.db").release() == 0


def test_no_reserve_is_taken_from_a_disk_that_has_no_room(tmp_path: Path) -> None:
    """The floor comes first."""
    with office_at(tmp_path, reserve=Reserve(tmp_path / "outbox.db", lambda: FLOOR_BYTES + RESERVE_BYTES - 1)):
        assert not (tmp_path / "outbox.db-reserve").exists()


def test_the_file_holds_the_bytes_as_they_are_sent_and_headers_follow(office: FieldOffice, outbox: Outbox) -> None:
    """A row is intact, and knows its type."""
    accepted = office.accept(INCIDENT)
    (row,) = outbox.page("incidents", 0, 10)
    assert (row.intact, row.type, UUID(bytes=row.event_id)) == (True, "IncidentReported", accepted.event_id)


def test_no_error_of_the_outbox_shows_a_row(tmp_path: Path, office: FieldOffice) -> None:
    """Whatever fails, the message has no case in it."""
    event = event_of("EncounterReported", case_id=PLANTED)
    office.accept(event)
    office.close()
    data = (tmp_path / "outbox.db").read_bytes()
    (tmp_path / "outbox.db").write_bytes(data[:100] + b"\xff" * 4000 + data[4100:])
    with pytest.raises(MusterError) as broken, office_at(tmp_path) as again:
        again.accept(event)
    assert PLANTED not in str(broken.value)


def test_after_a_failed_sync_nothing_more_is_written(tmp_path: Path) -> None:
    """What reached the disk is unknown then: the program must start again and read what did."""
    disk = Disk()
    outbox = Outbox.open(tmp_path / "outbox.db", if_new=DAL_OUTBOX, vfs=disk.name)
    disk.broken = True
    assert fails_to_store(outbox) == "failed to read or write"
    disk.broken = False
    assert fails_to_store(outbox) == "failed before"


def test_opening_an_outbox_twice_in_a_program_keeps_its_locks(tmp_path: Path) -> None:
    """To open and close the file beside SQLite would drop them, and another program could take itself for the last."""
    first = Outbox.open(tmp_path / "outbox.db", if_new=DAL_OUTBOX)
    held = locks_on(tmp_path / "outbox.db")
    Outbox.open(tmp_path / "outbox.db").close()
    assert locks_on(tmp_path / "outbox.db") == held != []
    first.close()


def locks_on(path: Path) -> list[str]:
    """Give the kernel's locks on a file, without their numbers."""
    inode = f":{path.stat().st_ino} "
    return [line.partition(" ")[2] for line in Path("/proc/locks").read_text("ascii").splitlines() if inode in line]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a dead disk cannot be tidied up
@pytest.mark.parametrize("dies_after", range(1, 26, 4))
def test_a_disk_that_dies_while_an_outbox_is_made_says_so(tmp_path: Path, dies_after: int) -> None:
    """With an error of ours; the next start makes it whole."""
    disk = Disk(dies_after)
    with pytest.raises(OutboxFailed, match="failed to read or write"):
        Outbox.open(tmp_path / "outbox.db", if_new=DAL_OUTBOX, vfs=disk.name)
    Outbox.open(tmp_path / "outbox.db", if_new=DAL_OUTBOX).close()


def fails_to_store(outbox: Outbox) -> str:
    """Store a row, which must fail; give the cause."""
    with pytest.raises(OutboxFailed) as failed:
        store(outbox, sealed(1, bytes(16), NOW, b"value"))
    return failed.value.faults[0].cause.partition(" (")[0]


@pytest.mark.parametrize(("synchronous", "survives"), [("full", True), ("normal", False), ("off", False)])
def test_what_was_accepted_survives_a_power_loss(tmp_path: Path, synchronous: str, survives: bool) -> None:  # noqa: FBT001 - a case
    """FULL loses nothing; the weaker settings lose it, so this test would notice."""
    disk = Disk()
    outbox = Outbox.open(tmp_path / "outbox.db", if_new=DAL_OUTBOX, vfs=disk.name)
    outbox.store._db.pragma("synchronous", synchronous)  # noqa: SLF001 - no option has it, on purpose
    for sequence in range(1, 21):
        store(outbox, sealed(sequence, bytes(16), NOW, b"value"))
    after = tmp_path / "after"
    after.mkdir()
    disk.power_loss(after)
    found = Outbox.open(after / "outbox.db").page("encounters", 0, 100)
    assert ([row.sequence for row in found] == list(range(1, 21))) is survives
