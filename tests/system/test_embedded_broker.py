"""``headquarters embedded-broker``: a process that others connect to, and that ends with whoever started it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports.kafka_backends import DAL, Reading, publish, until

HEADQUARTERS = str(Path(sys.executable).with_name("headquarters"))


class Running:
    """The broker's process."""

    def __init__(self, folder: Path, through: tuple[str, ...] = ()) -> None:
        offices, ready = folder / "offices.toml", folder / "ready.json"
        offices.write_text('[[office]]\nid = "dal"\n', "utf-8")
        command = [HEADQUARTERS, "embedded-broker", "--offices", str(offices), "--ready-file", str(ready)]
        self.process = subprocess.Popen([*through, *command], stdout=subprocess.PIPE, text=True)
        until(ready.exists)
        self.bootstrap: str = json.loads(ready.read_text("utf-8"))["bootstrap"]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Run it for one test."""
    running = Running(tmp_path)
    yield running
    running.process.kill()
    running.process.communicate(timeout=10)


def test_other_processes_write_and_read_what_stands_in_the_register(running: Running) -> None:
    """Its topics are there with one partition each, and the producer's time is the record's."""
    keeps_append_time = Reading.of(running.bootstrap, trust_create_time=True)
    with keeps_append_time.reader as reader:
        keeps_append_time.until(lambda: {"hq.directives", DAL} <= reader.topic_ids.keys())
        publish(_At(running.bootstrap), DAL, b"a", timestamp=1_456_833_600_000)
        keeps_append_time.until(lambda: keeps_append_time.values() == [b"a"])
    (record,) = keeps_append_time.batches[-1].records
    assert record.appended_at == 1_456_833_600_000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order(running: Running, number: signal.Signals) -> None:
    """It prints its address and nothing else, and exits with 0."""
    running.process.send_signal(number)
    printed, _ = running.process.communicate(timeout=10)
    assert (running.process.returncode, printed) == (0, running.bootstrap + "\n")


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """Whoever started it may be killed: nothing is left behind."""
    shell = Running(tmp_path, through=("sh", "-c", '"$@" & echo $!; wait', "sh"))
    assert shell.process.stdout is not None
    pid = int(shell.process.stdout.readline())
    shell.process.kill()
    shell.process.wait(10)
    until(lambda: not _alive(pid))
    shell.process.stdout.close()


class _At:
    """Where to publish."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
