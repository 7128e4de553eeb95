"""A clock that a test sets for one process, while that runs: faketime, from Debian."""

from __future__ import annotations

from pathlib import Path

import pytest


class ClockOf:
    """The wall clock of a process that is started with ``environment``; durations stay true."""

    def __init__(self, folder: Path) -> None:
        found = [path for lib in (Path("/usr/lib"), Path("/usr/local/lib")) for path in lib.glob("**/libfaketime.so.1")]
        if not found:
            pytest.fail("a clock that can be set needs faketime: run docker/faketime/install.sh")
        self._file = folder / "clock"
        self.environment = {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }
        self.right()

    def ahead(self, by: str) -> None:
        """Set it ahead, such as by ``3d``."""
        self._file.write_text(f"+{by}\n", "utf-8")

    def right(self) -> None:
        """Set it right."""
        self._file.write_text("+0\n", "utf-8")
