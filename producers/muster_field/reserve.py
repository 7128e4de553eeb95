"""A full disk, met early: new events are refused while there is still room to send the ones that are stored.

On a full disk SQLite can neither delete nor checkpoint. So the outbox stops accepting above that point, and
keeps a file of nothing beside it, whose removal gives the relay room to drain.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from muster_contract.errors import MusterError

RESERVE_BYTES = 4 * 2**20
FLOOR_BYTES = 16 * 2**20
AMPLE_BYTES = 16 * FLOOR_BYTES
AMPLE_SECONDS = 0.1
"""Room that is ample is believed for so long: asking the disk costs a tenth of an event that is accepted for itself."""
FULL_HINT = "free disk space; if the relay has no room to drain, run `field-office release-reserve`"


class OutboxFull(MusterError):
    """There is no room for another event; nothing was stored."""


class Reserve:
    """The reserve file of one outbox, and the free space below which it refuses."""

    def __init__(self, outbox: Path, free_bytes: Callable[[], int] | None = None) -> None:
        self._outbox, self._folder = outbox, str(outbox.parent)
        self._file = outbox.with_name(outbox.name + "-reserve")
        self._free_bytes = free_bytes or self._free_on_disk
        self._ample_until = 0.0

    def hold(self) -> None:
        """Make the reserve file if it is not there and there is ample room for it; the floor holds without it."""
        if self._file.exists() or self._free_bytes() < FLOOR_BYTES + RESERVE_BYTES:
            return
        file = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(file, 0, RESERVE_BYTES)
        except OSError:
            self._file.unlink()
        finally:
            os.close(file)

    def release(self) -> int:
        """Remove the reserve file, and give the bytes that became free."""
        try:
            size = self._file.stat().st_size
            self._file.unlink()
        except FileNotFoundError:
            return 0
        return size

    def require_room(self) -> None:
        """Raise OutboxFull while the disk has less than the floor free."""
        now = time.monotonic()
        if now < self._ample_until:
            return
        free = self._free_bytes()
        if free > AMPLE_BYTES:
            self._ample_until = now + AMPLE_SECONDS
        if free < FLOOR_BYTES:
            cause = f"has only {free // 1024} KiB of disk left, and accepts nothing below {FLOOR_BYTES // 1024} KiB"
            raise OutboxFull.of(str(self._outbox), cause, FULL_HINT)

    def _free_on_disk(self) -> int:
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize
