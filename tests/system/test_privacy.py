"""Secrets in every field that can hold one: whoever watches metrics, logs and errors of either side sees none."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from muster_contract.events import FIELD_EVENTS
from muster_contract.register import Office
from muster_contract.times import now_ms, to_datetime
from muster_field.wiring import open_office
from tests.kafka_broker import KafkaBroker, free_ports
from tests.schemas.builders import GOOD, event_of
from tests.system.headquarters import Headquarters
from tests.system.offices import RelayProcess
from tests.system.policies import due_within, policy

pytestmark = pytest.mark.kafka

PLANTED = "zubaydah-1971"
SECRETS = {name: f"{name}-{PLANTED}" for name in ("case_id", "encounter_id", "report_reference", "receipt_reference")}
"""Every field of an event that takes words of the office's own: all others are codes, instants, ids and digests."""
CODES = {
    "match", "custody", "kind", "step", "to", "jurisdiction", "channel", "stage", "outcome", "voids", "retracts",
    "occurred_at", "report_sha256",
}  # fmt: skip
POLICY = policy(due_within("PT1S", satisfied_by='{ event = "IncidentReported", stage = "FINAL" }'))


class _At:
    """Where the outbox is."""

    def __init__(self, outbox: Path) -> None:
        self.outbox = outbox


def test_secrets_in_every_field_show_nowhere(
    tmp_path: Path, broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One event of each type goes all the way, with all that is ever logged; then the office mistypes everything."""
    assert SECRETS.keys() | CODES == GOOD.keys(), "a new field: can it hold a secret?"
    monkeypatch.setenv("MUSTER_LOG_LEVEL", "debug")
    outbox, (port,) = tmp_path / "dal.db", free_ports(1)
    with closing(open_office(outbox, "dal", [Office(id="dal")])) as office:
        events = [event_of(event.__name__, occurred_at=to_datetime(now_ms()), **SECRETS) for event in FIELD_EVENTS]
        office.accept_many(events)
    hq = Headquarters(tmp_path, broker.bootstrap, POLICY, ("dal",))
    relay = RelayProcess(_At(outbox), broker.bootstrap, tmp_path / "relay.log", "--metrics-port", str(port))
    try:
        hq.start()
        relay.start()
        hq.until(lambda: hq.metrics()["muster_records_total", ("applied",)] >= len(events), "all is applied")
        hq.until(lambda: hq.metrics()["muster_verdicts_total", ("MISSED",)] == 1, "the report is missed")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            scraped = answer.read().decode()
        assert hq.stop() == 0
    finally:
        hq.kill()
        relay.kill()
    errors = _mistyped(outbox, hq.offices)
    shown = {"headquarters": hq.scraped, "its log": hq.log(), "the office": scraped, "errors": errors}
    shown["its relay's log"] = (tmp_path / "relay.log").read_text("utf-8")
    for where, text in shown.items():
        assert text, f"{where} says something that can be looked through"
        assert PLANTED not in text, where


def _mistyped(outbox: Path, offices: Path) -> str:
    """Give what ``field-office record`` says of events whose every field is wrong and secret."""
    wrong = dict.fromkeys([*GOOD, "name", "narrative"], f"{PLANTED} {PLANTED}")
    lines = [json.dumps({"type": event.__name__, "event": wrong}) + "\n" for event in FIELD_EVENTS]
    command = [sys.executable, "-m", "muster_field", "record", "--outbox", str(outbox), "--office", "dal"]
    command += ["--offices", str(offices)]
    done = subprocess.run(command, input="".join(lines), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.count("is no field of") >= len(lines), done.stderr
    return done.stdout + done.stderr
