"""One stream on its way to the broker: what is read ahead, what is under way, and what is decided.

Decided means acknowledged or set aside. It is stored up to the first number that is not decided, so that
``sent_through`` in the outbox needs no list of exceptions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from muster_field.outbox import Outbox, Progress, Run
from muster_field.rows import Row
from muster_field.state import Reason, SetAside

PAGE_ROWS = 500


class Lane:
    """A relay's place in one stream."""

    def __init__(self, outbox: Outbox, kind: str, window: int, clock: Callable[[], int]) -> None:
        self._outbox, self._kind, self._window, self._clock = outbox, kind, window, clock
        self._sent_through = outbox.sent_through(kind)
        self._suspects: set[int] = set()
        self._acknowledged: list[Run] = []
        self._set_aside: list[SetAside] = []
        self._decided_ahead: set[int] = set()
        self.rewind()

    def rewind(self) -> None:
        """Forget what was under way: it will be read and sent again, from the first number undecided."""
        self._waiting: deque[Row] = deque()
        self._under_way: set[int] = set()
        self._read_through = self._sent_through

    @property
    def idle(self) -> bool:
        """Tell whether nothing is under way."""
        return not self._under_way

    def take(self) -> list[Row]:
        """Give the next rows to send, in order, as many as may be under way; they count as such from now on."""
        if not self._waiting:
            self._read()
        room = min(self._window - len(self._under_way), len(self._waiting))
        if self._suspects:
            room = min(room, self._careful_room())
        rows = [self._waiting.popleft() for _ in range(room)]
        self._under_way.update(row.sequence for row in rows)
        return rows

    def give_back(self, rows: Sequence[Row]) -> None:
        """Put rows back that could not be sent yet."""
        self._under_way.difference_update(row.sequence for row in rows)
        self._waiting.extendleft(reversed(rows))

    def acknowledge(self, sequence: int, offset: int, covers: int = 1) -> None:
        """Note that the broker has it, and those before it that the acknowledgement speaks for."""
        run = Run(sequence - covers + 1, sequence, offset - covers + 1)
        self._acknowledged.append(run)
        self._decide(run.first, run.last)

    def set_aside(self, sequence: int, reason: Reason, detail: str) -> None:
        """Put an event out of the way."""
        self._set_aside.append(SetAside(sequence=sequence, reason=reason, detail=detail, at=self._clock()))
        self._decide(sequence, sequence)

    def suspect(self, sequence: int) -> None:
        """Send this one alone next time: the broker refused the batch that held it, and one of them is to blame."""
        self._suspects.add(sequence)

    def was_alone(self, sequence: int) -> bool:
        """Tell whether nothing else was under way beside this number: a refusal of it is its own."""
        return sequence in self._suspects

    def progress(self) -> Progress | None:
        """Give what was decided and is not stored yet; it counts as stored from now on.

        What was decided ahead of a number that is not waits for it.
        """
        through = self._sent_through
        acknowledged = [run for run in self._acknowledged if run.last <= through]
        set_aside = [aside for aside in self._set_aside if aside.sequence <= through]
        if not acknowledged and not set_aside:
            return None
        self._acknowledged = [run for run in self._acknowledged if run.last > through]
        self._set_aside = [aside for aside in self._set_aside if aside.sequence > through]
        return Progress(self._kind, through, acknowledged, set_aside)

    def _careful_room(self) -> int:
        """Tell how many rows may go while there are suspects: those before the first one, or that one alone."""
        if not self._suspects.isdisjoint(self._under_way):
            return 0
        before = next((n for n, row in enumerate(self._waiting) if row.sequence in self._suspects), len(self._waiting))
        return before or (0 if self._under_way else 1)

    def _read(self) -> None:
        asked_again = (row for row in self._outbox.asked_again(self._kind) if not self._in_hand(row.sequence))
        rows = list(asked_again)
        for row in self._outbox.page(self._kind, self._read_through, PAGE_ROWS):
            for gone in range(self._read_through + 1, row.sequence):
                self.set_aside(gone, Reason.CORRUPT, "the row is gone")
            self._read_through = row.sequence
            if row.sequence not in self._decided_ahead:
                rows.append(row)
        for row in rows:
            if row.intact:
                self._waiting.append(row)
            else:
                self.set_aside(row.sequence, Reason.CORRUPT, "the row is not what was stored")

    def _in_hand(self, sequence: int) -> bool:
        """Tell whether a number that was asked for again is under way, or decided and not stored yet."""
        return (
            sequence in self._under_way
            or any(run.first <= sequence <= run.last for run in self._acknowledged)
            or any(aside.sequence == sequence for aside in self._set_aside)
        )

    def _decide(self, first: int, last: int) -> None:
        self._under_way.difference_update(range(first, last + 1))
        self._suspects.difference_update(range(first, last + 1))
        if first > self._sent_through + 1:
            self._decided_ahead.update(range(first, last + 1))
            return
        self._sent_through = max(self._sent_through, last)
        while self._sent_through + 1 in self._decided_ahead:
            self._sent_through += 1
            self._decided_ahead.discard(self._sent_through)
