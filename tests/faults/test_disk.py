"""A disk that fails under the programs of an office: they end with a clear error, and what was accepted is there."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest

from muster_field.outbox import Outbox
from muster_field.outbox_care import verify
from muster_field.wire import KINDS
from muster_hq.kafka import Admin
from tests.faults.failing_calls import Failing, fail, under_control
from tests.faults.field import arrived, until
from tests.field.offices import office_at
from tests.field.promises import promised_in, rows_of, start_recorder, wait_for_growth
from tests.kafka_broker import KafkaBroker
from tests.schemas.builders import event_of
from tests.system.processes import PATIENCE

Seen = Callable[[str], None]
LINE = json.dumps({
    "type": "StepDocumented",
    "event": {"case_id": "c-1", "encounter_id": "e-1", "occurred_at": "2016-03-01T12:00:00Z", "step": "CASE_NOTE"},
}).encode() + b"\n"  # fmt: skip
SAYS = {
    Failing.SYNC: "failed to read or write",
    Failing.WRITE: "failed to read or write",
    Failing.DISK_FULL: "has no room left on its disk",
}


class Recording:
    """``field-office record`` as a process that is given events without end; what it printed was accepted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "offices.toml").write_text('[[office]]\nid = "dal"\n', "utf-8")
        self.outbox, self._printed, self._said = folder / "outbox.db", folder / "printed", folder / "said"
        options = ["--outbox", str(self.outbox), "--office", "dal", "--offices", str(folder / "offices.toml")]
        command = [*under_control(folder), sys.executable, "-m", "muster_field", "record", *options]
        with self._printed.open("ab") as printed, self._said.open("wb") as said:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *command], stdin=subprocess.PIPE, stdout=printed, stderr=said
            )
        self._feeding = threading.Thread(target=self._feed)
        self._feeding.start()

    def fail(self, what: Failing) -> str:
        """Have its system calls fail; wait until it has ended with code 2, and give what it said."""
        fail(self._folder, self.process.pid, what)
        assert self.process.wait(PATIENCE) == 2
        return self._said.read_text("utf-8")

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self._feeding.join(PATIENCE)

    def accepted(self) -> list[UUID]:
        """Give the ids of the events that it has printed; a last line may be torn."""
        lines = self._printed.read_text("utf-8").rpartition("\n")[0].splitlines()
        return [UUID(json.loads(line)["event_id"]) for line in lines]

    def _feed(self) -> None:
        with suppress(BrokenPipeError), self.process.stdin or BytesIO() as stdin:
            while True:
                stdin.write(LINE)


@contextmanager
def recording(folder: Path) -> Iterator[Recording]:
    """Record, and end it whatever happens."""
    program = Recording(folder)
    try:
        before = len(program.accepted())
        until(lambda: len(program.accepted()) > before + 20, "events are accepted")
        yield program
    finally:
        program.kill()


@pytest.mark.fault(
    "field",
    injected="the disk fails under a program that records: fsync and write give EIO, write gives ENOSPC (libfiu)",
    promised="it ends at once, exit code 2, and says why; what was accepted is there; the next start goes on",
)
@pytest.mark.parametrize("what", list(SAYS), ids=lambda what: what.name.lower())
def test_the_disk_fails_under_a_program_that_records(tmp_path: Path, seen: Seen, what: Failing) -> None:
    """An error of fsync is never tried again: what reached the disk is unknown."""
    with recording(tmp_path) as program:
        said = program.fail(what)
        assert SAYS[what] in said
        assert "Traceback" not in said
        accepted = program.accepted()
    with recording(tmp_path) as program:
        pass
    assert_whole_and_holds(program.outbox, program.accepted())
    seen(f"exit code 2, “{SAYS[what]}”; all {len(accepted)} accepted events there, and the numbers go on")


@pytest.mark.kafka
@pytest.mark.fault(
    "field",
    injected="the disk fails under a relay: fsync and write give EIO, write gives ENOSPC (libfiu)",
    promised="it ends at once, exit code 2, and says why; the next one sends what is not known to have arrived",
)
@pytest.mark.parametrize("what", list(SAYS), ids=lambda what: what.name.lower())
def test_the_disk_fails_under_a_relay(tmp_path: Path, broker: KafkaBroker, seen: Seen, what: Failing) -> None:
    """It cannot note what was acknowledged: so that is sent again, and headquarters knows it by its id."""
    Admin({}, broker.bootstrap).create_topics(("dal",))
    with office_at(tmp_path) as office, relaying(tmp_path, broker) as relay:
        office.accept_many([event_of("EncounterReported")] * 50)
        until(lambda: office.state().encounters.sent == 50, "the first are sent")
        fail(tmp_path, relay.pid, what)
        office.accept_many([event_of("EncounterReported")] * 50)
        assert relay.wait(PATIENCE) == 2
        said = (tmp_path / "said").read_text("utf-8")
        assert SAYS[what] in said
        assert "Traceback" not in said
        pending = office.state().pending
        with relaying(tmp_path, broker):
            until(lambda: office.state().pending == 0, "the next relay has emptied the outbox")
    numbers = [number for number, _ in arrived(broker)["field.dal.encounters"]]
    assert list(dict.fromkeys(numbers)) == list(range(1, 101))
    seen(f"exit code 2, “{SAYS[what]}”, {pending} pending; 100 events arrived in order, {len(numbers) - 100} twice")


@pytest.mark.fault(
    "field",
    injected="kill -9 of two programs that record into one outbox, six times, at random moments",
    promised="each event that `accept` returned for is there, once, whole; numbers have no gap",
)
def test_programs_that_record_are_killed(tmp_path: Path, seen: Seen) -> None:
    """Locks die with their holders, and a commit is there or is not."""
    outbox, promises = tmp_path / "outbox.db", [tmp_path / "promised-1", tmp_path / "promised-2"]
    for round_ in range(6):
        recorders = [start_recorder(outbox, promised) for promised in promises]
        for promised in promises:
            wait_for_growth(promised)
        time.sleep(0.05 * round_)
        for recorder in recorders:
            recorder.kill()
            recorder.wait(PATIENCE)
    accepted = [event_id for event_id, _, _ in promised_in(promises)]
    assert len(set(accepted)) == len(accepted)
    assert_whole_and_holds(outbox, accepted)
    seen(f"{len(accepted)} events accepted, all there; {len(rows_of(outbox))} rows without a gap")


@contextmanager
def relaying(folder: Path, broker: KafkaBroker) -> Iterator[subprocess.Popen[bytes]]:
    """Run a relay that can be made to fail, and end it whatever happens."""
    options = ["--outbox", str(folder / "outbox.db"), "--bootstrap", broker.bootstrap]
    command = [*under_control(folder), sys.executable, "-m", "muster_field", "relay", *options]
    with (folder / "said").open("wb") as said:
        relay = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *command], stderr=said)
    try:
        yield relay
    finally:
        relay.kill()
        relay.wait(PATIENCE)


def assert_whole_and_holds(path: Path, accepted: list[UUID]) -> None:
    """Insist that an outbox is whole and numbered without a gap, and holds these events once each."""
    with closing(Outbox.open(path)) as outbox:
        assert verify(outbox) == []
        rows = {kind: outbox.page(kind, 0, 1_000_000) for kind in KINDS}
    for kind in KINDS:
        assert [row.sequence for row in rows[kind]] == list(range(1, len(rows[kind]) + 1))
    ids = [UUID(bytes=row.event_id) for kind in KINDS for row in rows[kind]]
    assert len(set(ids)) == len(ids)
    assert set(accepted) <= set(ids)
