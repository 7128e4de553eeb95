"""Health over HTTP, of real processes on a real broker: not ready before streams are read, and then all is well."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from muster_hq.kafka import Admin
from tests.kafka_broker import KafkaBroker, free_ports
from tests.system.policies import DUE_IN_A_DAY
from tests.system.processes import PATIENCE

Start = Callable[..., int]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Give a way to start a program of ours at a port of its own, which it gives; all end with the test."""
    with ExitStack() as ended:

        def start(*command: str, listen: str) -> int:
            (port,) = free_ports(1)
            at = {"--listen": f"127.0.0.1:{port}", "--metrics-port": str(port)}[listen]
            with (tmp_path / f"{command[1]}.log").open("wb") as log:
                process = subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", *command, listen, at],
                    stdout=log,
                    stderr=log,
                )
            ended.callback(process.wait, PATIENCE)
            ended.callback(process.kill)
            return port

        yield start


def ask(port: int, path: str) -> tuple[int, str]:
    """Ask a process; (0, "") when it does not answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode().strip()
    except (OSError, HTTPException):
        return 0, ""
    finally:
        connection.close()


def until(port: int, expected: Mapping[str, tuple[int, str]]) -> None:
    """Wait until a process answers so."""
    deadline = time.monotonic() + PATIENCE
    while (answers := {path: ask(port, path) for path in expected}) != expected:
        assert time.monotonic() < deadline, answers
        time.sleep(0.1)


@pytest.mark.kafka
def test_a_worker_is_ready_once_its_streams_are_assigned(broker: KafkaBroker, tmp_path: Path, start: Start) -> None:
    """It lives from its start; without topics nothing can be assigned to it."""
    offices, policy = tmp_path / "offices.toml", tmp_path / "policy.toml"
    offices.write_text('[[office]]\nid = "dal"\n', "utf-8")
    policy.write_text(DUE_IN_A_DAY, "utf-8")
    files = ["--offices", str(offices), "--policy", str(policy), "--ledger", f"sqlite:///{tmp_path / 'ledger.db'}"]
    port = start("muster_hq", "worker", "--bootstrap", broker.bootstrap, *files, listen="--listen")
    until(port, {"/healthz": (200, "ok"), "/readyz": (503, "no stream is being read yet")})
    Admin({}, broker.bootstrap).create_topics(["dal"])
    until(port, {"/healthz": (200, "ok"), "/readyz": (200, "ok")})
    pulse = start("muster_hq", "pulse", "--bootstrap", broker.bootstrap, "--offices", str(offices), listen="--listen")
    until(pulse, {"/healthz": (200, "ok"), "/readyz": (200, "ok")})
    metrics = start("muster_hq", "metrics", *files, listen="--listen")
    until(metrics, {"/healthz": (200, "ok"), "/readyz": (200, "ok")})


def test_a_relay_is_ready_once_the_outbox_is_its_own(tmp_path: Path, start: Start) -> None:
    """The broker may be away: the office goes on recording, and nothing is to be restarted for it."""
    outbox, offices = str(tmp_path / "dal.outbox"), tmp_path / "offices.toml"
    offices.write_text('[[office]]\nid = "dal"\n', "utf-8")
    init = ["init-outbox", "--outbox", outbox, "--office", "dal", "--offices", str(offices)]
    subprocess.run([sys.executable, "-m", "muster_field", *init], check=True, timeout=PATIENCE, capture_output=True)
    port = start(*("muster_field", "relay", "--outbox", outbox, "--bootstrap", "127.0.0.1:1"), listen="--metrics-port")
    until(port, {"/healthz": (200, "ok"), "/readyz": (200, "ok")})
