"""An office upgraded before headquarters: events of a schema that headquarters does not know yet."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from muster_contract.avsc import HOME
from muster_contract.events import FieldEvent
from muster_contract.topics import incidents
from tests.faults.parts import Line, encounter, report, verdicts_of
from tests.kafka_broker import KafkaBroker
from tests.schemas.compatibility import incompatibilities
from tests.schemas.planted import MATCH, amend, changed, source
from tests.system.headquarters import Headquarters
from tests.system.offices import soon
from tests.system.policies import due_within, policy
from tests.system.processes import PATIENCE

pytestmark = pytest.mark.kafka

Seen = Callable[[str], None]
POLICY = policy(due_within("PT1S"), gap_after="PT1S")


@pytest.fixture
def hq(tmp_path: Path, broker: KafkaBroker) -> Iterator[Headquarters]:
    """Run a headquarters that knows the released schemas only."""
    headquarters = Headquarters(tmp_path, broker.bootstrap, POLICY, ("dal", "hou"))
    headquarters.start()
    yield headquarters
    headquarters.kill()


@pytest.mark.long
@pytest.mark.fault(
    "records",
    injected="an office's programs upgraded to a compatible EncounterReported v2 that headquarters does not know",
    promised="its bytes are quarantined as UNKNOWN_FINGERPRINT, its numbers count, and nothing else stops",
)
def test_an_office_is_upgraded_first(hq: Headquarters, tmp_path: Path, seen: Seen) -> None:
    """The other types of that office, and all of the others, are judged on."""
    upgraded = plant_v2(tmp_path)
    lines = [{"type": "EncounterReported", "event": said(encounter(f"v2-{n}"), match="LIKELY")} for n in range(3)]
    lines.append({"type": "IncidentReported", "event": said(report("v1"))})
    office(upgraded, hq, tmp_path, "record", stdin="".join(json.dumps(line) + "\n" for line in lines))
    office(upgraded, hq, tmp_path, "relay", "--until-empty")
    line = Line(hq.bootstrap)
    line.send(encounter("of-hou"), "hou")
    line.send(report("of-hou"), "hou")
    settled = soon(3)
    hq.until(lambda: hq.caught_up(settled), "all is judged")
    with hq.reading() as ledger:
        kept = list(ledger.quarantined())
        found = [finding.kind for finding in ledger.findings() if finding.office_id == "dal"]
        applied = ledger.streams()[incidents("dal")][1].applied
        assert all(sum(counts) == state.next_offset for state, counts in ledger.streams().values())
    assert [(record.reason, record.sequence) for record in kept] == [("UNKNOWN_FINGERPRINT", n) for n in (1, 2, 3)]
    assert all(record.value for record in kept), "the bytes are kept"
    assert found == [], "no number is missing"
    assert applied == 1, "the report, which is still of version 1"
    assert verdicts_of(hq, "of-hou")["initial-report"][0][0] == "ON_TIME"
    hq.assert_audit_agrees()
    seen(f"{len(kept)} quarantined with their bytes and numbers, no gap; its v1 report and another office judged")


def plant_v2(folder: Path) -> Path:
    """Copy the contract, with a second version of EncounterReported whose Match has one symbol more."""
    new = changed(amend("match", symbols=[*MATCH, "LIKELY"]))
    assert incompatibilities({1: source(), 2: new}) == []
    copy = folder / "upgraded" / "muster_contract"
    shutil.copytree(HOME, copy)
    (copy / "avro" / "EncounterReported" / "v2.avsc").write_text(json.dumps(new), "utf-8")
    return copy.parent


def said(event: FieldEvent, **changes: str) -> dict[str, str]:
    """Give an event's own fields as JSON has them, changed."""
    values = dataclasses.asdict(event)
    return {**values, "occurred_at": event.occurred_at.isoformat(), **changes}


def office(upgraded: Path, hq: Headquarters, folder: Path, command: str, *more: str, stdin: str = "") -> None:
    """Run a command of the upgraded office to its end."""
    options = ["--outbox", str(folder / "outbox.db"), *more]
    options += (
        ["--bootstrap", hq.bootstrap] if command == "relay" else ["--office", "dal", "--offices", str(hq.offices)]
    )
    done = subprocess.run(
        [sys.executable, "-m", "muster_field", command, *options],
        input=stdin,
        env={**os.environ, "PYTHONPATH": str(upgraded)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
