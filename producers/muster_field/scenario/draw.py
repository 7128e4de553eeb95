"""Seeded chance: the same seed draws the same instants, choices and ids, on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar
from uuid import UUID

T = TypeVar("T")

_VERSION_AND_VARIANT = 7 << 76 | 2 << 62
_RANDOM_BITS = 0xFFF << 64 | (1 << 62) - 1


class Draw:
    """A source of chance that a scenario owns."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - chance that must repeat itself, and guards nothing

    def between(self, low: int, high: int) -> int:
        """Draw a number from ``low`` to ``high``, both included."""
        return self._random.randint(low, high)

    def happens(self, share: float) -> bool:
        """Tell whether something happens that does so in this share of cases."""
        return self._random.random() < share

    def one_of(self, choices: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """Draw one."""
        return self._random.choices(choices, weights)[0]

    def some_of(self, choices: Sequence[T], number: int) -> list[T]:
        """Draw that many different ones."""
        return self._random.sample(choices, number)

    def id(self, at: int) -> UUID:
        """Make a UUIDv7 of an instant in UTC milliseconds."""
        return UUID(int=at << 80 | self._random.getrandbits(80) & _RANDOM_BITS | _VERSION_AND_VARIANT)

    def digest(self) -> str:
        """Make the SHA-256 of a report that was never written, in hex."""
        return self._random.randbytes(32).hex()
