"""Ids come out of a ledger as they went in, whatever they look like."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from muster_hq.ledger.ids import pack, pack_one, unpack

UUIDS = st.uuids().map(str)
OPAQUE = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)
NEARLY = (
    UUIDS.map(str.upper) | UUIDS.map(lambda text: text.replace("-", "")) | UUIDS.map(lambda t: t[1:8] + t[0] + t[8:])
)


@given(st.lists(UUIDS | OPAQUE | NEARLY, max_size=8))
@example([])
@example(["------------------------------------"])
@example(["00000000-0000-0000-0000-00000000000", "000000000-0000-0000-0000-000000000000"])
def test_ids_come_out_as_they_went_in(ids: list[str]) -> None:
    """Many at once, or one by one."""
    assert [unpack(stored) for stored in pack(ids)] == ids
    assert [pack_one(text) for text in ids] == pack(ids)


@given(st.lists(UUIDS, min_size=1, max_size=8))
def test_uuids_are_stored_as_their_bytes(ids: list[str]) -> None:
    """Sixteen of them."""
    assert pack(ids) == [UUID(text).bytes for text in ids]


@pytest.mark.parametrize("text", ["case-1", "0" * 36, "00000000-0000-0000-0000-00000000000G"])
def test_other_ids_are_stored_as_their_text(text: str) -> None:
    """Also what only looks like a UUID."""
    assert pack_one(text) == text
