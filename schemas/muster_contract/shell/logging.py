"""Logs: one event name for each thing that happens, readable on a terminal, JSON elsewhere; on stderr."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer

from muster_contract.errors import ConfigurationError
from muster_contract.shell.log_filter import OnlyListed
from muster_contract.shell.running import run_command

KEY = "MUSTER_LOG_KEY"
STRICT = "MUSTER_LOG_STRICT"
"""Set in tests: a log call that the list does not name raises."""
SHORTEST_KEY = 16


@run_command
def configure_logging(
    log_level: Annotated[str, typer.Option(envvar="MUSTER_LOG_LEVEL", help="debug, info, warning or error.")] = "info",
    log_key_file: Annotated[
        Path | None,
        typer.Option(
            envvar="MUSTER_LOG_KEY_FILE",
            metavar="FILE",
            help="The secret by which cases are hashed in logs. Without it, or MUSTER_LOG_KEY: a new one each start.",
        ),
    ] = None,
) -> None:
    """Set structlog up for a program: a typer callback, so that every command of it logs alike."""
    levels = {name: getattr(logging, name.upper()) for name in ("debug", "info", "warning", "error")}
    if log_level not in levels:
        raise typer.BadParameter(f"is one of {', '.join(levels)}", param_hint="--log-level")
    readable = sys.stderr.isatty()
    structlog.configure(
        processors=[
            OnlyListed(_key(log_key_file), strict=STRICT in os.environ),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(levels[log_level]),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # as it is when something is logged
    )


def _key(path: Path | None) -> bytes:
    """Read the key for hashes of cases; without one, a random key still tells cases apart until the next start."""
    place, text = (str(path), "") if path else (KEY, os.environ.get(KEY, ""))
    if path is None and not text:
        return os.urandom(32)
    if path is not None:
        try:
            text = path.read_text("utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as fault:
            raise ConfigurationError.of(place, f"cannot be read: {fault}", "one line, the key alone") from None
    if len(text.encode()) < SHORTEST_KEY:
        raise ConfigurationError.of(place, f"is shorter than {SHORTEST_KEY} bytes", "openssl rand -hex 32")
    return text.encode()
