"""``headquarters demo``: from the outbox to the number on /metrics, audited; and nothing is left running."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest

HEADQUARTERS = str(Path(sys.executable).parent / "headquarters")
PATIENCE = 120.0
_URL = re.compile(r"http://127\.0\.0\.1:\d+/metrics")


def demo(*options: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a demonstration to its end, and insist on its exit code."""
    command = [HEADQUARTERS, "demo", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == expect, done.stdout[-2000:] + done.stderr[-2000:]
    return done


def programs_of(folder: Path) -> list[str]:
    """Give the command lines of processes that name a folder; there are some while a demonstration uses it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(folder) in line:
                found.append(line)
    return found


def until(holds: Callable[[], object], what: str) -> None:
    """Wait until something holds; fail with what it was when it never does."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.05)


@pytest.mark.parametrize("untransmitted", [19, pytest.param(7, marks=pytest.mark.long)])
def test_the_last_line_counts_what_was_never_transmitted(untransmitted: int, tmp_path: Path) -> None:
    """The number is found, not known: another scenario, another number."""
    options = [] if untransmitted == 19 else ["--untransmitted", str(untransmitted)]
    done = demo("--keep", str(tmp_path / "kept"), *options)
    assert done.stdout.splitlines()[-1] == f"outstanding since 2016-01-01: {untransmitted}"
    assert done.stdout.endswith("\n")
    assert "of 40 sampled cases, 40 missed a deadline" in done.stdout
    assert "agree, verdict by verdict" in done.stdout
    assert "SEQUENCE_GAP" in done.stdout
    assert programs_of(tmp_path) == []


def test_a_verdict_that_is_struck_from_the_ledger_is_noticed() -> None:
    """The audit disagrees, names the verdict, and the demonstration fails without its last line."""
    done = demo("--cases", "3", "--untransmitted", "2", "--tamper", expect=1)
    assert '"only_in": "audit"' in done.stdout
    assert "do not say the same" in done.stderr
    assert "outstanding since" not in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_that_is_stopped_leaves_nothing_running(number: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C ends every program that it started, each by its own pid."""
    kept = tmp_path / "kept"
    with subprocess.Popen([HEADQUARTERS, "demo", "--keep", str(kept)], stdout=subprocess.PIPE, text=True) as process:
        until((kept / "outboxes").exists, "offices record")
        assert len(programs_of(kept)) > 2
        process.send_signal(number)
        assert process.wait(PATIENCE) == 130
    until(lambda: not programs_of(kept), "all has ended")


def test_a_program_that_fails_is_shown_and_the_others_end(tmp_path: Path) -> None:
    """Its last words are the error; no traceback, and nothing is left running."""
    done = demo("--keep", str(tmp_path / "kept"), "--listen", "nowhere", expect=2)
    assert "serve: --listen: is not HOST:PORT" in done.stderr
    assert "Traceback" not in done.stderr
    assert programs_of(tmp_path) == []


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    """A demonstration begins with nothing, and overwrites nothing."""
    (tmp_path / "mine").write_text("", "utf-8")
    assert "is not empty" in demo("--keep", str(tmp_path), expect=2).stderr


def test_its_files_are_there_for_other_uses(tmp_path: Path) -> None:
    """Policies and register are written where somebody wants them, and can be audited with."""
    demo("--write-files", str(tmp_path))
    names = {"offices.toml", "demo-kstep.toml", "demo-protocol.toml", "demo-outage.toml"}
    assert {path.name for path in tmp_path.iterdir()} == names


@pytest.mark.long
def test_it_can_go_on_with_live_offices(tmp_path: Path) -> None:
    """With --serve, offices go on by the real clock, and /metrics moves as they miss deadlines of seconds."""
    command = [
        HEADQUARTERS,
        "demo",
        "--cases",
        "3",
        "--untransmitted",
        "2",
        "--keep",
        str(tmp_path / "kept"),
        "--serve",
    ]
    out, err = tmp_path / "out", tmp_path / "err"
    with (
        out.open("wb") as stdout,
        err.open("wb") as stderr,
        subprocess.Popen(command, stdout=stdout, stderr=stderr) as p,
    ):
        until(lambda: _URL.search(err.read_text()) or p.poll() is not None, "its address is shown")
        url = _URL.search(err.read_text())
        assert url is not None, err.read_text()
        before = missed(url[0])
        until(lambda: missed(url[0]) > before or p.poll() is not None, "a deadline is missed")
        p.send_signal(signal.SIGINT)
        assert p.wait(PATIENCE) == 0, err.read_text()
    assert out.read_text().splitlines()[-1] == "outstanding since 2016-01-01: 2"
    assert programs_of(tmp_path) == []


def missed(url: str) -> int:
    """Read how many initial reports were missed."""
    with urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - loopback
        lines = answer.read().decode().splitlines()
    counted = [line for line in lines if line.startswith("muster_reports_missed_total") and "initial-report" in line]
    return sum(int(float(line.rpartition(" ")[2])) for line in counted)
