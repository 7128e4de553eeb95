"""A program of ours under test, as a process that may be killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PATIENCE = 60.0
"""Seconds that anything may take before a test gives it up."""


class Program:
    """``python -m module arguments``, its output in ``log``; the kernel ends it with pytest."""

    def __init__(self, log: Path, module: str, *arguments: str) -> None:
        self._command = ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", module, *arguments]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)

    @property
    def running(self) -> bool:
        """Tell whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Give the process's id."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End it at once (SIGKILL), wherever it is; does nothing when it was not started."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)
            self._process = None

    def stop(self) -> int:
        """End it in good order (SIGTERM), and give its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self.ended()

    def ended(self) -> int:
        """Wait until it has ended, and give its exit code."""
        assert self._process is not None
        code = self._process.wait(PATIENCE)
        self._process = None
        return code

    def log(self) -> str:
        """Give what it has logged so far."""
        return self._log.read_text("utf-8") if self._log.exists() else ""
