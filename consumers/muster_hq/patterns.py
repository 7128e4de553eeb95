"""What of an event a policy can look at, and which events a pattern of it matches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache


class Shape:
    """What of an event a policy can look at: its type, and the fields that hold codes. One object a value.

    There are a few hundred shapes for any number of events, so that matching is a look-up by identity.
    Make them with ``shape_of``.
    """

    __slots__ = ("codes", "type")

    def __init__(self, event_type: str, codes: tuple[tuple[str, str], ...]) -> None:
        self.type = event_type
        self.codes = codes

    def __repr__(self) -> str:
        """Show the type and the codes: no id is among them."""
        return f"Shape({self.type}, {dict(self.codes)})"


@lru_cache(maxsize=65_536)
def shape_of(event_type: str, codes: tuple[tuple[str, str], ...]) -> Shape:
    """Give the one Shape of this type with these (field, code) pairs, which stand in the schema's order."""
    return Shape(event_type, codes)


@dataclass(frozen=True, slots=True)
class Pattern:
    """An event type, and for some of its code fields the codes that match."""

    event: str
    where: Mapping[str, frozenset[str]]

    def matches(self, shape: Shape) -> bool:
        """Tell whether an event of this shape matches."""
        if shape.type != self.event:
            return False
        codes = dict(shape.codes)
        return all(codes.get(name) in wanted for name, wanted in self.where.items())


Patterns = tuple[Pattern, ...]


def any_matches(patterns: Patterns, shape: Shape) -> bool:
    """Tell whether one of the patterns matches."""
    return any(pattern.matches(shape) for pattern in patterns)
