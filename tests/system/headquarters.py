"""A headquarters under test: ``headquarters serve`` as a process that may be killed, and what it then holds."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from muster_hq.comparing import behind_of
from muster_hq.ledger.opening import open_reader
from muster_hq.ledger_port import LedgerReader
from tests.system.processes import PATIENCE, Program


class Headquarters:
    """Runs ``serve`` on a broker, a policy and a register; its ledger and files are in ``folder``."""

    def __init__(self, folder: Path, bootstrap: str, policy: str, offices: tuple[str, ...]) -> None:
        self.bootstrap = bootstrap
        self.policy, self.offices = folder / "policy.toml", folder / "offices.toml"
        self.ledger = f"sqlite:///{folder / 'ledger.db'}"
        self._ready, self._serve_log = folder / "ready.json", folder / "serve.log"
        self._serve = Program(self._serve_log, "muster_hq", "serve")
        self.scraped = ""
        """All that /metrics has shown so far."""
        self.policy.write_text(policy, "utf-8")
        self.offices.write_text("".join(f'[[office]]\nid = "{office}"\n' for office in offices), "utf-8")
        self.run("topics", "--create", "--bootstrap", bootstrap, "--offices", str(self.offices))

    @property
    def running(self) -> bool:
        """Tell whether the process is there."""
        return self._serve.running

    @property
    def pid(self) -> int:
        """Give the process's id."""
        return self._serve.pid

    def run(self, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command of headquarters to its end, and insist on its exit code."""
        command = [sys.executable, "-m", "muster_hq", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == expect, done.stdout[-2000:] + done.stderr[-2000:]
        return done

    def start(self, *more: str) -> None:
        """Start ``serve``, with ``more`` options, and wait until its metrics can be read."""
        self._ready.unlink(missing_ok=True)
        options = ["--ledger", self.ledger, "--policy", str(self.policy), "--offices", str(self.offices), *more]
        options += ["--bootstrap", self.bootstrap, "--listen", "127.0.0.1:0", "--ready-file", str(self._ready)]
        self._serve = Program(self._serve_log, "muster_hq", "serve", *options)
        self._serve.start()
        self.until(lambda: self._ready.exists() or not self._serve.running, "serve answers")
        assert self._ready.exists(), self.log()[-4000:]

    def ended(self) -> int:
        """Wait until it has ended by itself, and give its exit code."""
        return self._serve.ended()

    def kill(self) -> None:
        """End it at once (SIGKILL), wherever it is."""
        self._serve.kill()

    def stop(self) -> int:
        """End it in good order (SIGTERM), and give its exit code."""
        return self._serve.stop()

    @property
    def url(self) -> str:
        """Give the address of /metrics."""
        return str(json.loads(self._ready.read_text("utf-8"))["metrics"])

    def metrics(self) -> dict[tuple[str, tuple[str, ...]], float]:
        """Scrape /metrics: values by sample name and label values."""
        with urllib.request.urlopen(self.url, timeout=PATIENCE) as answer:  # noqa: S310 - loopback
            text = answer.read().decode()
        self.scraped += text
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return {(sample.name, tuple(sample.labels.values())): sample.value for sample in samples}

    def log(self) -> str:
        """Give what it has logged so far."""
        return self._serve.log()

    @contextlib.contextmanager
    def reading(self) -> Iterator[LedgerReader]:
        """Open the ledger to read it, beside whoever writes it."""
        with closing(open_reader(self.ledger)) as ledger:
            yield ledger

    def until(self, holds: Callable[[], object], what: str) -> None:
        """Wait until something holds; fail the test with what it was when it never does."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, f"waited in vain until {what}"
            time.sleep(0.05)

    def caught_up(self, instant: int) -> bool:
        """Tell whether every intake clock has passed an instant, and nothing due is left to judge."""
        with self.reading() as ledger, ledger.snapshot():
            clocks = ledger.clocks()
            return min(clocks.values()) >= instant and not behind_of(ledger, clocks)

    def assert_audit_agrees(self) -> str:
        """Compare the ledger with an audit of the topics, verdict by verdict; give what the audit counted."""
        options = ["--bootstrap", self.bootstrap, "--policy", str(self.policy), "--offices", str(self.offices)]
        return self.run("audit", *options, "--compare", self.ledger).stderr
