"""Damage to an office's outbox and clock: what is damaged is never sent, what is lost is named at headquarters."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from muster_contract.register import Office
from muster_contract.times import now_ms, to_datetime
from muster_field.heartbeat import heartbeat, parcel_of
from muster_field.kafka import KafkaSender
from muster_field.office import FieldOffice
from muster_field.outbox import Outbox
from muster_field.outbox_file import OutboxCorrupt, OutboxFailed
from muster_field.relay import Relay
from muster_field.wiring import new_id, open_office
from tests.faults.field import arrived
from tests.faults.parts import encounter
from tests.kafka_broker import KafkaBroker
from tests.system.headquarters import Headquarters
from tests.system.offices import soon
from tests.system.policies import due_within, policy
from tests.system.processes import PATIENCE

pytestmark = pytest.mark.kafka

Seen = Callable[[str], None]
_cases = itertools.count()
DAY = 86_400_000
PAGE = 4096
POLICY = policy(due_within("PT1S"), gap_after="PT1S")


@pytest.fixture
def hq(tmp_path: Path, broker: KafkaBroker) -> Iterator[Headquarters]:
    """Run a headquarters for the office dal."""
    headquarters = Headquarters(tmp_path, broker.bootstrap, POLICY, ("dal",))
    headquarters.start()
    yield headquarters
    headquarters.kill()


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    """Name the office's outbox."""
    return tmp_path / "outbox.db"


@pytest.mark.fault(
    "field",
    injected="32 bytes overwritten inside a stored event (SQLite's own check passes)",
    promised="that event is never sent: it is set aside as CORRUPT, and its number is a gap at headquarters",
)
def test_an_event_is_overwritten(hq: Headquarters, outbox: Path, seen: Seen) -> None:
    """The others go on, in order."""
    record(outbox, 30)
    with closing(Outbox.open(outbox)) as opened:
        damaged = opened.page("encounters", 9, 1)[0].value[46:78]
    noise = random.Random(7).randbytes(32)  # noqa: S311 - no secret
    content = outbox.read_bytes().replace(damaged, noise)
    outbox.write_bytes(content)
    assert deliver(outbox, hq.bootstrap)
    with closing(Outbox.open(outbox)) as opened:
        asides = [(one.sequence, one.reason.value) for one in opened.state().encounters.set_aside]
    assert asides == [(10, "CORRUPT")]
    found = findings(hq, "SEQUENCE_GAP")
    assert [detail.partition(" of ")[0] for detail in found] == ["open: 10"]
    assert judged(hq) == 29
    hq.assert_audit_agrees()
    seen(f"29 of 30 applied, number 10 set aside; one finding, “{found[0].partition(' of ')[0]} of …”")


