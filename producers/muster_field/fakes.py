"""A broker in memory, for tests of what uses the Sender port; the port's own suite holds it to the real one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from muster_field.sender import Parcel, Refusal, Report, SenderLost


class FakeBroker:
    """Keeps what was appended, by stream; tests set what it refuses, and whether it can be reached."""

    def __init__(self) -> None:
        self.log: dict[str, list[Parcel]] = {}
        self.refuses: Callable[[Parcel], Refusal | None] = lambda _: None
        self.reachable = True
        self.loses_next_sender = False
        self.queue_size = 100_000
        self.refuses_batches = False
        self.answers_every = 1
        self.most_queued = 0

    def connect(self) -> FakeSender:
        """Give a new sender."""
        return FakeSender(self)

    def sequences(self, stream: str) -> list[int | None]:
        """Give the numbers on a stream, in order."""
        return [parcel.sequence for parcel in self.log.get(stream, ())]


class FakeSender:
    """Appends in order when polled; a record that fails stops it, as the real one does."""

    def __init__(self, broker: FakeBroker) -> None:
        self._broker = broker
        self._queue: list[Parcel] = []
        self._polls = 0
        self._lost: str | None = None

    def send(self, parcel: Parcel) -> bool:
        """Queue a record."""
        if self._lost or len(self._queue) >= self._broker.queue_size:
            return False
        self._queue.append(parcel)
        self._broker.most_queued = max(self._broker.most_queued, len(self._queue))
        return True

    def poll(self, seconds: float) -> Sequence[Report]:  # noqa: ARG002 - the port's; time does not pass here
        """Append what is queued, until something fails; a slow broker answers every so many polls."""
        self._polls += 1
        if self._polls % self._broker.answers_every:
            return []
        reports = self._append()
        if not reports and self._lost:
            raise SenderLost(self._lost)
        return reports

    def close(self, seconds: float) -> Sequence[Report]:
        """Append what is queued if there is time for it; drop the rest."""
        reports = self._append() if seconds else []
        self._queue.clear()
        return reports

    def _append(self) -> list[Report]:
        reports: list[Report] = []
        if self._broker.loses_next_sender:
            self._broker.loses_next_sender, self._lost = False, "_FENCED"
        while self._queue and self._broker.reachable and not self._lost:
            refusal = self._refusal()
            parcel = self._queue.pop(0)
            if refusal:
                self._lost = "_GAPLESS_GUARANTEE"
                reports.append(Report(parcel.stream, parcel.sequence, -1, refusal))
            else:
                log = self._broker.log.setdefault(parcel.stream, [])
                log.append(parcel)
                reports.append(Report(parcel.stream, parcel.sequence, len(log) - 1))
        return reports

    def _refusal(self) -> Refusal | None:
        """Judge the next record, with the rest of its stream's batch where a batch is refused whole."""
        stream = self._queue[0].stream
        batch = [parcel for parcel in self._queue if parcel.stream == stream]
        judged = batch if self._broker.refuses_batches else batch[:1]
        return next(filter(None, map(self._broker.refuses, judged)), None)
