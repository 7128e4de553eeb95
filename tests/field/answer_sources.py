"""A topic of answers in memory, beside the real one under the same suite."""

from __future__ import annotations

from collections.abc import Sequence

from muster_field.receiver import Record, SourceLost


class FakeAnswers:
    """What stands on an office's receipts topic; ``lost`` is how the next source fails."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.lost: SourceLost | None = None
        self.opened: list[int] = []

    def answer(self, *values: bytes) -> None:
        """Append answers."""
        self.values += values

    def connect(self, offset: int) -> FakeSource:
        """Give a source from an offset on."""
        self.opened.append(offset)
        return FakeSource(self, offset)


class FakeSource:
    """See Source."""

    def __init__(self, topic: FakeAnswers, offset: int) -> None:
        self._topic = topic
        self._next = offset
        self.closed = False

    def read(self, most: int, seconds: float) -> Sequence[Record]:  # noqa: ARG002 - time does not pass here
        """Give what is there."""
        if self._next > len(self._topic.values):
            raise SourceLost("_AUTO_OFFSET_RESET", gone=True)
        if self._topic.lost is not None:
            lost, self._topic.lost = self._topic.lost, None
            raise lost
        found = [Record(place, value) for place, value in enumerate(self._topic.values)][self._next :][:most]
        self._next += len(found)
        return found

    def at_end(self) -> bool:
        """Tell whether all was read."""
        return self._next == len(self._topic.values)

    def close(self) -> None:
        """Let go of it."""
        self.closed = True
