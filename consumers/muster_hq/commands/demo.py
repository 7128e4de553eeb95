"""``headquarters demo``: the whole of Muster on this machine, from a field office's outbox to a number on /metrics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from muster_contract.errors import MusterError
from muster_contract.shell.running import stopped_by_signals
from muster_contract.times import now_ms
from muster_hq.demo.files import write_files
from muster_hq.demo.play import SINCE, Wishes, play, watch
from muster_hq.demo.programs import Programs, Stopped
from muster_hq.demo.stage import Stage

STOPPED = 130
"""The exit code of a demonstration that was stopped before its end, as a shell gives it for Ctrl-C."""


def demo(
    cases: Annotated[int | None, typer.Option(min=0, help="Cases of fiscal years 2013 to 2015.")] = None,
    untransmitted: Annotated[
        int | None, typer.Option(min=0, help="Cases since 2016 whose required report never comes.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, other events.")] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Go on with live offices and deadlines of seconds, until Ctrl-C.")
    ] = False,
    seconds: Annotated[float | None, typer.Option(help="With --serve: end after so long.")] = None,
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where /metrics is; port 0 is any.")] = "127.0.0.1:0",
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the files, the outboxes and the ledger there.")
    ] = None,
    tamper: Annotated[
        bool, typer.Option("--tamper", help="Strike one verdict from the ledger, to see the audit notice.")
    ] = False,
    only_write_files: Annotated[
        Path | None,
        typer.Option("--write-files", metavar="DIR", help="Write the policies and the register there, and end."),
    ] = None,
) -> None:
    """Play five fiscal years of field offices on an embedded broker, and find the reports that never came.

    All events are synthetic, and the policy is a demonstration. Exit code 1: the audit disagrees with the ledger.
    """
    if only_write_files:
        write_files(only_write_files)
        return
    asked = {"cases": cases, "untransmitted": untransmitted, "seed": seed}
    wishes = Wishes(scenario={name: value for name, value in asked.items() if value is not None}, tamper=tamper)
    with _folder(keep) as folder, stopped_by_signals() as stop, Programs(folder, stop) as programs:
        try:
            stage = Stage(programs, folder, write_files(folder, live_from=now_ms() if serve else None), listen)
            number = play(stage, Console(), wishes)
        except Stopped:
            typer.echo("stopped before the end; nothing is left running", err=True)
            raise typer.Exit(STOPPED) from None
        typer.echo(f"outstanding since {SINCE}: {number}")
        if serve:
            with suppress(Stopped):
                watch(stage, programs, Console(stderr=True), seconds)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Give the folder of a demonstration: a new one that is removed afterwards, or one that stays."""
    if keep is None:
        with TemporaryDirectory(prefix="muster-demo-") as name:
            yield Path(name)
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
        full = any(keep.iterdir())
    except OSError as fault:
        raise MusterError.of(str(keep), f"cannot be used: {fault.strerror}") from None
    if full:
        raise MusterError.of(str(keep), "is not empty", "a demonstration begins with nothing")
    yield keep.resolve()
