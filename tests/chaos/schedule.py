"""A schedule of faults, drawn from a seed: the same seed, the same schedule. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of fault: how it begins, how it ends, and for how many seconds it may last, from and to."""

    begin: str
    end: str
    seconds: tuple[float, float]


KILLED = Kind("kill", "start", (0.0, 3.0))
STOPPED = Kind("stop", "start", (0.0, 2.0))
FROZEN = Kind("freeze", "thaw", (0.5, 9.0))
"""Longer than a session lasts (6 s): what thaws believes that it still owns its streams."""
POISON = Kind("poison", "nothing", (0.0, 0.0))
AGAIN = Kind("again", "nothing", (0.0, 0.0))

KINDS: Mapping[str, Sequence[Kind]] = {
    "broker": (KILLED, STOPPED, FROZEN),
    "worker": (KILLED, KILLED, STOPPED, FROZEN),
    "pulse": (KILLED, FROZEN),
    "relay": (KILLED, KILLED, STOPPED, FROZEN),
    "postgres": (KILLED, KILLED, STOPPED),
    "stream": (AGAIN,),
    "poisoned": (POISON, AGAIN),
}
"""What may happen to a part, by the first word of its name."""

PAUSES: Mapping[str, tuple[float, float]] = {
    "broker": (6.0, 40.0),
    "postgres": (4.0, 25.0),
    "pulse": (3.0, 30.0),
    "stream": (0.2, 3.0),
    "poisoned": (0.2, 3.0),
}
"""Seconds from one fault of a part to its next; for the others, PAUSE."""
PAUSE = (1.0, 12.0)


class Step(NamedTuple):
    """One step of a schedule: seconds after its begin, what is done, and to which part."""

    at: float
    action: str
    part: str

    def __str__(self) -> str:
        """Give a line for people."""
        return f"{self.at:7.2f} s  {self.action:7} {self.part}"


def draw(seed: int, seconds: float, parts: Iterable[str]) -> list[Step]:
    """Draw what happens to each part in so many seconds; whatever begins has ended by then."""
    steps = []
    for part in parts:
        chance = random.Random(f"{seed} {part}")  # noqa: S311 - a schedule, not a secret
        word = part.partition("-")[0]
        at = chance.uniform(*PAUSES.get(word, PAUSE))
        while at < seconds:
            kind = chance.choice(KINDS[word])
            end = min(at + chance.uniform(*kind.seconds), seconds)
            steps += [Step(at, kind.begin, part), Step(end, kind.end, part)]
            at = end + chance.uniform(*PAUSES.get(word, PAUSE))
    return sorted(step for step in steps if step.action != "nothing")
