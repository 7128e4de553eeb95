"""Words that recur, as small numbers: offices, streams, shapes and the like, both ways, kept in memory.

Every look-up is one step into a dict; what is not there yet is read or written the first time it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import apsw

from muster_contract.topics import parse_stream
from muster_hq.policy import Shape, shape_of
from muster_hq.verdicts import ALL_OFFICES


class Words:
    """All words of a ledger. New ones are written in the transaction that asks for their number first."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._by_kind: dict[str, Numbers] = {}
        self.text = _Texts(self)
        self.shape_numbers = _ShapeNumbers(self)
        self.shapes = _Shapes(self)
        self.streams = _Streams(self)
        self.reload()

    def of(self, kind: str) -> Numbers:
        """Give the numbers of one kind of words, as a mapping."""
        try:
            return self._by_kind[kind]
        except KeyError:
            return self._by_kind.setdefault(kind, Numbers(kind, self))

    def clocks(self) -> Mapping[str, int]:
        """Give the numbers of clocks: each office's, and 0 for the one over all."""
        offices = self.of("office")
        offices[ALL_OFFICES] = 0
        return offices

    def write(self, kind: str, word: str) -> None:
        """Write a new word and learn its number."""
        self._connection.execute("insert into names (kind, name) values (?, ?)", (kind, word))
        self.reload()

    def reload(self) -> None:
        """Learn the words that were written since, by this connection or by another."""
        newest = max(self.text, default=-1)
        for number, kind, word in self._connection.execute("select * from names where no > ?", (newest,)):
            self.of(kind)[word] = number
            self.text[number] = word
        self.text[0] = ALL_OFFICES


class Numbers(dict[str, int]):
    """The numbers of the words of one kind, by word."""

    def __init__(self, kind: str, words: Words) -> None:
        super().__init__()
        self._kind = kind
        self._words = words

    def __missing__(self, word: str) -> int:
        """Write a new word."""
        self._words.write(self._kind, word)
        return self[word]


class _Texts(dict[int, str]):
    """The words by number, which may have been written by another connection since."""

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words

    def __missing__(self, number: int) -> str:
        self._words.reload()
        return dict(self)[number]


class _ShapeNumbers(dict[Shape, int]):
    """The numbers of shapes: what a policy looks at is stored once, however many events have it."""

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words

    def __missing__(self, shape: Shape) -> int:
        text = json.dumps([shape.type, shape.codes], separators=(",", ":"))
        return self.setdefault(shape, self._words.of("shape")[text])


class _Shapes(dict[int, Shape]):
    """The shapes by number."""

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words

    def __missing__(self, number: int) -> Shape:
        event_type, codes = json.loads(self._words.text[number])
        return self.setdefault(number, shape_of(event_type, tuple((name, code) for name, code in codes)))


class _Streams(dict[int, tuple[str, str]]):
    """The name and the office of each stream of facts, by the stream's number."""

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words

    def __missing__(self, number: int) -> tuple[str, str]:
        stream = parse_stream(self._words.text[number])
        if stream is None or stream.office is None:
            raise ValueError(f"stream {number} has no facts")
        return self.setdefault(number, (stream.name, stream.office))
