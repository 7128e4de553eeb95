"""Locks between processes: a lock file, held by the kernel for as long as its holder lives.

Two of them guard an outbox. One is taken around each write, so that two connections never write at once,
whoever they belong to (SQLite before 3.51.3 could lose data then). The other is held by the relay for life:
a second relay would overtake the first.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from muster_contract.errors import MusterError

_RETRY_SECONDS = 0.0005


class Held(MusterError):
    """Another process holds the lock, and went on holding it."""


class FileLock:
    """An exclusive ``flock`` on a file of its own; each instance excludes every other, in any process."""

    def __init__(self, path: Path, held: str, hint: str, patience: float = 0.0) -> None:
        self._path, self._held, self._hint, self._patience = path, held, hint, patience
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __enter__(self) -> Self:
        if not self._taken():
            self._wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the file back; the lock goes with it."""
        os.close(self._file)

    def _wait(self) -> None:
        end = time.monotonic() + self._patience
        while time.monotonic() < end:
            time.sleep(_RETRY_SECONDS)
            if self._taken():
                return
        raise Held.of(str(self._path), self._held, self._hint)

    def _taken(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
