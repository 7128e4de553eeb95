"""What tables for people are printed on: a terminal, or a pipe or file from which nothing of them may be cut off."""

from __future__ import annotations

import sys

from rich.console import Console


def for_people(columns: int) -> Console:
    """Give a terminal as wide as it is; anything else is so many columns wide."""
    return Console(width=None if sys.stdout.isatty() else columns)
