"""From a report that did not come to a message on somebody's desk: the real Kafka, Prometheus and Alertmanager."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from muster_contract.events import EncounterReported, FieldEvent, IncidentReported
from muster_contract.register import Office
from muster_contract.times import now_ms, to_datetime
from muster_field.wiring import open_office
from tests.kafka_broker import KafkaBroker, free_ports
from tests.monitoring.dashboards import panels
from tests.monitoring.stack import Desk, Prometheus, alertmanager, prometheus
from tests.system.headquarters import Headquarters
from tests.system.offices import RelayProcess
from tests.system.policies import due_within, policy

pytestmark = pytest.mark.kafka

PLANTED = "zubaydah-1971"
"""Stands in every field that can hold it: nobody who watches may see it."""
POLICY = policy(due_within("PT2S"))
ABOUT = {"case_id": f"case-{PLANTED}", "encounter_id": f"encounter-{PLANTED}"}
MISSED = "CriticalReportsOutstanding"


class Dal:
    """The office dal, and what watches it and headquarters."""

    def __init__(self, folder: Path) -> None:
        self.outbox = folder / "dal.db"
        open_office(self.outbox, "dal", [Office(id="dal")]).close()
        self.hq: Headquarters
        self.watch: Prometheus
        self.desk: Desk

    def record(self, event: FieldEvent) -> None:
        """Accept an event."""
        with closing(open_office(self.outbox, "dal", [Office(id="dal")])) as office:
            office.accept(event)

    def number(self, expression: str) -> float | None:
        """Ask Prometheus for a single number."""
        found = self.watch.query(expression)
        assert len(found) <= 1
        return next(iter(found.values()), None)

    def until_number(self, expression: str, number: float) -> None:
        """Wait until Prometheus gives that number."""
        self.hq.until(lambda: self.number(expression) == number, f"{expression} is {number}")


@pytest.fixture
def dal(tmp_path: Path, broker: KafkaBroker) -> Iterator[Dal]:
    """Run headquarters for two offices, the relay of one, Prometheus over both, and Alertmanager to a desk."""
    dal, hq = Dal(tmp_path), Headquarters(tmp_path, broker.bootstrap, POLICY, ("dal", "elp"))
    (port,) = free_ports(1)
    relay = RelayProcess(dal, broker.bootstrap, tmp_path / "relay.log", "--metrics-port", str(port))
    with ExitStack() as stack:
        stack.callback(hq.kill)
        stack.callback(relay.kill)
        hq.start()
        relay.start()
        desk = stack.enter_context(Desk())
        manager = stack.enter_context(alertmanager(tmp_path, desk.url))
        targets = {"headquarters": [urlsplit(hq.url).netloc], "field-office": [f"127.0.0.1:{port}"]}
        watch = stack.enter_context(prometheus(tmp_path, targets, alertmanager=manager))
        dal.hq, dal.watch, dal.desk = hq, watch, desk
        yield dal


def test_a_missed_report_reaches_a_desk_and_a_late_one_ends_it(dal: Dal) -> None:
    """With office and count, and nothing that says whom it is about."""
    dal.until_number("sum(up)", 2)
    dal.until_number("sum(muster_reports_outstanding)", 0)
    dal.record(EncounterReported(**ABOUT, occurred_at=_now(), match="POTENTIAL", custody="IN_CUSTODY"))

    dal.until_number('muster_reports_outstanding{office="dal",requirement="initial-report"}', 1)
    assert dal.number("sum(muster_reports_outstanding)") == 1
    dal.hq.until(lambda: dal.desk.told(MISSED, "firing"), "the desk is told")
    alert = dal.desk.told(MISSED, "firing")[0]
    assert alert["labels"] == {"alertname": MISSED, "office": "dal", "severity": "critical"}
    assert alert["annotations"]["summary"] == "dal: 1 initial reports are outstanding"
    assert dal.desk.told(MISSED, "resolved") == []

    report = {"channel": "COURIER", "report_reference": PLANTED, "report_sha256": "0" * 64}
    dal.record(IncidentReported(**ABOUT, occurred_at=_now(), stage="INITIAL", **report))
    dal.until_number("sum(muster_reports_outstanding)", 0)
    dal.hq.until(lambda: dal.desk.told(MISSED, "resolved"), "the desk is told that it is over")
    for verdict in ("MISSED", "LATE"):
        dal.until_number(f'muster_verdicts_total{{verdict="{verdict}"}}', 1)
    dal.until_number("sum(muster_field_events_sent)", 2)
    dal.until_number("sum(increase(muster_reports_missed_total[1h])) > bool 0", 1)

    dal.hq.until(lambda: dal.desk.told("Watchdog", "firing"), "the watchdog is heard")
    _assert_dashboards_are_answered(dal.watch)
    shown = json.dumps(dal.desk.messages) + dal.watch.everything()
    assert "muster_reports_outstanding" in shown
    assert PLANTED not in shown


def _assert_dashboards_are_answered(watch: Prometheus) -> None:
    """Prometheus itself takes every expression, and has a number for each of those that stand alone."""
    for board in ("fleet", "office"):
        for panel in panels(board, office="dal"):
            for expression, _ in panel.targets:
                assert watch.query(expression) or panel.kind != "stat", f"{board}: {panel.title}"


def _now() -> datetime:
    return to_datetime(now_ms())
