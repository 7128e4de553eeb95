"""Words that recur, as small numbers by kind: offices, streams, shapes and the like, both ways, kept in memory.

A new word is written at once and on its own: another worker may want it too, and must not wait for a whole turn.
A word that no row uses in the end does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from psycopg import Connection

from muster_hq.ledger.lookups import shape_numbers, shapes, streams
from muster_hq.verdicts import ALL_OFFICES

Fetch = Callable[[str], list[tuple[Any, ...]]]
_TRIES = 100

_WRITE = """
    insert into names (kind, no, name)
    select %(kind)s, (select coalesce(max(no), 0) from names where kind = %(kind)s) + number, name
    from unnest(%(words)s::text[]) with ordinality as new(name, number) on conflict do nothing"""


class Words:
    """All words of a ledger. ``fetch`` reads; ``aside`` gives a connection that commits each statement at once."""

    def __init__(self, fetch: Fetch, aside: Callable[[], Connection[Any]]) -> None:
        self._fetch = fetch
        self._aside = aside
        self._by_kind: dict[str, Numbers] = {}
        self._texts: dict[str, Texts] = {}
        self.shape_numbers = shape_numbers(self.of("shape"))
        self.shapes = shapes(self.text("shape"))
        self.streams = streams(self.text("stream"))
        self.reload()

    def of(self, kind: str) -> Numbers:
        """Give the numbers of one kind of words, by word."""
        return self._by_kind.get(kind) or self._by_kind.setdefault(kind, Numbers(kind, self))

    def text(self, kind: str) -> Texts:
        """Give the words of one kind, by number."""
        return self._texts.get(kind) or self._texts.setdefault(kind, Texts(self))

    def clocks(self) -> Mapping[str, int]:
        """Give the numbers of clocks: each office's, and 0 for the one over all."""
        offices = self.of("office")
        offices[ALL_OFFICES] = 0
        return offices

    def clock_names(self) -> Mapping[int, str]:
        """Give the names of clocks by number."""
        texts = self.text("office")
        texts[0] = ALL_OFFICES
        return texts

    def learn(self, kind: str, words: Iterable[str]) -> None:
        """Make sure that these have their numbers, also when another worker writes them now."""
        known = self.of(kind)
        for _ in range(_TRIES):
            missing = [word for word in words if word not in known]
            if not missing:
                return
            aside = self._aside()
            aside.execute(_WRITE, {"kind": kind, "words": missing})
            self._keep(aside.execute("select kind, no, name from names where kind = %s", (kind,)).fetchall())
        raise AssertionError(f"cannot number {kind}")

    def reload(self) -> None:
        """Learn the words that were written since, by this worker or by another."""
        self._keep(self._fetch("select kind, no, name from names"))

    def _keep(self, rows: Iterable[tuple[str, int, str]]) -> None:
        for kind, number, word in rows:
            self.of(kind)[word] = number
            self.text(kind)[number] = word


class Numbers(dict[str, int]):
    """The numbers of the words of one kind, by word."""

    def __init__(self, kind: str, words: Words) -> None:
        super().__init__()
        self._kind = kind
        self._words = words

    def __bool__(self) -> bool:
        return True

    def __missing__(self, word: str) -> int:
        """Write a new word."""
        self._words.learn(self._kind, [word])
        return self[word]


class Texts(dict[int, str]):
    """The words of one kind by number, which another worker may have written since."""

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words

    def __bool__(self) -> bool:
        return True

    def __missing__(self, number: int) -> str:
        self._words.reload()
        return dict(self)[number]
