"""A headquarters whose program cannot read some records yet: what this one can, once they are readmitted."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import pytest

from muster_contract.topics import Stream
from muster_hq import sorting
from muster_hq.facts import Reading, Unfit, read_record
from muster_hq.records import Record

UNREAD = "UNDECODABLE"
"""The reason that it gives."""


@contextmanager
def older_program(unread: Collection[tuple[str, int]]) -> Iterator[None]:
    """Take records in with a program that cannot read these, by stream and offset."""

    def read(record: Record, received_at: int, stream: Stream, *, registered: bool) -> Reading:
        if (record.stream, record.offset) in unread:
            return Unfit(UNREAD, "by an older program")
        return read_record(record, received_at, stream, registered=registered)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "read_record", read)
        yield
