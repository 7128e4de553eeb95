"""What the pictures show: six invented offices live for some minutes, and two things go wrong.

Deadlines are seconds (the demonstration's live policy). The link of one office is cut for a while: it falls silent, its
outbox grows, and its reports come late. Later somebody writes onto another office's stream what is no event.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from confluent_kafka import Producer

from muster_contract.register import Office
from muster_contract.times import format_instant, now_ms
from muster_contract.topics import encounters
from muster_field.scenario.draw import Draw
from muster_field.scenario.live import Life
from muster_field.wiring import open_office
from tests.faults.proxy import CUT, GOOD, Proxy
from tests.kafka_broker import KafkaBroker, free_ports
from tests.monitoring.programs import ROOT
from tests.monitoring.stack import Prometheus, prometheus
from tests.system.headquarters import Headquarters
from tests.system.offices import RelayProcess

OFFICES = ("atl", "dal", "elp", "hou", "lax", "nyc")
CUT_OFF, TAMPERED = "elp", "hou"
SEED = 7
SETTLE = 20.0
"""Seconds before the picture begins: everything is up, and the first deadlines have passed."""
LIVE_POLICY = ROOT / "consumers" / "muster_hq" / "demo" / "demo-kstep-live.toml"


class Mark(NamedTuple):
    """Something that happened at an instant (seconds of the epoch)."""

    at: float
    what: str


class Recorded(NamedTuple):
    """A story that was told: Prometheus, which can be asked about it, from when to when, and what happened."""

    watch: Prometheus
    start: float
    end: float
    marks: list[Mark]


class _Outbox(NamedTuple):
    outbox: Path


@contextmanager
def told(folder: Path, seconds: float) -> Iterator[Recorded]:
    """Run everything, let the offices live for so long, and give what Prometheus recorded."""
    with ExitStack() as stack:
        broker = KafkaBroker(folder / "kafka")
        stack.callback(broker.kill)
        broker.start()
        link = stack.enter_context(Proxy(broker.ports.behind_proxy, broker.ports.proxy))
        policy = LIVE_POLICY.read_text("utf-8").replace("EFFECTIVE", format_instant(now_ms() - 1_000))
        hq = Headquarters(folder, broker.bootstrap, policy.replace("orphan_after", SILENCE + "orphan_after"), OFFICES)
        stack.callback(hq.kill)
        hq.start()
        ports = free_ports(len(OFFICES))
        for name, port in zip(OFFICES, ports, strict=True):
            bootstrap = broker.bootstrap_proxied if name == CUT_OFF else broker.bootstrap
            _start_relay(stack, folder / f"{name}.db", bootstrap, name, port)
        targets = {
            "headquarters": [urlsplit(hq.url).netloc],
            "field-office": [f"127.0.0.1:{port}" for port in ports],
        }
        watch = stack.enter_context(prometheus(folder, targets, every="1s"))
        start = time.time() + SETTLE  # noqa: TID251 - a picture's axis
        happens = [
            (Mark(start + 0.30 * seconds, f"the link of {CUT_OFF} is cut"), lambda: link.become(CUT)),
            (Mark(start + 0.55 * seconds, "it is good again"), lambda: link.become(GOOD)),
            (Mark(start + 0.75 * seconds, f"what is no event is written onto {TAMPERED}"), lambda: _tamper(broker)),
        ]
        _live(folder, start + seconds, [(mark.at, act) for mark, act in happens])
        yield Recorded(watch, start, start + seconds, [mark for mark, _ in happens])


SILENCE = 'silent_after = "PT20S"\n'


def _start_relay(stack: ExitStack, path: Path, bootstrap: str, name: str, port: int) -> None:
    open_office(path, name, _register()).close()
    options = ("--metrics-port", str(port), "--heartbeat-every", "PT5S")
    relay = RelayProcess(_Outbox(path), bootstrap, path.with_suffix(".log"), *options)
    stack.callback(relay.kill)
    relay.start()


def _live(folder: Path, end: float, happens: list[tuple[float, Callable[[], None]]]) -> None:
    with ExitStack() as stack:
        offices = {n: stack.enter_context(closing(open_office(folder / f"{n}.db", n, _register()))) for n in OFFICES}
        lives = [Life(OFFICES, Draw(SEED + n), now_ms()) for n in range(3)]
        while (now := time.time()) < end:  # noqa: TID251 - a picture's axis
            while happens and happens[0][0] <= now:
                happens.pop(0)[1]()
            for life in lives:
                for name, event in life.until(now_ms()):
                    offices[name].accept(event)
            time.sleep(0.05)


def _tamper(broker: KafkaBroker) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for value in (b"no frame", b"no frame either", b"\xc3\x01" + bytes(8) + b"no schema"):
        producer.produce(encounters(TAMPERED), value, partition=0)
    producer.flush(30)


def _register() -> Sequence[Office]:
    return [Office(id=name) for name in OFFICES]
