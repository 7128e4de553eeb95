"""Faults of the link between an office's relay and the broker: nothing is lost, overtaken or delivered twice."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from muster_hq.kafka import Admin
from tests.faults.field import WatchedRelay, arrived, assert_arrived_once_in_order, at_work, close_and_empty, until
from tests.faults.proxy import CUT, DEAF, GOOD, HALF_OPEN, MUTE, STALLED, Link, Proxy
from tests.kafka_broker import KafkaBroker
from tests.system.headquarters import Headquarters
from tests.system.offices import pending, soon
from tests.system.policies import due_within, policy

pytestmark = pytest.mark.kafka

Seen = Callable[[str], None]
ONCE = "all that was accepted arrives, each once, in order; the metrics show the backlog meanwhile"


def slowly(bad: Link) -> Any:  # noqa: ANN401 - pytest's parameter sets are not public
    """Mark a variant that ``make faults`` runs, and ``make test`` leaves out."""
    return pytest.param(bad, marks=pytest.mark.long)


@pytest.fixture
def link(broker: KafkaBroker) -> Iterator[Proxy]:
    """Put a proxy between the relay and the broker, which has the streams of dal."""
    Admin({}, broker.bootstrap).create_topics(("dal",))
    with Proxy(broker.ports.behind_proxy, broker.ports.proxy) as proxy:
        yield proxy


@pytest.mark.long
@pytest.mark.fault("network", injected="the link cut five times under load, for 0.2 to 1.5 s", promised=ONCE)
def test_the_link_is_cut_again_and_again(link: Proxy, broker: KafkaBroker, tmp_path: Path, seen: Seen) -> None:
    """In the middle of sends and of acknowledgements."""
    draw = random.Random(11)  # noqa: S311 - when to cut, not a secret
    with at_work(tmp_path, link.address, seed=11) as (office, relay):
        for _ in range(5):
            until_it_sends(relay)
            link.become(CUT)
            time.sleep(draw.uniform(0.2, 1.5))
            assert_backlog_shows(relay)
            link.become(GOOD)
        seconds = close_and_empty(office)
        assert "kafka_trouble" in {event["event"] for event in relay.events()}
        count = assert_arrived_once_in_order(broker, office)
        seen(
            f"{count} events, each once and in order; {link.accepted} connections; empty {seconds:.1f} s after the last"
        )


@pytest.mark.fault("network", injected="the link half-open or standing still for 3 s under load", promised=ONCE)
@pytest.mark.parametrize(
    "bad", [HALF_OPEN, *map(slowly, (DEAF, MUTE, STALLED))], ids=["half-open", "deaf", "mute", "stalled"]
)
def test_the_link_says_nothing(link: Proxy, broker: KafkaBroker, tmp_path: Path, seen: Seen, bad: Link) -> None:
    """No error is seen by anybody; when acknowledgements alone are lost, the broker has what the relay sends again."""
    with at_work(tmp_path, link.address, seed=12) as (office, relay):
        until_it_sends(relay)
        link.become(bad)
        time.sleep(3)
        waiting = assert_backlog_shows(relay)
        link.become(GOOD)
        seconds = close_and_empty(office)
        count = assert_arrived_once_in_order(broker, office)
        seen(f"{count} events, each once and in order, of which {waiting:.0f} waited; empty {seconds:.1f} s later")


@pytest.mark.long
@pytest.mark.fault(
    "network",
    injected="the relay's connections forgotten by the network: what they carry vanishes, and nobody is told",
    promised="the relay finds out by itself, connects anew, and all arrives once, in order",
)
def test_the_network_forgets_connections(link: Proxy, broker: KafkaBroker, tmp_path: Path, seen: Seen) -> None:
    """As a firewall does it that was restarted."""
    with at_work(tmp_path, link.address, seed=13) as (office, relay):
        until_it_sends(relay)
        link.forget()
        begun = time.monotonic()
        sent = sent_by(relay)
        until(lambda: sent_by(relay) > sent + 10, "the relay has connected anew", 150)
        noticed = time.monotonic() - begun
        close_and_empty(office)
        count = assert_arrived_once_in_order(broker, office)
        seen(f"sending again after {noticed:.0f} s; {count} events, each once and in order")


@pytest.mark.long
@pytest.mark.fault(
    "network",
    injected="a slow link: 0.3 s for a round trip, 50 kB a second",
    promised="all arrives, each once, in order, and as fast as the link is",
)
def test_the_link_is_slow(link: Proxy, broker: KafkaBroker, tmp_path: Path, seen: Seen) -> None:
    """Acknowledgements come late, and are waited for; nothing is sent twice meanwhile."""
    link.become(Link(latency=0.15, bytes_per_second=50_000))
    with at_work(tmp_path, link.address, seed=14) as (office, relay):
        until(lambda: len(office.accepted) > 300, "enough is recorded")
        seconds = close_and_empty(office)
        count = assert_arrived_once_in_order(broker, office)
        troubles = [event["event"] for event in relay.events() if event.get("level") in {"warning", "error"}]
        assert troubles == [], "a slow link is no broken one"
        seen(f"{count} events, each once and in order; empty {seconds:.1f} s after the last")


@pytest.mark.long
@pytest.mark.fault(
    "network",
    injected="SIGTERM to the relay while the link is cut, half-open or standing still",
    promised="it leaves within 5 s, with exit code 0; its successor sends the rest, in order",
)
@pytest.mark.parametrize("bad", [CUT, HALF_OPEN, STALLED], ids=["cut", "half-open", "stalled"])
def test_the_relay_is_stopped_on_a_bad_link(
    link: Proxy, broker: KafkaBroker, tmp_path: Path, seen: Seen, bad: Link
) -> None:
    """What is under way cannot be waited for any longer: it stays pending, and goes again."""
    with at_work(tmp_path, link.address, seed=15) as (office, relay):
        until_it_sends(relay)
        link.become(bad)
        until(lambda: pending(office) > 20, "something waits")
        seconds = relay.leave()
        assert seconds < 5
        waiting = pending(office)
        link.become(GOOD)
        relay.start()
        close_and_empty(office)
        firsts = {stream: list(dict.fromkeys(events)) for stream, events in arrived(broker).items()}
    assert all([n for n, _ in events] == list(range(1, len(events) + 1)) for events in firsts.values())
    assert sorted(one for events in firsts.values() for _, one in events) == sorted(office.accepted)
    seen(f"gone after {seconds:.1f} s with {waiting} events pending; all arrived with the next start")


@pytest.mark.long
@pytest.mark.fault(
    "network",
    injected="acknowledgements lost and the relay killed (kill -9), three times: it sends again what the broker has",
    promised="first arrivals are in order; headquarters applies each event once, and claims no gap",
)
def test_headquarters_applies_once_what_arrives_twice(
    link: Proxy, broker: KafkaBroker, tmp_path: Path, seen: Seen
) -> None:
    """A new relay is a new producer: the broker cannot know that it has these records."""
    hq = Headquarters(tmp_path, broker.bootstrap, POLICY, ("dal",))
    hq.start()
    try:
        with at_work(tmp_path, link.address, seed=16) as (office, relay):
            for _ in range(3):
                until_it_sends(relay)
                link.become(MUTE)
                until(lambda: pending(office) > 30, "something waits")
                relay.kill()
                link.become(GOOD)
                relay.start()
            close_and_empty(office)
            found = arrived(broker)
        settled = soon(2)
        hq.until(lambda: hq.caught_up(settled), "all is judged")
        with hq.reading() as ledger:
            counts = [counts for _, counts in ledger.streams().values()]
            assert [f for f in ledger.findings() if f.kind != "OFFICE_SILENT"] == []
        hq.assert_audit_agrees()
    finally:
        hq.kill()
    for events in found.values():
        firsts = list(dict.fromkeys(n for n, _ in events))
        assert firsts == list(range(1, len(firsts) + 1))
    twice = sum(len(events) for events in found.values()) - len(office.accepted)
    assert twice > 0
    assert sum(c.duplicate for c in counts) == twice
    heartbeats = sum(c.applied for c in counts) - len(office.accepted)
    assert heartbeats >= 0
    seen(f"{len(office.accepted)} events applied once each; {twice} records arrived again and were duplicates")


POLICY = policy(due_within("PT1S"))


def sent_by(relay: WatchedRelay) -> float:
    """Give how many events the broker has acknowledged."""
    metrics = relay.metrics()
    return metrics["events_sent", "encounters"] + metrics["events_sent", "incidents"]


def until_it_sends(relay: WatchedRelay) -> None:
    """Wait until acknowledgements come."""
    sent = sent_by(relay)
    until(lambda: sent_by(relay) > sent, "the relay sends")


def assert_backlog_shows(relay: WatchedRelay) -> float:
    """Insist that the metrics show a loop that turns and a backlog that grows older; give how much waits."""
    until(lambda: backlog_grows(relay), "the metrics show a backlog that grows")
    now = relay.metrics()
    return now["events_pending", "encounters"] + now["events_pending", "incidents"]


def backlog_grows(relay: WatchedRelay) -> bool:
    """Tell whether the loop turns and events come, and none goes."""
    before = relay.metrics()
    time.sleep(0.3)
    now = relay.metrics()
    moves = [("events_pending", "encounters"), ("relay_turned_timestamp_seconds", "")]
    stands = [(f"{word}_timestamp_seconds", "encounters") for word in ("oldest_pending", "last_acknowledged")]
    return all(now[sample] > before[sample] for sample in moves) and all(now[s] == before[s] for s in stands)
