"""The vocabulary as the second part of a page; docs/metrics.md says how the page is made."""

from __future__ import annotations

import sys

from muster_contract.shell.vocabulary import table
from muster_field.metrics.vocabulary import VOCABULARY

_HEAD = """
## Field office

Served by `field-office relay --metrics-port`, for the one office whose outbox it empties. Every value is read from
the outbox, so totals go on after a restart.

"""


def document() -> str:
    """Give the field office's part of the page."""
    return _HEAD + table(VOCABULARY)


if __name__ == "__main__":
    sys.stdout.write(document())
