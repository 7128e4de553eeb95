"""A relay on the fake broker, for tests: its time is a number, and its waits take none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Event

from muster_field.fakes import FakeBroker
from muster_field.outbox import Outbox
from muster_field.relay import Relay, RelayOptions
from muster_field.wiring import new_id
from tests.field.offices import Clock

QUIET = RelayOptions(heartbeat_seconds=None)


@contextmanager
def relay_on(
    folder: Path, broker: FakeBroker, options: RelayOptions = QUIET, clock: Clock | None = None
) -> Iterator[Relay]:
    """Put a relay on the outbox in a folder; each look at its monotonic clock is a tenth of a second."""
    outbox = Outbox.open(folder / "outbox.db")
    ticks = count()
    pace = lambda: next(ticks) / 10  # noqa: E731 - a clock
    yield Relay(outbox, broker.connect, clock=clock or Clock(), new_id=new_id, options=options, pace=pace)
    outbox.close()


def drain(folder: Path, broker: FakeBroker, options: RelayOptions = QUIET, seconds: float = 100) -> bool:
    """Relay until nothing is pending, with a relay of its own."""
    with relay_on(folder, broker, options) as relay:
        return relay.drain(seconds, stop=StopAfter(1_000_000))


class StopAfter(Event):
    """Is set once it was looked at so many times."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self._looks = looks

    def is_set(self) -> bool:
        """Count the look."""
        self._looks -= 1
        return self._looks < 0

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - takes no time
        """Do not wait."""
        return self._looks < 0
