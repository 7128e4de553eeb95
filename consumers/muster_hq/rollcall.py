"""The roll call: what is found of an office's transmission once its time is settled (docs/findings.md). Pure.

It goes on from the roll that the last call left, through what was heard since, in fact order: so where the
calls fall, and how the streams were read, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple
from uuid import UUID

from muster_contract.topics import encounters, incidents
from muster_hq.entries import FindingRow
from muster_hq.heard import HeardRows, Kind, Row, Said, announced_by, cut, each, rows_of
from muster_hq.policies import Policies
from muster_hq.roll import Gap, Range, Roll, Series, joined, size, text_of, without
from muster_hq.silence import Ear
from muster_hq.verdicts import Evidence, Outage

MOST_RUNS = 20
"""How many runs of numbers an EPOCH_CHANGED names of a stream."""


class Called(NamedTuple):
    """What a roll call found; ``past`` is the instant past which time alone says more, ``rest`` was not settled."""

    findings: list[FindingRow]
    past: int | None
    rest: list[HeardRows]


def call(  # noqa: PLR0913 - an office, and all that is known of it
    office: str, roll: Roll, heard: Iterable[HeardRows], policies: Policies, *, outages: Sequence[Outage], clock: int
) -> Called:
    """Call an office's roll up to its intake clock; the roll is brought up to date in place."""
    parts = [cut(item, clock) for item in heard if item.at <= clock]
    settled = [item for item, _ in parts]
    rest = [item for _, item in parts if item is not None]
    ear = Ear(office, roll, policies, outages, clock)
    ear.listen(settled)
    numbers = _Numbers(office, roll, policies)
    numbers.account(numbers.but_those_in_order(settled))
    numbers.pass_time(clock)
    past = [gap.by for series in roll.series.values() for gap in series.gaps if not gap.missing]
    if (silence := ear.silence_at()) is not None:
        past.append(silence)
    return Called(ear.findings + numbers.findings, min(past, default=None), rest)


