"""``headquarters metrics``: a process of its own that only reads the ledger."""

from __future__ import annotations

import socket
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

    app = typer.Typer()
    app.command()(run_command(metrics))
    options = ["--ledger", url, "--policy", str(tmp_path / "policy.toml"), "--listen", f"127.0.0.1:{port}"]
    with terminated_once(seen):
        assert CliRunner().invoke(app, options).exit_code == 0
    assert [status for status, _ in pages] == [503, 200, 200]
    assert "does it exist" in pages[0][1]
    assert 'muster_reports_outstanding{office="dal",requirement="report"} 0.0' in pages[2][1]


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
