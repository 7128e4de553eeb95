"""A real PostgreSQL on loopback, for tests: a throw-away cluster, started, killed and restarted by its own pid."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from tests.kafka_broker import free_ports

INSTALLED = Path("/usr/lib/postgresql")
USER = "postgres"
START_SECONDS = 60.0
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
port = {port}
max_connections = 100
shared_buffers = {buffers}
max_wal_size = 4GB
autovacuum_naptime = 15s
lc_messages = 'C'
"""


class Postgres:
    """A cluster in a folder of its own, whose user must come to it; port and data outlive a restart.

    One that is not ``durable`` waits for no disk: enough for what is killed, since the page cache survives that.
    ``buffers`` is what it keeps of its pages (``shared_buffers``).
    """

    def __init__(self, *, durable: bool = False, buffers: str = "128MB") -> None:
        self._programs = _programs()
        self._folder = Path(tempfile.mkdtemp(prefix="muster-postgres-"))
        self.data, self.log = self._folder / "data", self._folder / "postgres.log"
        (self.port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        if os.getuid() == 0:  # initdb refuses to run as root
            owner = pwd.getpwnam(USER)
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        options = ["--auth=trust", f"--username={USER}", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        made = subprocess.run(
            [*_as_postgres(), str(self._programs / "initdb"), "-D", str(self.data), *options],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        assert made.returncode == 0, made.stderr
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(SETTINGS.format(port=self.port, buffers=buffers) + ("" if durable else "fsync = off\n"))
        atexit.register(self.remove)

    @property
    def running(self) -> bool:
        """Tell whether the server is there."""
        return self._process is not None and self._process.poll() is None

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        """Give the URL of a database; by another ``port`` when a proxy stands before the server."""
        return f"postgresql://{USER}@127.0.0.1:{port or self.port}/{database}"

    def new_database(self) -> str:
        """Make an empty database; give its name."""
        name = f"muster{next(self._numbers)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"create database {name}")
        return name

    def drop(self, database: str) -> None:
        """Drop a database, whoever is connected to it."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"drop database if exists {database} with (force)")

    def start(self) -> None:
        """Start the server and wait until it answers; fail the test, with the log's end, when it does not."""
        with self.log.open("ab") as log:
            # setpriv has the kernel end the server with pytest, even when that is killed.
            command = [*_as_postgres("--pdeathsig", "INT"), str(self._programs / "postgres"), "-D", str(self.data)]
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, cwd="/"
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.running:
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url(), connect_timeout=2):
                return
            time.sleep(0.05)
        self.kill()
        pytest.fail(f"PostgreSQL did not start; the end of its log:\n{self.log.read_text('utf-8')[-4000:]}")

    def stop(self) -> None:
        """Stop in good order, ending what is connected (SIGINT, "fast")."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.send_signal(signal.SIGINT)
                self._process.wait(20)
        self.kill()

    def kill(self) -> None:
        """End the server and all its processes at once (SIGKILL); does nothing when it does not run."""
        if self._process is not None:
            pid = self._process.pid
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)  # it starts no other process meanwhile
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
                for process in (pid, *map(int, children)):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
            self._process.wait(20)
            self._process = None

    def restart(self, *, hard: bool = False) -> None:
        """Stop (``hard``: with SIGKILL) and start again on the same data and port."""
        if hard:
            self.kill()
        else:
            self.stop()
        self.start()

    def remove(self) -> None:
        """End the server and forget its data."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def _programs() -> Path:
    """Find the server's programs; a missing part fails the test that needs it, and says what to run."""
    found = sorted(INSTALLED.glob("*/bin/initdb"), key=lambda path: int(path.parents[1].name))
    if not found or shutil.which("setpriv") is None:
        pytest.fail("the real PostgreSQL is not here: run docker/postgres/install.sh (setpriv is in util-linux)")
    return found[-1].parent


def _as_postgres(*options: str) -> list[str]:
    as_user = ["--reuid", USER, "--regid", USER, "--init-groups"] if os.getuid() == 0 else []
    return ["setpriv", *as_user, *options, "--"]
