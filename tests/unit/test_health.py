"""Health means that the loops turn and the clock moves, and says why not; images ask by ``healthy``."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from muster_contract.shell.health import STUCK_SECONDS, Health
from muster_contract.shell.serving import MetricsServer
from muster_contract.times import now_ms
from muster_field.__main__ import app as field_office
from muster_hq.__main__ import app as headquarters
from muster_hq.commands import health as of_headquarters

LIMIT = int(STUCK_SECONDS * 1000)
START = 1_000_000


class Machine:
    """A loop, the machine's clock and a monotonic one, all set by the test; and the health of it."""

    def __init__(self) -> None:
        self.clock, self.pace, self.turned_at = START, 0.0, START
        self.why_not_read: str | None = None
        self.health = Health(
            {"the worker": lambda: self.turned_at},
            lambda: self.why_not_read,
            clock=lambda: self.clock,
            pace=lambda: self.pace,
        )

    def wait(self, ms: int) -> None:
        """Let time go by, on both clocks."""
        self.clock += ms
        self.pace += ms / 1000


def test_a_loop_that_turns_is_healthy_up_to_the_limit() -> None:
    """And a millisecond later it is stuck, with its name and for how long."""
    machine = Machine()
    machine.wait(LIMIT)
    assert machine.health() is None
    machine.wait(1)
    assert machine.health() == "the worker has not turned for 60 s"
    machine.turned_at = machine.clock
    assert machine.health() is None


@pytest.mark.parametrize(
    ("moved", "stands"), [(10_000, False), (5_000, False), (4_999, True), (0, True), (-9_000, True)]
)
def test_a_clock_that_stands_is_not_healthy(moved: int, *, stands: bool) -> None:
    """By it no loop would ever be stuck: half of the real time is the least that it must move."""
    machine = Machine()
    machine.clock += moved
    machine.pace += 10
    expected = f"this machine's clock moved {moved / 1000:.1f} s while 10.0 s went by"
    assert machine.health() == (expected if stands else None)


def test_a_clock_that_stood_stays_unhealthy_until_it_is_seen_to_move() -> None:
    """Asking again at once changes nothing; a second later it is looked at anew."""
    machine = Machine()
    machine.pace += 10
    assert machine.health() is not None
    machine.wait(999)
    assert machine.health() is not None
    machine.wait(1)
    assert machine.health() is None


def test_every_reason_is_given() -> None:
    """Of loops, of the clock, and of the process's own checks."""
    machine = Machine()
    machine.wait(LIMIT + 1)
    machine.why_not_read = "no record has come"
    assert machine.health() == "the worker has not turned for 60 s; no record has come"


def test_streams_that_fall_silent_are_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulses stand on every stream: when nothing comes, the intake clock stands still, whatever turns."""
    now = now_ms()
    worker = SimpleNamespace(turned_at=now, heard_at=now - LIMIT - 1_000)
    pulse = SimpleNamespace(turned_at=now, acknowledged_at=now - LIMIT - 2_000)
    monkeypatch.setattr(of_headquarters, "now_ms", lambda: now)
    assert of_headquarters.health_of(worker, pulse)() == (  # type: ignore[arg-type]  # what health looks at
        "no record has come for 61 s (not even a pulse: does `pulse` run?); "
        "the broker has taken no pulse for 62 s (is it up?)"
    )
    worker.heard_at, pulse.acknowledged_at = now - LIMIT, now - LIMIT
    assert of_headquarters.health_of(worker, pulse)() is None  # type: ignore[arg-type]  # the same


def test_it_is_ready_once_streams_are_read() -> None:
    """Not before they are assigned, and their positions found to fit."""
    worker = SimpleNamespace(reading=False)
    ready = of_headquarters.readiness_of(worker)  # type: ignore[arg-type]  # what readiness looks at
    assert ready() == "no stream is being read yet"
    worker.reading = True
    assert ready() is None


@pytest.mark.parametrize("app", [headquarters, field_office])
def test_the_command_asks_a_process(app: object) -> None:
    """Exit code 0 when all is well; 1 and the reason when not."""
    why: list[str | None] = [None]
    with MetricsServer(CollectorRegistry(), healthy=lambda: why[0]) as server:
        url = server.url.replace("/metrics", "/healthz")
        fine = CliRunner().invoke(app, ["healthy", url])  # type: ignore[arg-type]  # each is a typer app
        why[0] = "the relay has not turned for 61 s"
        ill = CliRunner().invoke(app, ["healthy", url])  # type: ignore[arg-type]  # the same
    gone = CliRunner().invoke(app, ["healthy", url])  # type: ignore[arg-type]  # the same
    assert (fine.exit_code, fine.output) == (0, "ok\n")
    assert (ill.exit_code, ill.stderr) == (1, f"{url}: 503: the relay has not turned for 61 s\n")
    assert gone.exit_code == 1
    assert gone.stderr.startswith(f"{url}: does not answer: ")


@pytest.mark.parametrize(
    "url", ["127.0.0.1:9464", "https://localhost/healthz", "http://localhost:9464", "http://localhost:x/y"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    """With an example, as any setting."""
    refused = CliRunner().invoke(headquarters, ["healthy", url])
    assert refused.exit_code == 2
    assert "is not http://HOST:PORT/PATH" in refused.stderr
