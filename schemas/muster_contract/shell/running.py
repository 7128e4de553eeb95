"""How every command runs: refusals become lines and an exit code, signals become an event to stop by."""

from __future__ import annotations

import errno
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FrameType
from typing import ParamSpec, TypeVar

import typer

from muster_contract.errors import Fault, MusterError

P = ParamSpec("P")
R = TypeVar("R")


def run_command(command: Callable[P, R]) -> Callable[P, R]:
    """Have a command print the faults of a MusterError on stderr, one a line, and exit with its code."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except MusterError as refusal:
            for fault in refusal.faults:
                typer.echo(fault, err=True)
            raise typer.Exit(refusal.exit_code) from None
        except OSError as fault:
            if fault.errno != errno.ENOSPC:
                raise
            typer.echo(
                Fault("output", f"cannot be written: {fault.strerror}", "what was written is not whole"), err=True
            )
            raise typer.Exit(MusterError.exit_code) from None

    return run


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and SIGINT set, as long as the context lasts; a second one has its usual effect."""
    stop = threading.Event()
    before: dict[signal.Signals, object] = {}

    def on_signal(number: int, _: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        before[number] = signal.signal(number, on_signal)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() gave it takes back
