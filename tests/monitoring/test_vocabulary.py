"""Both sides' vocabularies: the page is made from them, and Prometheus' own linter has nothing to say about them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

import muster_field.metrics
import muster_field.metrics.document
import muster_hq.metrics
import muster_hq.metrics.document
from muster_field.answers import InboxState
from muster_field.metrics import OutboxCollector
from muster_field.outbox import Outbox
from muster_hq.commands.scraping import registry_over
from muster_hq.ledger.opening import open_ledger
from muster_hq.policies import Policies
from muster_hq.policy_reader import read_policy
from tests.cases.policies import TWO_LINKS
from tests.field.offices import NOW, office_at
from tests.monitoring.programs import ROOT, run

VOCABULARY = {metric.name: metric for metric in (*muster_hq.metrics.VOCABULARY, *muster_field.metrics.VOCABULARY)}


def test_the_page_is_made_from_both_vocabularies() -> None:
    """It says itself how to make it again."""
    page = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    assert page == muster_hq.metrics.document.document() + muster_field.metrics.document.document()


def test_promtool_finds_no_fault_with_either_side(tmp_path: Path) -> None:
    """With the pages as a scrape gets them."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    with closing(open_ledger(url)) as ledger:
        ledger.register(["dal"])
    policies = Policies([read_policy(TWO_LINKS, "p")])
    office_at(tmp_path).close()
    outbox = Outbox.open(tmp_path / "outbox.db")
    field = CollectorRegistry()
    field.register(
        OutboxCollector(outbox.state, lambda: NOW, lambda: (InboxState({}, [], 0, None), ()), clock=lambda: NOW)
    )
    for registry in (registry_over(url, policies, ["dal"]), field):
        assert run("promtool", "check", "metrics", stdin=generate_latest(registry).decode()) == ""
    outbox.close()


def test_names_and_labels_are_of_a_few_kinds() -> None:
    """A label that could name somebody would have to be added here first; names say their unit, as is the custom."""
    labels = {label for metric in VOCABULARY.values() for label in metric.labels}
    assert labels <= {"kind", "office", "outcome", "reason", "requirement", "state", "stream", "verdict"}
    for metric in VOCABULARY.values():
        assert metric.name.endswith("_total") == (metric.type == "counter")
        assert metric.help.endswith(".")
        assert metric.moves