@pytest.mark.long
@pytest.mark.fault(
    "field",
    injected="the outbox's page tree overwritten, with events that were never sent",
    promised="refused as corrupt, exit code 2; `renew-outbox` begins an epoch, and headquarters names what was lost",
)
def test_the_page_tree_is_overwritten(hq: Headquarters, outbox: Path, seen: Seen) -> None:
    """Moved aside, not thrown away."""
    record(outbox, 30)
    assert deliver(outbox, hq.bootstrap)
    record(outbox, 5)
    announce(outbox, hq.bootstrap)
    content = bytearray(outbox.read_bytes())
    for page in range(1, len(content) // PAGE):
        content[page * PAGE : page * PAGE + 8] = b"\xff" * 8
    outbox.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-m", "muster_field", "status", "--verify", "--outbox", str(outbox)],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (done.returncode, "is corrupt" in done.stderr, "Traceback" in done.stderr) == (2, True, False)
    with pytest.raises(OutboxCorrupt):
        deliver(outbox, hq.bootstrap)
    aside = renew(hq, outbox)
    assert aside.exists()
    assert_changed_epoch_names(hq, outbox, "never delivered: encounters 5 (31-35), incidents 0")
    seen("exit code 2, “is corrupt”; EPOCH_CHANGED: “never delivered: encounters 5 (31-35)”")


@pytest.mark.long
@pytest.mark.fault(
    "field",
    injected="64 bytes overwritten in the WAL after a kill: SQLite takes that for its end, and drops what follows",
    promised="refused as corrupt: no number is given twice; a new epoch begins, headquarters names what was lost",
)
def test_the_wal_is_overwritten(hq: Headquarters, outbox: Path, tmp_path: Path, seen: Seen) -> None:
    """What was committed behind the damage was accepted, and may have been sent."""
    (tmp_path / "killed").mkdir()
    with open_office(outbox, "dal", [Office(id="dal")]) as office:
        office.accept_many([encounter(f"case-{next(_cases)}") for _ in range(30)])
        assert deliver(outbox, hq.bootstrap)
        for _ in range(5):
            office.accept(encounter(f"case-{next(_cases)}"))
        announce(outbox, hq.bootstrap)
        for name in ("outbox.db", "outbox.db-wal"):
            shutil.copy(tmp_path / name, tmp_path / "killed" / name)
    left = tmp_path / "killed" / "outbox.db"
    wal = left.with_name("outbox.db-wal")
    content = bytearray(wal.read_bytes())
    place = len(content) // 2
    content[place : place + 64] = random.Random(8).randbytes(64)  # noqa: S311 - noise
    wal.write_bytes(content)
    for _ in range(2):  # being refused leaves the evidence
        with pytest.raises(OutboxCorrupt, match="stands behind damage to its WAL"):
            deliver(left, hq.bootstrap)
    assert renew(hq, left).exists()
    assert_changed_epoch_names(hq, left, "never delivered: encounters 5 (31-35), incidents 0")
    seen("refused, “is corrupt”; EPOCH_CHANGED: “never delivered: encounters 5 (31-35)”")


@pytest.mark.long
@pytest.mark.fault(
    "field",
    injected="the outbox's file lost, with events that were never sent, while a program records",
    promised="that program is refused from then on; a new epoch begins, and headquarters names what was lost",
)
def test_the_outbox_is_lost(hq: Headquarters, outbox: Path, seen: Seen) -> None:
    """What the last heartbeat had counted is named."""
    record(outbox, 30)
    assert deliver(outbox, hq.bootstrap)
    with open_office(outbox, "dal", [Office(id="dal")]) as office:
        office.accept_many([encounter(f"lost-{n}") for n in range(5)])
        announce(outbox, hq.bootstrap)
        outbox.unlink()
        with pytest.raises(OutboxFailed, match="was moved away or replaced"):
            office.accept(encounter("after"))
    for companion in ("-wal", "-shm"):
        outbox.with_name(outbox.name + companion).unlink(missing_ok=True)
    assert_changed_epoch_names(hq, outbox, "never delivered: encounters 5 (31-35), incidents 0")
    seen("refused, “was moved away or replaced”; EPOCH_CHANGED: “never delivered: encounters 5 (31-35)”")


@pytest.mark.long
@pytest.mark.fault(
    "clock",
    injected="an office's clock three days ahead, then three days behind, then back and forth while it records",
    promised="numbers, ids and order hold; CLOCK_AHEAD for each event from the future, which buys it no time",
)
def test_an_offices_clock_jumps(hq: Headquarters, outbox: Path, broker: KafkaBroker, seen: Seen) -> None:
    """Only the broker's clock proves arrival."""
    offsets = [3 * DAY, -3 * DAY, *random.Random(5).choices(range(-3 * DAY, 3 * DAY), k=38)]  # noqa: S311 - no secret
    clock = iter([0, *offsets])
    with FieldOffice.open(
        outbox, "dal", [Office(id="dal")], clock=lambda: now_ms() + next(clock), new_id=new_id
    ) as office:
        for n, offset in enumerate(offsets):
            at = now_ms() + offset
            office.accept(encounter(f"jump-{n}", occurred_at=to_datetime(at)))
    assert deliver(outbox, hq.bootstrap)
    events = arrived(broker)["field.dal.encounters"]
    assert [number for number, _ in events] == list(range(1, 41))
    assert len({event_id for _, event_id in events}) == 40
    ahead = sum(offset > 60_000 for offset in offsets)
    assert len(findings(hq, "CLOCK_AHEAD")) == ahead
    settled = soon(2)
    hq.until(lambda: hq.caught_up(settled), "all is judged")
    with hq.reading() as ledger:
        verdicts = [verdict.verdict for _, verdict in ledger.verdicts()]
    assert verdicts == ["MISSED"] * 40
    hq.assert_audit_agrees()
    seen(f"40 events in order, no id twice; {ahead} CLOCK_AHEAD; each judged by the broker's clock")


def record(outbox: Path, count: int) -> None:
    """Record encounters."""
    with open_office(outbox, "dal", [Office(id="dal")]) as office:
        office.accept_many([encounter(f"case-{next(_cases)}") for _ in range(count)])


def deliver(outbox: Path, bootstrap: str) -> bool:
    """Relay until nothing is pending and a heartbeat has said so."""
    with closing(Outbox.open(outbox)) as opened:
        return Relay(opened, lambda: KafkaSender(bootstrap, {}), clock=now_ms, new_id=new_id).drain(PATIENCE)


def announce(outbox: Path, bootstrap: str) -> None:
    """Send a heartbeat and nothing else, as a relay does whose events wait."""
    with closing(Outbox.open(outbox)) as opened:
        sender = KafkaSender(bootstrap, {})
        now = now_ms()
        assert sender.send(parcel_of(heartbeat(opened.state(), new_id(now), now)))
        assert [report.refusal for report in sender.close(PATIENCE)] == [None]


def renew(hq: Headquarters, outbox: Path) -> Path:
    """Begin a new outbox by the command, and give where the old one is."""
    options = ["--outbox", str(outbox), "--office", "dal", "--offices", str(hq.offices)]
    command = [sys.executable, "-m", "muster_field", "renew-outbox", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    return Path(json.loads(done.stdout)["moved_to"])


def assert_changed_epoch_names(hq: Headquarters, outbox: Path, what: str) -> None:
    """Record on in a new outbox; insist that headquarters finds the new epoch, and what the old one never delivered."""
    record(outbox, 3)
    assert deliver(outbox, hq.bootstrap)
    found = findings(hq, "EPOCH_CHANGED")
    assert len(found) == 1
    assert found[0].endswith(what)
    assert judged(hq) == 33
    hq.assert_audit_agrees()


def findings(hq: Headquarters, kind: str) -> list[str]:
    """Wait for findings of a kind, and for all to be settled; give their details."""
    settled = soon(2)
    hq.until(lambda: hq.caught_up(settled), "all is settled")

    def found() -> list[str]:
        with hq.reading() as ledger:
            return [finding.detail for finding in ledger.findings() if finding.kind == kind]

    hq.until(found, f"{kind} is found")
    return found()


def judged(hq: Headquarters) -> int:
    """Give how many encounters were judged: each once, for none is reported."""
    with hq.reading() as ledger:
        return len({case for case, _ in ledger.verdicts()})
