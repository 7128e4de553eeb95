"""A scenario as a log file (one JSON object a line, as `headquarters export` writes): a Sender without a broker."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple, TextIO

from muster_contract.codec import PULSE, decode, encode
from muster_contract.jsonform import to_json
from muster_contract.times import format_instant
from muster_contract.topics import DIRECTIVES
from muster_field.scenario.script import Lodging, Ours, Pulse
from muster_field.sender import Parcel, Report


class Line(NamedTuple):
    """A record. ``clock`` is the largest time on its stream so far; lines sort in the order in which they stand."""

    clock: int
    stream: str
    arrival: int
    appended_at: int
    value: bytes


class LogFile:
    """Keeps what it is sent, as a broker would; ``connect`` gives the Sender for a relay.

    Pulses may be given before or after what they stand among: offsets follow from the times.
    """

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._clocks: dict[str, int] = {}

    def connect(self) -> LogSender:
        """Give a sender to this log."""
        return LogSender(self)

    def append(self, stream: str, value: bytes, at: int) -> int:
        """Append a record, and give its place among all of this log; one thread a stream."""
        self._clocks[stream] = clock = max(at, self._clocks.get(stream, at))
        arrival = len(self._lines)
        self._lines.append(Line(clock, stream, arrival, at, value))
        return arrival

    def pulse(self, stream: str, at: int) -> None:
        """Note a pulse of headquarters' clock."""
        self._lines.append(Line(at, stream, len(self._lines), at, PULSE))

    def lodge(self, lodging: Lodging) -> None:
        """Note a report that headquarters' document system says it holds."""
        fields = {"event_id": lodging.event_id.bytes, "recorded_at": lodging.at, "report_reference": lodging.reference}
        value = encode("ReportLodged", fields | {"report_sha256": bytes.fromhex(lodging.sha256)})
        self.append(DIRECTIVES, value, lodging.at)

    def say(self, step: Ours) -> None:
        """Note what headquarters itself says."""
        if isinstance(step, Pulse):
            self.pulse(step.stream, step.at)
        else:
            self.lodge(step)

    def write(self, out: TextIO) -> int:
        """Write all lines, and give their number."""
        ends: Counter[str] = Counter()
        for line in sorted(self._lines):
            out.write(json.dumps(_row(line, ends[line.stream])) + "\n")
            ends[line.stream] += 1
        return len(self._lines)


class LogSender:
    """See Sender: what it is sent is appended at once."""

    def __init__(self, log: LogFile) -> None:
        self._log = log
        self._reports: list[Report] = []

    def send(self, parcel: Parcel) -> bool:
        """Append a record."""
        offset = self._log.append(parcel.stream, parcel.value, parcel.timestamp or 0)
        self._reports.append(Report(parcel.stream, parcel.sequence, offset))
        return True

    def poll(self, seconds: float) -> Sequence[Report]:  # noqa: ARG002 - the port's; there is nothing to wait for
        """Give the reports since the last time."""
        reports, self._reports = self._reports, []
        return reports

    def close(self, seconds: float) -> Sequence[Report]:
        """Give the last reports."""
        return self.poll(seconds)


def _row(line: Line, offset: int) -> dict[str, Any]:
    schema, fields = decode(line.value)
    return {
        "stream": line.stream,
        "offset": offset,
        "appended_at": format_instant(line.appended_at),
        "type": schema.name,
        "event": to_json(fields, schema.name),
    }
