"""System calls that fail in a running process, by libfiu: which, with which error, from when on."""

from __future__ import annotations

import errno
import shutil
import subprocess
from enum import Enum
from pathlib import Path

import pytest

SECONDS = 20


class Failing(Enum):
    """What fails from now on: the call as libfiu names it, and its error."""

    SYNC = ("posix/io/sync/fdatasync", errno.EIO)
    WRITE = ("posix/io/rw/pwrite", errno.EIO)
    READ = ("posix/io/rw/pread", errno.EIO)
    DISK_FULL = ("posix/io/rw/pwrite", errno.ENOSPC)


def under_control(folder: Path) -> list[str]:
    """Give what goes before a command, so that ``fail`` can reach it: it keeps the process id of what it starts."""
    for program in ("fiu-run", "fiu-ctrl"):
        if shutil.which(program) is None:
            pytest.fail(f"the fault tests need {program}: run docker/faults/install.sh (Debian: fiu-utils)")
    return ["fiu-run", "-x", "-f", str(folder / "fiu")]


def fail(folder: Path, pid: int, what: Failing) -> None:
    """Have each such call of the process fail from now on."""
    call, error = what.value
    command = ["fiu-ctrl", "-f", str(folder / "fiu"), "-c", f"enable name={call},failinfo={error}", str(pid)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
