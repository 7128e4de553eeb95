"""How Muster refuses: a place, a cause and a hint, as many at once as there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where, what, and what to do about it. Never a record's content."""

    place: str
    cause: str
    hint: str = ""

    def __str__(self) -> str:
        """Give one line: ``place: cause (hint)``."""
        return f"{self.place}: {self.cause}" + (f" ({self.hint})" if self.hint else "")


class MusterError(Exception):
    """A refusal that a user can act on; commands print its faults and exit with ``exit_code``."""

    exit_code = 2

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))

    @classmethod
    def of(cls, place: str, cause: str, hint: str = "") -> Self:
        """Build a refusal with a single fault, of the class that it is called on."""
        return cls([Fault(place, cause, hint)])


class ConfigurationError(MusterError):
    """A setting, a policy, a register or a file of the user's is wrong: exit code 2."""


class Refused(MusterError):
    """The field API did not accept an event; nothing was stored."""


class Finding(MusterError):
    """The command did its work and found something: exit code 1."""

    exit_code = 1
