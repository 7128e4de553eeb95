"""Shapes as numbers: what a policy looks at, stored once however many events have it."""

from __future__ import annotations

import json

from muster_hq.ledger.sqlite.database import Words
from muster_hq.policy import Shape, shape_of


class Shapes:
    """The numbers of shapes, both ways, kept in memory beside the words that they are stored as."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self._numbers: dict[Shape, int] = {}
        self._shapes: dict[int, Shape] = {}

    def number(self, shape: Shape) -> int:
        """Give a shape's number, within a transaction that may have to write it."""
        try:
            return self._numbers[shape]
        except KeyError:
            text = json.dumps([shape.type, shape.codes], separators=(",", ":"))
            return self._numbers.setdefault(shape, self.words.of("shape")[text])

    def shape(self, number: int) -> Shape:
        """Give the shape of a number."""
        try:
            return self._shapes[number]
        except KeyError:
            event_type, codes = json.loads(self.words.word(number))
            shape = shape_of(event_type, tuple((name, code) for name, code in codes))
            return self._shapes.setdefault(number, shape)
