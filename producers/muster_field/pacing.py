"""When to do a thing again: on a monotonic clock, so that a changed wall clock neither hurries nor stops it."""

from __future__ import annotations


class Interval:
    """Something due at once, and then every so often; never when ``seconds`` is None."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._due_at = float("-inf") if seconds is not None else float("inf")

    def due(self, now: float) -> bool:
        """Tell whether it is time."""
        return now >= self._due_at

    def hurry(self) -> None:
        """Have it be due at once, unless it never is."""
        if self._seconds is not None:
            self._due_at = float("-inf")

    def done(self, now: float) -> None:
        """Count from now."""
        if self._seconds is not None:
            self._due_at = now + self._seconds


class Backoff:
    """How long to wait after a failure: twice as long each time, until something succeeds."""

    def __init__(self, first: float, longest: float) -> None:
        self._first, self._longest = first, longest
        self._next = first
        self._until = float("-inf")

    def failed(self, now: float) -> float:
        """Note a failure, and give the delay."""
        delay, self._next = self._next, min(2 * self._next, self._longest)
        self._until = now + delay
        return delay

    def succeeded(self) -> None:
        """Begin with the first delay again."""
        self._next = self._first

    def remaining(self, now: float) -> float:
        """Give how long to wait still."""
        return max(0.0, self._until - now)
