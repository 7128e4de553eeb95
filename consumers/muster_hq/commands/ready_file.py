"""The file by which a program that starts another learns its address."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from muster_contract.errors import ConfigurationError

ReadyFile = Annotated[
    Path | None, typer.Option("--ready-file", metavar="FILE", help="Written once it answers: its address, as JSON.")
]


def tell_ready(path: Path | None, **addresses: str) -> None:
    """Write the file, if one was asked for, so that nobody sees half of it: whoever waits for it reads it at once."""
    if path is None:
        return
    draft = path.with_name(path.name + ".draft")
    try:
        draft.write_text(json.dumps(addresses), "utf-8")
        draft.replace(path)
    except OSError as fault:
        raise ConfigurationError.of("--ready-file", f"{path} cannot be written: {fault.strerror}") from None
