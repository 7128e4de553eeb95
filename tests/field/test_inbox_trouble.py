"""Whatever becomes of the inbox, an office sends, and sees what its outbox holds."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner, Result

from muster_field.__main__ import app
from muster_field.answers import Due, DueState
from muster_field.commands.serving import LOOPBACK, serving
from muster_field.fakes import FakeBroker
from muster_field.inbox import Inbox, inbox_path
from muster_field.outbox import Outbox
from tests.field.offices import office_at
from tests.field.relaying import relay_on
from tests.schemas.builders import event_of

OVERDUE = Due("c", "e", "report", 1, 1_000, "p@1", DueState.OPEN)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    """Open an outbox with two events."""
    with office_at(tmp_path) as office:
        office.accept_many([event_of("EncounterReported")] * 2)
    with closing(Outbox.open(tmp_path / "outbox.db")) as opened:
        yield opened


def damage(outbox: Outbox) -> None:
    """Leave something in the inbox's place that is none."""
    inbox_path(outbox.store.path).write_bytes(b"this is no database" * 100)


def run(outbox: Outbox, *arguments: str) -> Result:
    """Run a command on the outbox."""
    return CliRunner().invoke(app, [*arguments, "--outbox", str(outbox.store.path)])


def test_a_damaged_inbox_keeps_no_metric_of_the_outbox_from_sight(tmp_path: Path, outbox: Outbox) -> None:
    """Nor the relay from being started with its metrics, as every relay is that somebody watches."""
    damage(outbox)
    with relay_on(tmp_path, FakeBroker()) as relay, serving(outbox, relay, LOOPBACK, 0) as server:
        page = urlopen(server.url, timeout=5).read().decode()  # noqa: S310 - our own address
    assert 'muster_field_events_pending{office="dal",stream="field.dal.encounters"} 2.0' in page
    assert 'muster_field_last_answer_timestamp_seconds{office="dal"} NaN' in page


def test_many_may_scrape_at_once(tmp_path: Path, outbox: Outbox) -> None:
    """Two Prometheus servers do; each scrape sees what is due."""
    with closing(Inbox(inbox_path(outbox.store.path), "dal")) as inbox:
        inbox.take([OVERDUE._replace(case_id=f"c{n}") for n in range(10_000)], 10_000, 1_000)
    pages: list[str] = []

    def scrape() -> None:
        pages.extend(urlopen(server.url, timeout=30).read().decode() for _ in range(5))  # noqa: S310 - our own address

    with relay_on(tmp_path, FakeBroker()) as relay, serving(outbox, relay, LOOPBACK, 0) as server:
        threads = [threading.Thread(target=scrape) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(pages) == 30
    assert all('muster_field_obligations{office="dal",state="overdue"} 10000.0' in page for page in pages)


def test_status_shows_the_outbox_and_then_what_is_wrong_with_the_inbox(outbox: Outbox) -> None:
    """Exit code 2, and what to do."""
    damage(outbox)
    result = run(outbox, "status", "--json")
    assert json.loads(result.stdout)["streams"]["field.dal.encounters"]["pending"] == 2
    assert (result.exit_code, "throw it away" in result.stderr) == (2, True)


def test_nothing_is_said_of_what_is_due_before_headquarters_has_answered(outbox: Outbox) -> None:
    """Also when the receiver has made its file already: nothing due would be a guess."""
    with closing(Inbox(inbox_path(outbox.store.path), "dal")) as inbox:
        result = run(outbox, "due")
        assert (result.exit_code, "has not answered yet" in result.stderr) == (2, True)
        inbox.take([OVERDUE], 1, 1_000)
    assert run(outbox, "due").exit_code == 1
