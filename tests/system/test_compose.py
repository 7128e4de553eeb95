"""docker/compose.yaml for real: its services in their images, the first alert, and how long it took.

Stand-ins: the images of others are not to be had everywhere. Kafka, PostgreSQL, Prometheus and Alertmanager are the
real programs of other packages, on loopback instead of the compose file's network; Grafana is left out.
"""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.containers import ROOT, Containers
from tests.kafka_broker import KafkaBroker, free_ports
from tests.monitoring.programs import program
from tests.postgres import Postgres

pytestmark = [pytest.mark.kafka, pytest.mark.long, pytest.mark.timeout(900)]

DOCKER = ROOT / "docker"
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))["services"]
OURS = {name: service for name, service in COMPOSE.items() if "build" in service}
PATIENCE = 240.0
PROMISED = 120.0
"""Seconds within which the first alert fires, as the compose file says."""


class Stack:
    """The compose file's services on loopback: every name and port of it with the one that stands in for it."""

    def __init__(self, broker: KafkaBroker, postgres: Postgres, containers: Containers) -> None:
        names = ["headquarters:9464", "office-dal:9465", "office-elp:9465", "alertmanager:9093", "prometheus:9090"]
        ports = free_ports(len(names) + 1)
        self.at = {name: f"127.0.0.1:{port}" for name, port in zip(names, ports, strict=False)}
        self.cluster_port = ports[-1]
        self.at |= {"kafka:9092": broker.bootstrap, "muster@postgres:5432": postgres.url().split("//")[1].split("/")[0]}
        self.at["/muster"] = f"/{postgres.new_database()}"
        self._containers = containers

    def put(self, text: str) -> str:
        """Put the stand-ins' addresses into a text of the compose file's."""
        for name, address in self.at.items():
            text = text.replace(name, address) if name != "/muster" else text
        return text.removesuffix("/muster") + self.at["/muster"] if text.endswith("/muster") else text

    def run(self, name: str) -> None:
        """Run a service of ours as the compose file has it."""
        service = OURS[name]
        own = self.at.get(f"{name}:9464") or self.at.get(f"{name}:9465") or "127.0.0.1:0"
        env = {key: self.put(str(value)) for key, value in service["environment"].items()}
        env |= {"MUSTER_LISTEN": own, "MUSTER_METRICS_HOST": "127.0.0.1", "MUSTER_METRICS_PORT": own.split(":")[1]}
        env["MUSTER_HEALTH_URL"] = f"http://{own}/healthz"
        files = [volume.split(":") for volume in service["volumes"] if volume.startswith(".")]
        mounts = {(DOCKER / source).resolve(): target for source, target, _ in files}
        image = self._containers.build(service["build"]["target"])
        self._containers.start(f"muster-compose-{name}", image, service["command"], env, mounts)


def test_the_first_alert_fires_within_two_minutes(
    broker: KafkaBroker, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """From the start of headquarters and its offices to a report that Alertmanager knows to be outstanding."""
    with ExitStack() as cleanup:
        postgres = Postgres()
        cleanup.callback(postgres.remove)
        postgres.start()
        containers = Containers()
        cleanup.callback(containers.remove_all)
        stack = Stack(broker, postgres, containers)
        for target in ("headquarters", "field-office"):
            containers.build(target)
        begun = time.monotonic()
        cleanup.enter_context(_prometheus(stack, tmp_path))
        stack.run("topics")
        until(lambda: not containers.inspect("muster-compose-topics")["State"]["Running"], "the topics are made")
        assert containers.inspect("muster-compose-topics")["State"]["ExitCode"] == 0
        services = [name for name in OURS if name != "topics"]
        for name in services:
            stack.run(name)
        until(lambda: _outstanding(stack), "an alert fires", lambda: containers.log("muster-compose-headquarters"))
        seconds = time.monotonic() - begun
        record_property("seconds_to_first_alert", round(seconds, 1))
        print(f"the first alert fired after {seconds:.0f} s")  # noqa: T201 - for the one who measures
        until(lambda: all(containers.healthy(f"muster-compose-{name}") for name in services), "all are healthy")
        assert seconds < PROMISED


def _outstanding(stack: Stack) -> list[str]:
    with urllib.request.urlopen(f"http://{stack.at['alertmanager:9093']}/api/v2/alerts", timeout=10) as answer:
        alerts: list[dict[str, Any]] = json.load(answer)
    return [alert["labels"]["alertname"] for alert in alerts if "Outstanding" in alert["labels"]["alertname"]]


@contextmanager
def _prometheus(stack: Stack, folder: Path) -> Iterator[None]:
    """Run Prometheus and Alertmanager on the compose file's settings, with the stand-ins' addresses in them."""
    (folder / "targets").mkdir()
    (folder / "rules").mkdir()
    mounted = dict(volume.split(":")[:2] for volume in COMPOSE["prometheus"]["volumes"])
    for source, target in mounted.items():
        path, place = DOCKER / source, folder / Path(target).relative_to("/etc/prometheus")
        for file in [path] if path.is_file() else path.iterdir():
            to = place if path.is_file() else place / file.name
            to.write_text(stack.put(file.read_text("utf-8")), "utf-8")
    storage = f"--storage.tsdb.path={folder / 'tsdb'}"
    listen = f"--web.listen-address={stack.at['prometheus:9090']}"
    commands = [
        [program("prometheus"), f"--config.file={folder / 'prometheus.yml'}", storage, listen],
        [
            program("prometheus-alertmanager"),
            f"--config.file={DOCKER / 'prometheus' / 'alertmanager.yml'}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address={stack.at['alertmanager:9093']}",
            f"--cluster.listen-address=127.0.0.1:{stack.cluster_port}",
        ],
    ]
    with ExitStack() as ended, (folder / "prometheus.log").open("wb") as log:
        for command in commands:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *command], stdout=log, stderr=log, cwd=folder
            )
            ended.callback(process.wait, 20)
            ended.callback(process.kill)
        yield


def until(holds: Callable[[], object], what: str, tell: Callable[[], str] = str) -> None:
    """Wait until something holds; a server that does not answer yet is waited for as well."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if holds():
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, f"waited in vain until {what}: {tell()[-3000:]}"
        time.sleep(0.5)
