"""Logs: one event name for each thing that happens, readable on a terminal, JSON elsewhere; on stderr."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import structlog
import typer


def configure_logging(
    log_level: Annotated[str, typer.Option(envvar="MUSTER_LOG_LEVEL", help="debug, info, warning or error.")] = "info",
) -> None:
    """Set structlog up for a program: a typer callback, so that every command of it logs alike."""
    levels = {name: getattr(logging, name.upper()) for name in ("debug", "info", "warning", "error")}
    if log_level not in levels:
        raise typer.BadParameter(f"is one of {', '.join(levels)}", param_hint="--log-level")
    readable = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer(sort_keys=True)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks if not readable else structlog.processors.ExceptionRenderer(),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(levels[log_level]),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # as it is when something is logged
    )
