"""The relay: empties the outbox in order, and marks nothing as sent before the broker acknowledged it.

A turn of its loop: send what may go, hear what became of it, store that. When a record is refused, the sender
is thrown away and the relay goes on from the first number undecided, so nothing overtakes. A record that the
broker refuses for good, when it was sent alone, is set aside, and only then may later ones go.

The two streams share a sender, and nothing else: one that the broker refuses (its topic or a right is missing)
rests by itself, ever longer, and the other one and the heartbeats go on with the next sender.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from threading import Event
from uuid import UUID

import structlog

from muster_contract.headers import OutboxHeaders
from muster_contract.topics import encounters
from muster_field.heartbeat import heartbeat, parcel_of
from muster_field.lane import Lane
from muster_field.outbox import Outbox
from muster_field.outbox_care import prune
from muster_field.outbox_store import relay_lock
from muster_field.pacing import Backoff, Interval
from muster_field.rows import Row
from muster_field.sender import Parcel, Report, Sender, SenderLost
from muster_field.state import Reason
from muster_field.wire import KINDS, stream_name

IDLE_SECONDS = 0.1
MARK_SECONDS = 0.1
CLOSE_SECONDS = 2.0
FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 0.1, 30.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayOptions:
    """How a relay works. ``timestamp_of`` gives records a time of their own, for logs that trust it (replays).

    The bytes of events that were acknowledged are kept for ``keep_values`` milliseconds; for good when it is None.
    """

    window: int = 5_000
    heartbeat_seconds: float | None = 60.0
    keep_values: int | None = None
    prune_seconds: float = 86_400.0
    timestamp_of: Callable[[Row], int] | None = None


class Relay:
    """The one relay of an outbox; ``pace`` is a monotonic clock, ``clock`` the office's in UTC milliseconds."""

    def __init__(  # noqa: PLR0913 - what it empties, what it is given, how it works
        self,
        outbox: Outbox,
        connect: Callable[[], Sender],
        *,
        clock: Callable[[], int],
        new_id: Callable[[int], UUID],
        options: RelayOptions = RelayOptions(),
        pace: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox, self._connect, self._clock, self._new_id = outbox, connect, clock, new_id
        self._options, self._pace = options, pace
        self._office, epoch, _ = outbox.identity
        self._headers = OutboxHeaders(self._office, epoch)
        self._lanes: dict[str, Lane] = {}
        self._sender: Sender | None = None
        self._heartbeats, self._marks = Interval(options.heartbeat_seconds), Interval(MARK_SECONDS)
        self._prunes = Interval(None if options.keep_values is None else options.prune_seconds)
        self._heartbeat_under_way = False
        self._heartbeats_made = self._heartbeat_arrived = 0
        self._backoff = Backoff(FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS)
        self._rests = {
            stream_name(kind, self._office): Backoff(FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS) for kind in KINDS
        }
        self.turned_at = clock()
        """When the loop last turned: it lives as long as this moves."""

    @property
    def reading(self) -> bool:
        """Tell whether the outbox is being read: it is this relay's, and where each stream stands is known."""
        return bool(self._lanes)

    def run(self, stop: Event) -> None:
        """Relay until ``stop`` is set; then wait a moment for what is under way, and store what became of it."""
        with self._at_work():
            while not stop.is_set():
                self._turn(stop)

    def drain(self, seconds: float, *, stop: Event | None = None, on_turn: Callable[[], None] = lambda: None) -> bool:
        """Relay until nothing is pending, and a last heartbeat that says so has arrived; False when stopped before."""
        end, stop = self._pace() + seconds, stop or Event()
        with self._at_work():
            while not self._empty():
                if stop.is_set() or self._pace() >= end:
                    return False
                self._turn(stop)
                on_turn()
            made_before = self._heartbeats_made
            while self._options.heartbeat_seconds is not None and self._heartbeat_arrived <= made_before:
                if stop.is_set() or self._pace() >= end:
                    return False
                if not self._heartbeat_under_way:
                    self._heartbeats.hurry()
                self._turn(stop)
        return True

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        with closing(relay_lock(self._outbox.store.path)) as lock, lock:
            window, clock = self._options.window, self._clock
            self._lanes = {stream_name(kind, self._office): Lane(self._outbox, kind, window, clock) for kind in KINDS}
            _log.info("relay_started", office=self._office)
            try:
                yield
            finally:
                self._let_go(CLOSE_SECONDS)
                _log.info("relay_stopped", office=self._office)

    def _empty(self) -> bool:
        return all(lane.idle for lane in self._lanes.values()) and self._outbox.state().pending == 0

    def _turn(self, stop: Event) -> None:
        self.turned_at = self._clock()
        self._forget_when_due()
        delay = self._backoff.remaining(self._pace())
        if delay:
            stop.wait(min(delay, IDLE_SECONDS))
            return
        if self._sender is None:
            self._sender = self._connect()
        try:
            reports = self._exchange(self._sender)
        except SenderLost as lost:
            self._give_up(lost.code)
            return
        troubles = [(code, report.stream) for report in reports if (code := self._settle(report))]
        if troubles:
            # The client's own codes begin so: what it dropped because of another's refusal is not at fault.
            self._give_up(*next((one for one in troubles if not one[0].startswith("_")), troubles[0]))
        else:
            self._mark_when_due()

    def _forget_when_due(self) -> None:
        """Forget old bytes, at the start and once a day: a relay may run for years."""
        now = self._pace()
        if self._options.keep_values is not None and self._prunes.due(now):
            prune(self._outbox, self._clock() - self._options.keep_values)
            self._prunes.done(now)

    def _exchange(self, sender: Sender) -> list[Report]:
        now = self._pace()
        able = {stream: lane for stream, lane in self._lanes.items() if not self._rests[stream].remaining(now)}
        sent = [self._send(sender, stream, lane) for stream, lane in able.items()]
        if self._heartbeats.due(now) and not self._heartbeat_under_way and encounters(self._office) in able:
            self._send_heartbeat(sender)
        return list(sender.poll(0 if any(sent) else IDLE_SECONDS))

    def _send(self, sender: Sender, stream: str, lane: Lane) -> bool:
        rows = lane.take()
        timestamp_of = self._options.timestamp_of
        for place, row in enumerate(rows):
            sequence, event_id, recorded_at, value, _ = row
            headers = self._headers.of(row.type, event_id, recorded_at, sequence)
            timestamp = timestamp_of(row) if timestamp_of else None
            if not sender.send(Parcel(stream, sequence, value, headers, timestamp)):
                lane.give_back(rows[place:])
                return False
        return bool(rows)

    def _send_heartbeat(self, sender: Sender) -> None:
        now = self._clock()
        parcel = parcel_of(heartbeat(self._outbox.state(), self._new_id(now), now))
        if self._options.timestamp_of:
            parcel = parcel._replace(timestamp=now)
        self._heartbeat_under_way = sender.send(parcel)
        if self._heartbeat_under_way:
            self._heartbeats_made += 1
            self._heartbeats.done(self._pace())

    def _settle(self, report: Report) -> str | None:
        """Take in what became of a record; give the broker's code when it is trouble."""
        stream, sequence, offset, refusal, covers = report
        if sequence is None:
            self._settle_heartbeat(arrived=refusal is None)
        elif refusal is None:
            self._lanes[stream].acknowledge(sequence, offset, covers)
            self._succeeded(stream)
        elif refusal.for_good and self._lanes[stream].was_alone(sequence):
            self._lanes[stream].set_aside(sequence, Reason.REFUSED, refusal.code)
            self._succeeded(stream)
            _log.error("event_set_aside", stream=stream, sequence=sequence, reason="REFUSED", code=refusal.code)
        elif refusal.for_good:
            self._lanes[stream].suspect(sequence)
        return refusal.code if refusal else None

    def _succeeded(self, stream: str) -> None:
        self._backoff.succeeded()
        self._rests[stream].succeeded()

    def _settle_heartbeat(self, *, arrived: bool) -> None:
        self._heartbeat_under_way = False
        if arrived:
            self._heartbeat_arrived = self._heartbeats_made
        else:
            self._heartbeats.hurry()

    def _give_up(self, code: str, stream: str | None = None) -> None:
        """Throw the sender away, and begin again from the first number undecided; a stream that is at fault rests."""
        delay = (self._rests[stream] if stream else self._backoff).failed(self._pace())
        _log.warning("sender_given_up", code=code, stream=stream, again_in_seconds=delay)
        if self._heartbeat_under_way:
            self._settle_heartbeat(arrived=False)
        self._let_go(0)
        for lane in self._lanes.values():
            lane.rewind()

    def _let_go(self, seconds: float) -> None:
        sender, self._sender, self._heartbeat_under_way = self._sender, None, False
        for stream, sequence, offset, refusal, covers in sender.close(seconds) if sender else ():
            if sequence is not None and refusal is None:
                self._lanes[stream].acknowledge(sequence, offset, covers)
        self._mark()

    def _mark_when_due(self) -> None:
        now = self._pace()
        if self._marks.due(now) or all(lane.idle for lane in self._lanes.values()):
            self._mark()
            self._marks.done(now)

    def _mark(self) -> None:
        progress = [step for lane in self._lanes.values() if (step := lane.progress())]
        if progress:
            self._outbox.mark(progress, self._clock())
