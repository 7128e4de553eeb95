"""The programs of a demonstration: our own console scripts, each ended by its pid, whatever happens."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import NamedTuple, Self

from muster_contract.errors import Fault, MusterError

PATIENCE = 30.0
"""Seconds that a program may take to be ready, or that a step may take."""
GRACE = 5.0
"""Seconds that a program gets to end in good order."""
TICK = 0.02
_LAST_WORDS = 5


class Stopped(Exception):
    """The demonstration was told to stop."""


class Done(NamedTuple):
    """What came of a program that ran to its end."""

    code: int
    out: str
    err: str


class Programs:
    """Starts programs, whose output goes to files in ``folder``, and ends those that still run when it is left."""

    def __init__(self, folder: Path, stop: Event) -> None:
        self._folder, self._stop = folder, stop
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._standing: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def start(self, label: str, *command: object) -> Mapping[str, str]:
        """Start a program that goes on running, and give what it wrote to its ready file."""
        ready = self._folder / f"{label}.ready"
        self.start_quietly(label, *command, "--ready-file", ready)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self.pause(TICK)
            said = _read_json(ready)
            if said is not None:
                return said
        raise MusterError.of(label, f"was not ready within {PATIENCE:.0f} s")

    def start_quietly(self, label: str, *command: object) -> None:
        """Start a program that goes on running and has nothing to say."""
        self._launch(label, *command)
        self._standing.add(label)

    def run(self, label: str, *command: object) -> Done:
        """Run a program to its end; Stopped when the demonstration is told to stop meanwhile."""
        process = self._launch(label, *command)
        while process.poll() is None:
            self.pause(TICK)
        del self._running[label]
        return Done(process.returncode, *(self._output(label, kind) for kind in ("out", "err")))

    def run_well(self, label: str, *command: object) -> Done:
        """Run a program to its end; MusterError with its last words when it fails."""
        done = self.run(label, *command)
        if done.code:
            raise self._failed(label, done.code)
        return done

    def pause(self, seconds: float) -> None:
        """Wait a moment; Stopped when told to stop, MusterError when a program that should run has ended."""
        if self._stop.wait(seconds):
            raise Stopped
        for label in self._standing:
            code = self._running[label].poll()
            if code is not None:
                raise self._failed(label, code)

    def end(self) -> None:
        """End every program that still runs, the last one first: SIGTERM, and SIGKILL to one that does not heed it."""
        for process in reversed(self._running.values()):
            process.terminate()
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()
        self._standing.clear()

    def _launch(self, label: str, program: object, *arguments: object) -> subprocess.Popen[bytes]:
        command = [_path_of(str(program)), *map(str, arguments)]
        with self._file(label, "out").open("wb") as out, self._file(label, "err").open("wb") as err:
            # In a session of its own: Ctrl-C reaches the demonstration alone, which then ends the others in turn.
            process = subprocess.Popen(  # noqa: S603 - our own console scripts
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=_environment(), start_new_session=True
            )
        self._running[label] = process
        return process

    def _failed(self, label: str, code: int) -> MusterError:
        words = (self._output(label, "err") or self._output(label, "out")).splitlines()[-_LAST_WORDS:]
        return MusterError([Fault(label, f"ended with exit code {code}"), *(Fault(label, line) for line in words)])

    def _output(self, label: str, kind: str) -> str:
        return self._file(label, kind).read_text("utf-8", errors="replace")

    def _file(self, label: str, kind: str) -> Path:
        return self._folder / f"{label}.{kind}"


def _path_of(program: str) -> str:
    """Find a console script beside this Python first: a demonstration runs what it belongs to."""
    path = shutil.which(program, path=str(Path(sys.executable).parent)) or shutil.which(program)
    if path is None:
        raise MusterError.of(program, "is not installed", "pip install . puts both console scripts in place")
    return path


def _environment() -> dict[str, str]:
    """Give the environment without our own settings: what is set for the real headquarters is none of this."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}


def _read_json(path: Path) -> Mapping[str, str] | None:
    """Read a ready file; None while it is not there, or not whole."""
    try:
        said: Mapping[str, str] = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return said
