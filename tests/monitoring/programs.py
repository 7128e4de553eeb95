"""Prometheus' own programs for tests: those that docker/prometheus/install.sh fetched; a missing one fails the test."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULES = ROOT / "docker" / "prometheus" / "rules"
_BIN = ROOT / "build" / "prometheus" / "usr" / "bin"


def program(name: str) -> str:
    """Give the path of a program."""
    if not (_BIN / name).exists():
        pytest.fail(f"the test needs {name}: run docker/prometheus/install.sh")
    return str(_BIN / name)


def run(name: str, *arguments: str | Path, stdin: str = "") -> str:
    """Run a program; what it complains about fails the test."""
    command = [program(name), *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
