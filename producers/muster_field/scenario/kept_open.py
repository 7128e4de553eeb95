"""One sender for many relays in turn: letting a client in takes a broker half a second, and these live for less."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from muster_field.sender import Parcel, Report, Sender, SenderLost

_POLL_SECONDS = 0.05


class KeptOpen:
    """See Sender. ``close`` waits for what is under way, and keeps the connection for the next relay if it is sound."""

    def __init__(self, connect: Callable[[], Sender]) -> None:
        self._connect = connect
        self._sender: Sender | None = None
        self._under_way = 0

    def send(self, parcel: Parcel) -> bool:
        """Hand a record on."""
        self._sender = self._sender or self._connect()
        taken = self._sender.send(parcel)
        self._under_way += taken
        return taken

    def poll(self, seconds: float) -> Sequence[Report]:
        """Hand the reports on."""
        reports = self._sender.poll(seconds) if self._sender else ()
        self._under_way -= sum(report.covers for report in reports)
        return reports

    def close(self, seconds: float) -> Sequence[Report]:
        """Wait for what is under way; let the connection go only if some of it still is, or it is lost."""
        reports: list[Report] = []
        end = time.monotonic() + seconds
        try:
            while self._under_way and time.monotonic() < end:
                reports += self.poll(_POLL_SECONDS)
        except SenderLost:
            pass
        if self._under_way:
            reports += self.end()
        return reports

    def end(self) -> Sequence[Report]:
        """Let the connection go."""
        sender, self._sender, self._under_way = self._sender, None, 0
        return sender.close(0) if sender else ()
