"""Words that recur, as small numbers: offices, streams, shapes and the like, both ways, kept in memory.

Every look-up is one step into a dict; what is not there yet is read or written the first time it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

import apsw

from muster_hq.ledger.lookups import shape_numbers, shapes, streams
from muster_hq.verdicts import ALL_OFFICES


class Words:
    """All words of a ledger. New ones are written in the transaction that asks for their number first."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._by_kind: dict[str, Numbers] = {}
        self.text = _Texts(self)
        self.shape_numbers = shape_numbers(self.of("shape"))
        self.shapes = shapes(self.text)
        self.streams = streams(self.text)
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
