"""``headquarters metrics``: a process of its own that only reads the ledger."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import typer
from typer.testing import CliRunner

from muster_contract.shell.running import run_command
from muster_hq.commands.metrics import metrics
from muster_hq.ledger.opening import open_ledger
from tests.cases.policies import REPORT
from tests.ports.signals import terminated_once


def test_it_serves_a_ledger_that_another_process_writes(tmp_path: Path) -> None:
    """Not ready before the ledger exists; then every office that is registered there shows, until SIGTERM."""
    (tmp_path / "policy.toml").write_text(REPORT, "utf-8")
    url, port, pages = f"sqlite:///{tmp_path}/ledger.db", free_port(), []

    def seen() -> bool:
        try:
            pages.append(get(port, "/readyz"))
        except ConnectionRefusedError:
            return False
        with closing(open_ledger(url)) as ledger:
            ledger.register(["dal"])
            pages.extend((get(port, "/readyz"), get(port, "/metrics")))
        return True

    serve(seen, "--ledger", url, "--policy", str(tmp_path / "policy.toml"), "--listen", f"127.0.0.1:{port}")
    assert [status for status, _ in pages] == [503, 200, 200]
    assert "does it exist" in pages[0][1]
    assert 'muster_reports_outstanding{office="dal",requirement="report"} 0.0' in pages[2][1]


def test_it_shows_the_offices_without_a_channel_that_is_asked_for(tmp_path: Path) -> None:
    """By the register, as serve does: an office that has the network has no gap."""
    (tmp_path / "policy.toml").write_text(REPORT + 'channel = "CLASSIFIED"\n', "utf-8")
    register = '[[office]]\nid = "dal"\nclassified_network = true\n[[office]]\nid = "elp"\n'
    (tmp_path / "offices.toml").write_text(register, "utf-8")
    url, port, pages = f"sqlite:///{tmp_path}/ledger.db", free_port(), []
    with closing(open_ledger(url)) as ledger:
        ledger.register(["dal", "elp"])

    def seen() -> bool:
        try:
            pages.append(get(port, "/metrics"))
        except ConnectionRefusedError:
            return False
        return True

    files = ("--policy", str(tmp_path / "policy.toml"), "--offices", str(tmp_path / "offices.toml"))
    serve(seen, "--ledger", url, *files, "--listen", f"127.0.0.1:{port}")
    gaps = [line for line in pages[0][1].splitlines() if line.startswith("muster_capability_gap")]
    assert gaps == ['muster_capability_gap{office="dal"} 0.0', 'muster_capability_gap{office="elp"} 1.0']


def serve(seen: Callable[[], bool], *options: str) -> None:
    """Run the command until it was seen."""
    app = typer.Typer()
    app.command()(run_command(metrics))
    with terminated_once(seen):
        assert CliRunner().invoke(app, options).exit_code == 0


def get(port: int, path: str) -> tuple[int, str]:
    """Ask for a path; give the status and the text."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def free_port() -> int:
    """Give a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
