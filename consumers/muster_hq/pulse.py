"""Headquarters' clock: it appends pulses, so that time passes on silent streams and stands in the log itself.

It needs no worker and may run twice: a pulse says nothing but that the broker took it when it did. With a
ledger to look into it also pulses, once a second, the streams that hold a due time back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import structlog

from muster_contract.codec import PULSE
from muster_contract.errors import Fault, MusterError
from muster_contract.topics import parse_stream
from muster_hq.entries import NEVER_READ
from muster_hq.kafka import Unsent
from muster_hq.ledger_port import LedgerError, LedgerReader
from muster_hq.policy_reader import PULSE_EVERY
from muster_hq.verdicts import ALL_OFFICES

HURRY = 1_000
"""Milliseconds between two pulses of a stream that holds a due time back."""
HURRY_FOR = 60_000
"""Milliseconds after a due time for which its streams are hurried. Pulses that are in the log by then say that it has
passed: what still holds it back is a worker that is away, and hurrying would fill the log for as long as that lasts."""
EXPIRE_SECONDS = 5.0
"""How long a pulse waits for the broker: an old one says nothing that the next does not say better."""
_TICK_SECONDS: Final = 0.2
_LOOK_AGAIN: Final = 5_000
_HINT: Final = "is the broker up, and the topic there?"

_log = structlog.get_logger(__name__)


class Sender(Protocol):
    """What a pulse needs of an OutputProducer (of its own, whose records expire); tokens are the streams' names."""

    def send(self, topic: str, value: bytes, token: str, *, timestamp: int = 0) -> bool:
        """Queue a record; False when there is no room now."""

    def poll(self, timeout: float = 0) -> None:
        """Serve acknowledgements for up to ``timeout`` seconds."""

    def acknowledged(self) -> list[str]:
        """Take the tokens of the records that the broker has."""

    def unsent(self) -> list[Unsent[str]]:
        """Take the records that the broker does not have."""


class Waiting(NamedTuple):
    """What a ledger says that decides on pulses: by clock, the earliest instant that waits; and streams' clocks."""

    next_due: Mapping[str, int]
    stream_clocks: Mapping[str, int]


NOTHING: Final = Waiting({}, {})


def streams_to_pulse(
    now: int, streams: Iterable[str], pulsed: Mapping[str, int], waiting: Waiting = NOTHING, every: int = PULSE_EVERY
) -> list[str]:
    """Decide which streams need a pulse. Pure; all times are UTC milliseconds.

    Each stream every ``every``; sooner, but once in HURRY at most, one that holds a due time back. ``pulsed``
    says when each had its last pulse; one in the future counts for nothing, or a clock that is set back would
    silence the pulses.
    """
    return [
        stream
        for stream in streams
        if (since := now - pulsed.get(stream, now - every)) < 0
        or since >= every
        or (since >= HURRY and _holds_back(stream, now, waiting))
    ]


def _holds_back(stream: str, now: int, waiting: Waiting) -> bool:
    """Tell whether a due time has just passed that the stream's clock has not.

    The intake clock is a stream clock less one millisecond, and must be past due, not at it: so an instant
    has passed two milliseconds later.
    """
    parsed, clock = parse_stream(stream), waiting.stream_clocks.get(stream, NEVER_READ)
    due_by_clock = waiting.next_due
    mine = due_by_clock.keys() if parsed is None or parsed.office is None else {parsed.office, ALL_OFFICES}
    just_passed = range(max(clock - 1, now - HURRY_FOR), now - 1)
    return any(due_by_clock[name] in just_passed for name in mine & due_by_clock.keys())


class Pulse:
    """Pulses streams. ``clock`` gives UTC milliseconds; ``open_reader`` opens a ledger, if there is one to look into.

    Use it from one thread. Without the ledger, or when that cannot be read, the regular pulses go on.
    """

    def __init__(
        self,
        sender: Sender,
        streams: Sequence[str],
        *,
        clock: Callable[[], int],
        open_reader: Callable[[], LedgerReader] | None = None,
        every: int = PULSE_EVERY,
    ) -> None:
        self._sender = sender
        self._streams = streams
        self._clock = clock
        self._open_reader = open_reader
        self._every = every
        self._pulsed: dict[str, int] = {}
        self._ledger: LedgerReader | None = None
        self._look_at = 0
        self._told = ""
        self.acknowledged_at = self.turned_at = clock()
        """When the broker last took a pulse (or the start), and when the loop last turned."""

    def run(self, stop: threading.Event) -> None:
        """Pulse until told to stop; raise a MusterError when only an operator can help."""
        try:
            while not stop.is_set():
                self.step()
                stop.wait(_TICK_SECONDS)
        finally:
            self._close_ledger()

    def step(self) -> None:
        """Send the pulses that are needed now, and see what became of earlier ones."""
        now = self._clock()
        for stream in streams_to_pulse(now, self._streams, self._pulsed, self._look(now), self._every):
            if self._sender.send(stream, PULSE, stream):
                self._pulsed[stream] = now
        self._sender.poll()
        if self._sender.acknowledged():
            self.acknowledged_at = now
            self._told = ""
        for _, stream, reason in self._sender.unsent():
            if self._told != reason:
                self._told = reason
                _log.warning("pulse_not_sent", stream=stream, reason=reason, hint=_HINT)
        self.turned_at = now

    def _look(self, now: int) -> Waiting:
        """Ask the ledger; nothing waits as long as it cannot be read."""
        if self._open_reader is None or now < self._look_at:
            return NOTHING
        try:
            self._ledger = self._ledger or self._open_reader()
            clocks = {name: state.clock for name, (state, _) in self._ledger.streams().items()}
            return Waiting(self._ledger.next_due(), clocks)
        except LedgerError as refusal:
            _log.info("ledger_not_read", cause=str(refusal))
            self._close_ledger()
            self._look_at = now + _LOOK_AGAIN
            return NOTHING

    def _close_ledger(self) -> None:
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None


def pulse_once(sender: Sender, streams: Sequence[str], timestamp: int = 0, seconds: float = 10.0) -> None:
    """Pulse each stream once and wait until the broker has them all; a MusterError names those that it has not.

    ``timestamp`` (UTC milliseconds) is the records' time on topics of CreateTime, as on the embedded broker.
    """
    missing = dict.fromkeys(streams, "no acknowledgement")
    deadline = time.monotonic() + seconds
    for stream in streams:
        while not sender.send(stream, PULSE, stream, timestamp=timestamp) and time.monotonic() < deadline:
            sender.poll(0.05)
    refused: dict[str, str] = {}
    while missing.keys() > refused.keys() and time.monotonic() < deadline:
        sender.poll(0.05)
        for stream in sender.acknowledged():
            del missing[stream]
        refused |= {stream: reason for stream, _, reason in sender.unsent()}
    if missing:
        raise MusterError(Fault(stream, refused.get(stream, why), _HINT) for stream, why in missing.items())
