"""Findings, as the text says them (docs/findings.md), from all that each office said: no state, nothing incremental.

Part of the audit, and so written apart from the roll call.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple
from uuid import UUID

from muster_contract.times import format_instant
from muster_contract.topics import encounters, incidents
from muster_hq.audit_facts import Place, Reading, Source, Word
from muster_hq.audit_occurrences import Verdict
from muster_hq.policies import Policies

Stretch = tuple[int, int]
Run = tuple[int, int]
Series = tuple[str, bytes]
"""A stream, and an epoch on it."""


class Finding(NamedTuple):
    """A finding; ``evidence`` are the records behind it, in fact order."""

    at: int
    kind: str
    stream: str
    detail: str
    office: str
    evidence: tuple[Source, ...]


def findings_of(
    office: str, reading: Reading, policies: Policies, clock: int, outages: Callable[[str, int], Sequence[Stretch]]
) -> list[Finding]:
    """Give all that is found of an office by the clock, in order."""
    words = sorted((word for word in reading.words[office] if word.received_at <= clock), key=lambda word: word.place)
    firsts = [place for place in reading.firsts[office] if place[0] <= clock]
    numbered = [word for word in words if word.epoch is not None]
    found = [
        *_gaps(office, numbered, policies, clock),
        *_changes(office, numbered),
        *_reuses(office, numbered),
        *_silences(office, [word for word in words if word.applied], firsts, policies, clock, outages),
        *(_of_word(office, word, f"offset {word.place[2]}, {word.ahead} ms ahead") for word in words if word.ahead),
        *(_of_word(office, word, f"offset {word.place[2]}") for word in words if word.astray),
    ]
    return sorted(found)


def wrong_channels(verdicts: Iterable[Verdict]) -> Iterator[Finding]:
    """Give the reports that decided in spite of the channel by which they say that they went."""
    for verdict in verdicts:
        report = verdict.decider
        if report is None or verdict.channel is None or verdict.kind not in {"ON_TIME", "LATE", "EXCUSED"}:
            continue
        used = dict(report.shape.codes).get("channel")
        if used not in {None, verdict.channel}:
            source, name = report.sources[0], f"{verdict.requirement} {verdict.occurrence} of {verdict.office}"
            _, stream, offset = source[0]
            detail = f"{name} by {used}, offset {offset}"
            yield Finding(verdict.at, "WRONG_CHANNEL", stream, detail, verdict.office, (source,))


def _of_word(office: str, word: Word, detail: str) -> Finding:
    kind = "WRONG_OFFICE" if word.astray else "CLOCK_AHEAD"
    return Finding(word.received_at, kind, word.place[1], detail, office, ((word.place, word.event_id),))


def _announces(word: Word) -> Iterator[tuple[Series, int, int]]:
    """Give, for each series that a word speaks of, the highest number it names and up to where it says all was sent."""
    if word.epoch is None:
        return
    for stream, last, lowest in word.beat:
        yield (stream, word.epoch), last, last if lowest is None else min(last, lowest - 1)
    if not word.beat:
        yield (word.place[1], word.epoch), word.number, word.number


def _first_of_each(words: Iterable[Word]) -> dict[Series, dict[int, Word]]:
    """Give the record with which each number was received, by series."""
    first: dict[Series, dict[int, Word]] = defaultdict(dict)
    for word in words:
        if word.number and word.epoch is not None:
            first[word.place[1], word.epoch].setdefault(word.number, word)
    return first


def _gaps(office: str, words: Sequence[Word], policies: Policies, clock: int) -> Iterator[Finding]:
    received = _first_of_each(words)
    claims: dict[Series, list[tuple[Word, int]]] = defaultdict(list)
    for word in words:
        for series, _, sent in _announces(word):
            claims[series].append((word, sent))
    for (stream, epoch), announcements in claims.items():
        came = received[stream, epoch]
        numbers = sorted(came)
        reached = 0
        for word, up_to in announcements:
            if up_to <= reached:
                continue
            by = word.received_at + policies.at(word.received_at).gap_after
            new = numbers[bisect_left(numbers, reached + 1) : bisect_right(numbers, up_to)]
            missing = _runs_without([n for n in new if came[n].received_at <= by], reached + 1, up_to)
            reached = up_to
            for first, last in missing if by < clock else ():
                name = f"{_text(first, last)} of {UUID(bytes=epoch)}"
                source = (word.place, word.event_id)
                yield Finding(by, "SEQUENCE_GAP", stream, f"open: {name}", office, (source,))
                late = [came[n] for n in new if first <= n <= last]
                if len(late) == last - first + 1:
                    end = max(late, key=lambda one: one.place)
                    source = (end.place, end.event_id)
                    yield Finding(end.received_at, "SEQUENCE_GAP", stream, f"closed: {name}", office, (source,))


def _changes(office: str, words: Sequence[Word]) -> Iterator[Finding]:
    seen: dict[bytes, None] = {}
    for index, word in enumerate(words):
        if word.epoch is None or word.epoch in seen:
            continue
        if seen:
            before = words[:index]
            old = before[-1].epoch or b""
            left = ", ".join(
                f"{kind} {_never_delivered(before, (stream, old))}"
                for kind, stream in (("encounters", encounters(office)), ("incidents", incidents(office)))
            )
            detail = f"{UUID(bytes=word.epoch)} after {UUID(bytes=old)}; never delivered: {left}"
            source = (word.place, word.event_id)
            yield Finding(word.received_at, "EPOCH_CHANGED", word.place[1], detail, office, (source,))
        seen[word.epoch] = None


def _never_delivered(words: Sequence[Word], series: Series) -> str:
    named = max((last for word in words for about, last, _ in _announces(word) if about == series), default=0)
    runs = _runs_without(sorted(_first_of_each(words)[series]), 1, named)
    if not runs:
        return "0"
    names = [_text(*run) for run in runs[:20]] + ["..."] * (len(runs) > 20)  # noqa: PLR2004 - as the text says
    return f"{sum(last - first + 1 for first, last in runs)} ({', '.join(names)})"


def _reuses(office: str, words: Iterable[Word]) -> Iterator[Finding]:
    seen: set[tuple[str, bytes, int]] = set()
    for word in words:
        if not (word.applied and word.number and word.epoch is not None):
            continue
        key = (word.place[1], word.epoch, word.number)
        if key in seen:
            detail = f"{word.number} of {UUID(bytes=word.epoch)}, offset {word.place[2]}"
            source = (word.place, word.event_id)
            yield Finding(word.received_at, "SEQUENCE_REUSED", word.place[1], detail, office, (source,))
        seen.add(key)


def _silences(  # noqa: PLR0913, PLR0917 - an office, and all that its silence depends on
    office: str,
    heard: Sequence[Word],
    firsts: Sequence[Place],
    policies: Policies,
    clock: int,
    outages: Callable[[str, int], Sequence[Stretch]],
) -> Iterator[Finding]:
    sources: list[Source] = [(word.place, word.event_id) for word in heard]
    if firsts and (not heard or min(firsts) < heard[0].place):
        sources.insert(0, (min(firsts), None))

    @cache
    def joined(outage_after: int | None, silent_after: int) -> list[Stretch]:
        return [] if outage_after is None else _joined(outages(office, outage_after), silent_after)

    for index, source in enumerate(sources):
        last = source[0][0]
        policy = policies.at(last)
        if policy.silent_after is None:
            continue
        at = _silent_at(last, policy.silent_after, joined(policy.outage_after, policy.silent_after))
        after = sources[index + 1] if index + 1 < len(sources) else None
        if at < clock and (after is None or at < after[0][0]):
            name = f"since {format_instant(last)}"
            yield Finding(at, "OFFICE_SILENT", encounters(office), f"open: {name}", office, (source,))
            if after is not None:
                yield Finding(after[0][0], "OFFICE_SILENT", encounters(office), f"closed: {name}", office, (after,))


def _joined(outages: Iterable[Stretch], silent_after: int) -> list[Stretch]:
    """Give the outages in order; those between which nobody can be silent, since waiting begins anew, are one."""
    found: list[Stretch] = []
    for start, end in sorted(outages):
        if found and start < found[-1][1] + silent_after:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def _silent_at(since: int, silent_after: int, joined: Sequence[Stretch]) -> int:
    """Give when silence begins: what is waited for begins anew at the end of the outages that began before."""
    index = bisect_right(joined, since, key=_end)
    if index < len(joined) and joined[index][0] < since + silent_after:
        since = joined[index][1]
    return since + silent_after


def _end(stretch: Stretch) -> int:
    return stretch[1]


def _runs_without(numbers: Iterable[int], first: int, last: int) -> list[Run]:
    """Give the runs from ``first`` to ``last`` in which none of these numbers is; they are in order."""
    runs, start = [], first
    for number in numbers:
        if start <= number <= last:
            if number > start:
                runs.append((start, number - 1))
            start = number + 1
    return [*runs, (start, last)] if start <= last else runs


def _text(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
