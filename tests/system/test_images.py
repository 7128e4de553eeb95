"""The images, built and run for real: on a root that is read, as nobody, with the real broker, until SIGTERM."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from muster_hq.kafka import Admin
from tests.containers import ROOT, Containers
from tests.kafka_broker import KafkaBroker, free_ports

pytestmark = [pytest.mark.kafka, pytest.mark.long, pytest.mark.timeout(900)]

OFFICES, POLICY = ROOT / "docker" / "demo" / "offices.toml", ROOT / "docker" / "demo" / "policy.toml"
FILES = {OFFICES: "/etc/muster/offices.toml", POLICY: "/etc/muster/policy.toml"}
PATIENCE = 90.0
LEAVE_WITHIN = 5.0


@pytest.fixture
def containers() -> Iterator[Containers]:
    """Give a place to build and run, and leave nothing running in it."""
    made = Containers()
    yield made
    made.remove_all()


class Running:
    """A container of ours with its own port: what both sides have in common."""

    def __init__(self, containers: Containers, target: str, broker: KafkaBroker, name: str) -> None:
        (self.port,) = free_ports(1)
        self.name, self._containers, self._image = name, containers, containers.build(target)
        self._env = {
            "MUSTER_BOOTSTRAP": broker.bootstrap,
            "MUSTER_OFFICES": "/etc/muster/offices.toml",
            "MUSTER_HEALTH_URL": f"http://127.0.0.1:{self.port}/healthz",
        }

    def start(self, *arguments: str, **env: str) -> None:
        """Start it with these arguments and settings."""
        self._containers.start(self.name, self._image, arguments, self._env | env, FILES)

    def becomes_healthy(self) -> None:
        """Wait until the image's own check says so."""
        until(lambda: self._containers.healthy(self.name), lambda: self._containers.log(self.name))
        assert self._containers.inspect(self.name)["State"]["Health"]["Status"] == "healthy"

    def is_nobody_on_a_root_that_is_read(self) -> None:
        """Try to write where nothing may be written, and where it must be."""
        assert self._containers.run_in(self.name, "id", "-u").stdout == "10001\n"
        refused = self._containers.run_in(self.name, "touch", "/opt/muster/x")
        assert "Read-only file system" in refused.stderr
        assert self._containers.run_in(self.name, "touch", "/var/lib/muster/x").returncode == 0
        capabilities = self._containers.run_in(self.name, "grep", "CapEff", "/proc/1/status").stdout
        assert int(capabilities.split()[1], 16) == 0

    def ends_at_once(self) -> None:
        """Send SIGTERM, and insist on an end in good order."""
        code, seconds = self._containers.terminate(self.name)
        assert code == 0, self._containers.log(self.name)[-2000:]
        assert seconds < LEAVE_WITHIN

    def metrics(self) -> str:
        """Scrape it."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            return str(answer.read().decode())


def test_the_images_run_as_they_promise(containers: Containers, broker: KafkaBroker) -> None:
    """An office that lives sends, headquarters misses a report; both are healthy, and end when they are told to."""
    Admin({}, broker.bootstrap).create_topics(["dal", "elp"])
    headquarters = Running(containers, "headquarters", broker, "muster-test-headquarters")
    office = Running(containers, "field-office", broker, "muster-test-office")
    headquarters.start(
        "serve",
        MUSTER_LEDGER="sqlite:////var/lib/muster/ledger.db",
        MUSTER_POLICY="/etc/muster/policy.toml",
        MUSTER_LISTEN=f"127.0.0.1:{headquarters.port}",
    )
    office.start(
        *("scenario", "live", "--office", "dal", "--work", "/var/lib/muster"), MUSTER_METRICS_PORT=str(office.port)
    )
    for running in (headquarters, office):
        running.becomes_healthy()
        running.is_nobody_on_a_root_that_is_read()
    missed = r'muster_reports_missed_total\{office="dal",requirement="initial-report"\} [1-9]'
    until(lambda: re.search(missed, headquarters.metrics()))
    assert re.search(r'muster_field_events_accepted_total\{office="dal",.*\} [1-9]', office.metrics())
    office.ends_at_once()
    headquarters.ends_at_once()


def test_an_image_holds_what_it_runs_and_nothing_of_the_machine_that_built_it(containers: Containers) -> None:
    """No sources, tests, package installer or settings of it; and what it holds was named by hash."""
    name = "muster-test-content"
    containers.start(name, containers.build("headquarters"), ["healthy", "http://127.0.0.1:1/healthz"], {}, {})
    files = containers.files_of(name)
    assert "opt/muster/bin/headquarters" in files
    assert files.isdisjoint({"etc/pip.conf", "opt/muster/bin/pip", "build", "opt/build"})
    assert not [path for path in files if path.endswith("/tests/kafka_broker.py")]


def until(holds: Callable[[], object], tell: Callable[[], str] = str) -> None:
    """Wait until something holds; fail with what there is to tell when it never does."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, tell()[-3000:]
        time.sleep(0.5)
