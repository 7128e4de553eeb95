"""Health by progress: the loops turned, and the clock moves; a reason when not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

STUCK_SECONDS = 60.0
"""A loop that has not turned for so long is stuck: no turn waits or computes anywhere near it."""
LOOK_SECONDS = 1.0
"""The clock is compared with a monotonic one over stretches of at least so long."""


class Health:
    """Why a process is not healthy; None when it is. Threads may ask at once.

    ``loops`` tell by name when each last turned, in UTC milliseconds by ``clock``. Such times prove nothing
    while the clock itself stands or goes back, so that is looked at too, against ``pace``, a monotonic one.
    ``further`` are checks of the process's own.
    """

    def __init__(
        self,
        loops: Mapping[str, Callable[[], int]],
        *further: Callable[[], str | None],
        clock: Callable[[], int],
        pace: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loops, self._further = loops, further
        self._clock, self._pace = clock, pace
        self._seen = (clock(), pace())
        self._clock_stands: str | None = None
        self._lock = threading.Lock()

    def __call__(self) -> str | None:
        """Give every reason, or None."""
        reasons = [self._why_clock_stands(), *map(self._why_stuck, self._loops), *(check() for check in self._further)]
        return "; ".join(reason for reason in reasons if reason) or None

    def _why_stuck(self, loop: str) -> str | None:
        silent = (self._clock() - self._loops[loop]()) / 1000
        return f"{loop} has not turned for {silent:.0f} s" if silent > STUCK_SECONDS else None

    def _why_clock_stands(self) -> str | None:
        with self._lock:
            clock, pace = self._clock(), self._pace()
            moved, passed = (clock - self._seen[0]) / 1000, pace - self._seen[1]
            if passed >= LOOK_SECONDS:
                stands = moved < passed / 2
                cause = f"this machine's clock moved {moved:.1f} s while {passed:.1f} s went by"
                self._clock_stands = cause if stands else None
                self._seen = clock, pace
            return self._clock_stands