class _Numbers:
    """Which numbers came, which are missing, and which came twice."""

    def __init__(self, office: str, roll: Roll, policies: Policies) -> None:
        self._office = office
        self._roll = roll
        self._policies = policies
        self._next_by = self._earliest()
        self.findings: list[FindingRow] = []

    def but_those_in_order(self, settled: Iterable[HeardRows]) -> list[Said]:
        """Account for numbers that come in order with nothing left out, batch by batch, and give all else.

        Only where this cannot tell from one by one: one epoch, nothing quarantined, no heartbeat long before them.
        """
        numbered = [item for item in settled if item.epoch and item.kind != Kind.BEGUN]
        epochs = {self._roll.epoch, *(item.epoch for item in numbered)} - {b""}
        if len(epochs) != 1 or any(item.kind == Kind.UNREAD for item in numbered):
            return each(numbered)
        (self._roll.epoch,) = epochs
        others = [item for item in numbered if item.kind == Kind.BEATS]
        sent = [(a.place.received_at, *told) for a in each(others) for told in announced_by(a, self._office)]
        astray: set[str] = set()
        for item in sorted((item for item in numbered if item.kind == Kind.EVENTS), key=lambda item: item.offset):
            series = self._roll.series.setdefault((item.stream, item.epoch), Series())
            until = [(at + self._gap_after(at), up_to) for at, stream, _, up_to in sent if stream == item.stream]
            if item.stream in astray or not _in_order(rows_of(item), series, until):
                astray.add(item.stream)
                others.append(item)
        return each(others)

    def account(self, said_so: Iterable[Said]) -> None:
        """Account for what was said, in fact order."""
        for said in said_so:
            self.pass_time(said.place.received_at)
            self._notice_epoch(said)
            for stream, named, sent in announced_by(said, self._office):
                series = self._roll.series.setdefault((stream, said.epoch), Series())
                if said.beat is None:
                    self._receive(series, said)
                else:
                    self._announce(series, sent, said.place)
                series.named = max(series.named, named)

    def pass_time(self, instant: int) -> None:
        """Find what is missing before an instant."""
        if self._next_by is None or self._next_by >= instant:
            return
        for (stream, epoch), series in self._roll.series.items():
            series.gaps = list(chain.from_iterable(self._miss(gap, stream, epoch, instant) for gap in series.gaps))
        self._next_by = self._earliest()

    def _miss(self, gap: Gap, stream: str, epoch: bytes, instant: int) -> Iterable[Gap]:
        """Give the gap; past its time, each run of numbers that did not come is one of its own."""
        if gap.missing or gap.by >= instant:
            yield gap
            return
        for first, last in gap.left:
            self._find(
                "SEQUENCE_GAP", stream, gap.by, f"open: {text_of(first, last)} of {UUID(bytes=epoch)}", gap.announced
            )
            yield Gap(first, last, gap.by, gap.announced, [(first, last)], missing=True)

    def _notice_epoch(self, said: Said) -> None:
        old, new = self._roll.epoch, said.epoch
        if old and old != new and not any(epoch == new for _, epoch in self._roll.series):
            both = ((encounters(self._office), "encounters"), (incidents(self._office), "incidents"))
            left = ", ".join(f"{kind} {_counted(self._never_delivered(stream, old))}" for stream, kind in both)
            detail = f"{UUID(bytes=new)} after {UUID(bytes=old)}; never delivered: {left}"
            self._find("EPOCH_CHANGED", said.place.stream, said.place.received_at, detail, said.place)
        self._roll.epoch = new

    def _never_delivered(self, stream: str, epoch: bytes) -> list[Range]:
        return self._roll.series.get((stream, epoch), Series()).never_delivered()

    def _receive(self, series: Series, said: Said) -> None:
        number, read = said.number, said.kind == Kind.EVENTS
        if number > series.announced:
            self._announce(series, number - 1, said.place)
            series.announced = number
        elif (gap := series.gap_of(number)) is not None:
            self._fill(series, gap, said)
        elif not read:
            return
        elif any(first <= number <= last for first, last in series.unread):
            series.unread = without(series.unread, number)
        else:
            detail = f"{number} of {UUID(bytes=said.epoch)}, offset {said.place.offset}"
            self._find("SEQUENCE_REUSED", said.place.stream, said.place.received_at, detail, said.place)
        if not read:
            series.unread = joined(sorted([*series.unread, (number, number)]))

    def _announce(self, series: Series, up_to: int, place: Evidence) -> None:
        if up_to > series.announced:
            numbers = (series.announced + 1, up_to)
            by = place.received_at + self._gap_after(place.received_at)
            series.gaps.append(Gap(*numbers, by, place, [numbers]))
            series.announced = up_to
            self._next_by = by if self._next_by is None else min(by, self._next_by)

    def _fill(self, series: Series, gap: Gap, said: Said) -> None:
        gap.left = without(gap.left, said.number)
        if gap.left:
            return
        series.gaps.remove(gap)
        if gap.missing:
            detail = f"closed: {text_of(gap.first, gap.last)} of {UUID(bytes=said.epoch)}"
            self._find("SEQUENCE_GAP", said.place.stream, said.place.received_at, detail, said.place)

    def _gap_after(self, instant: int) -> int:
        return self._policies.at(instant).gap_after

    def _earliest(self) -> int | None:
        waiting = (gap.by for series in self._roll.series.values() for gap in series.gaps if not gap.missing)
        return min(waiting, default=None)

    def _find(self, kind: str, stream: str, at: int, detail: str, evidence: Evidence) -> None:
        self.findings.append(FindingRow(kind, self._office, stream, at, detail, (evidence,)))


def _in_order(rows: list[Row], series: Series, until: Iterable[tuple[int, int]]) -> bool:
    """Take rows whose numbers go on where the series stands, each received in time; False when they do not."""
    first, last = series.announced + 1, series.announced + len(rows)
    if [row[2] for row in rows] != list(range(first, last + 1)):
        return False
    if any(up_to >= first and rows[min(up_to, last) - first][0] > by for by, up_to in until):
        return False
    series.announced = last
    series.named = max(series.named, last)
    return True


def _counted(ranges: list[Range]) -> str:
    """Count numbers, and name their first runs."""
    if not ranges:
        return "0"
    runs = [text_of(*run) for run in ranges[:MOST_RUNS]]
    return f"{size(ranges)} ({', '.join(runs + ['...'] * (len(ranges) > MOST_RUNS))})"
