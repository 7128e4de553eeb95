"""What headquarters' document system says, as its log has it: a report of this reference and digest lies there."""

from __future__ import annotations

from typing import NamedTuple

LODGED = "ReportLodged"
"""The type of the record, and of the fact that comes of one and of the report that it matches."""


class Lodging(NamedTuple):
    """A ReportLodged of ``hq.directives``; of several of one reference and digest the first alone is kept."""

    received_at: int
    offset: int
    event_id: bytes
    reference: str
    sha256: bytes


class Claim(NamedTuple):
    """A report of a case, by its stream and offset, and a lodging of the reference that it names.

    ``matches`` tells whether the digest that it names is the lodging's, too.
    """

    stream: str
    offset: int
    matches: bool
    lodging: Lodging
