"""A function's values, remembered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memo(dict[K, V]):
    """What a function gives, remembered, and looked up in one step: judging asks the same few things all the time."""

    def __init__(self, function: Callable[[K], V]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, key: K) -> V:
        """Ask the function, once a key."""
        value = self[key] = self._function(key)
        return value
