"""An office's password is rotated as docs/runbooks/rotate-office-credentials.md says, on a real broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from muster_contract.events import EncounterReported
from muster_contract.register import Office
from muster_contract.times import now_ms, to_datetime
from muster_contract.topics import encounters
from muster_field.outbox import Outbox
from muster_field.wiring import open_office
from muster_hq.grants import Principals, grants_of
from muster_hq.kafka import Acls, Admin
from tests.secure_broker import SECONDS, SecureBroker, Somebody, login, properties
from tests.system.processes import Program

pytestmark = pytest.mark.kafka

OLD, NEW = "old-old-old-old", "new-new-new-new"


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[SecureBroker]:
    """Run a broker of one office, with its topics, its rights and its password."""
    broker = SecureBroker(tmp_path / "kafka")
    try:
        broker.start()
        broker.set_password("dal", OLD)
        Admin({}, broker.bootstrap).create_topics(["dal"])
        hq = "User:headquarters"
        Acls({}, broker.bootstrap).create(grants_of(["dal"], Principals("User:", hq, hq), "muster-headquarters"))
        yield broker
    finally:
        broker.kill()


def test_credentials_are_rotated_and_nothing_is_lost(secure: SecureBroker, tmp_path: Path) -> None:
    """As docs/runbooks/rotate-office-credentials.md says: the new password, the relay again, the old one refused."""
    config, outbox = properties(tmp_path, "dal", OLD), tmp_path / "dal.outbox"
    relay = Relay(secure, outbox, config)
    with open_office(outbox, "dal", [Office(id="dal")]) as office:
        try:
            relay.start()
            office.accept(an_encounter())
            until(lambda: pending(outbox) == 0, "the old password sends")
            secure.set_password("dal", NEW)
            office.accept(an_encounter())
            assert relay.stop() == 0
            office.accept(an_encounter())
            relay.start()
            until(lambda: "AUTHENTICATION" in relay.log(), "the old password is refused")
            assert pending(outbox) >= 1, "kept, not lost"
            assert relay.stop() == 0
            (tmp_path / "dal.password").write_text(NEW, "utf-8")
            relay.start()
            until(lambda: pending(outbox) == 0, "the new password sends")
            assert relay.stop() == 0
        finally:
            relay.kill()
    assert NEW not in relay.log()
    assert "AUTHORIZATION" not in relay.log(), "its rights suffice for all that it does, receipts included"
    assert Somebody(secure.bootstrap_sasl, login("dal", OLD)).writes(encounters("dal")) == "_AUTHENTICATION"
    assert Admin({}, secure.bootstrap).log_states([encounters("dal")])[encounters("dal")].end >= 3
    assert sent(outbox) == 3


class Relay(Program):
    """``field-office relay`` with a properties file."""

    def __init__(self, broker: SecureBroker, outbox: Path, config: Path) -> None:
        options = ["--bootstrap", broker.bootstrap_sasl, "--kafka-config", str(config)]
        super().__init__(outbox.with_suffix(".log"), "muster_field", "relay", "--outbox", str(outbox), *options)

    def start(self) -> None:
        """Start relaying, with an empty log."""
        self._log.unlink(missing_ok=True)
        super().start()


def an_encounter() -> EncounterReported:
    """Build an encounter of now."""
    now = to_datetime(now_ms())
    return EncounterReported(case_id="c", encounter_id="e", occurred_at=now, match="NONE", custody="SUPERVISED")


def pending(path: Path) -> int:
    """Count the events that the broker has not acknowledged."""
    outbox = Outbox.open(path)
    try:
        return outbox.state().pending
    finally:
        outbox.close()


def sent(path: Path) -> int:
    """Count the encounters that the broker has acknowledged."""
    outbox = Outbox.open(path)
    try:
        return sum(stream.sent for stream in outbox.state().streams)
    finally:
        outbox.close()


def until(holds: Callable[[], object], what: str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.1)
