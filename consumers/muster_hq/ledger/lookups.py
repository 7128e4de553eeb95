"""What ledgers keep as numbers and texts, and judging as objects: shapes and streams, each made once."""

from __future__ import annotations

import json
from collections.abc import Mapping

from muster_contract.topics import parse_stream
from muster_hq.memo import Memo
from muster_hq.patterns import Shape, shape_of


def shape_numbers(numbers: Mapping[str, int]) -> Memo[Shape, int]:
    """Give the numbers of shapes: what a policy looks at is stored once, however many events have it."""
    return Memo(lambda shape: numbers[json.dumps([shape.type, shape.codes], separators=(",", ":"))])


def shapes(texts: Mapping[int, str]) -> Memo[int, Shape]:
    """Give the shapes by number."""

    def read(number: int) -> Shape:
        event_type, codes = json.loads(texts[number])
        return shape_of(event_type, tuple((name, code) for name, code in codes))

    return Memo(read)


def streams(texts: Mapping[int, str]) -> Memo[int, tuple[str, str]]:
    """Give the name and the office of each stream of facts, by the stream's number."""

    def read(number: int) -> tuple[str, str]:
        stream = parse_stream(texts[number])
        if stream is None or stream.office is None:
            raise ValueError(f"stream {number} has no facts")
        return stream.name, stream.office

    return Memo(read)
