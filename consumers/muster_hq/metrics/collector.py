"""Every value of the vocabulary, read from a ledger's tallies.

So the totals go on after a restart, and a scrape costs the same however many cases there are. Labels are
offices, requirements, streams and codes: never a case (DESIGN section 3, promise 9).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from muster_contract.schemas import enum_symbols
from muster_contract.topics import parse_stream, streams_of
from muster_hq.entries import NEVER_READ, Counts, StreamState
from muster_hq.ledger_port import LedgerReader
from muster_hq.metrics.vocabulary import HEADQUARTERS, MOST_DUE_SOON, SOON, VOCABULARY
from muster_hq.verdicts import ALL_OFFICES, KINDS

Values = Mapping[tuple[str, ...], float]
"""The values of a metric by its label values, which stand in the order of its labels."""


class LedgerCollector(Collector):
    """Reads the vocabulary from a ledger, which it opens for each scrape: scrapes may come from any thread.

    ``offices``, ``limits`` (milliseconds, by requirement) and ``delay_bounds`` (seconds) are what is known beforehand:
    every label set exists from the first scrape. What the ledger knows beyond them, of an older register or policy, is
    shown too. ``gaps`` are the offices that lack a channel.
    """

    def __init__(  # noqa: PLR0913 - all that is known beforehand
        self,
        open_reader: Callable[[], LedgerReader],
        *,
        offices: Iterable[str],
        limits: Mapping[str, int],
        delay_bounds: Iterable[float],
        clock: Callable[[], int],
        gaps: Iterable[str] = (),
    ) -> None:
        self._open_reader = open_reader
        self._offices = tuple(offices)
        self._limits = limits
        self._clock = clock
        self._gaps = tuple(gaps)
        self._delay_bounds = frozenset(delay_bounds)

    def describe(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily | HistogramMetricFamily]:
        """Give the families without their values."""
        return (_FAMILIES[metric.type](metric.name, metric.help, labels=metric.labels) for metric in VOCABULARY)

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily | HistogramMetricFamily]:
        """Give the families with their values, in the vocabulary's order."""
        with closing(self._open_reader()) as ledger, ledger.snapshot():
            values, buckets, delay_sum = self._values(ledger), *self._buckets(ledger)
        for family, metric in zip(self.describe(), VOCABULARY, strict=True):
            if isinstance(family, HistogramMetricFamily):
                family.add_metric([], buckets, delay_sum)
            else:
                for labels, value in values[metric.name].items():
                    family.add_metric(labels, value)
            yield family

    def _values(self, ledger: LedgerReader) -> Mapping[str, Values]:
        streams, clocks, heartbeats = ledger.streams(), ledger.clocks(), ledger.heartbeats()
        rolls = ledger.rolls()
        verdicts, obligations = ledger.verdict_counts(), ledger.obligation_counts()
        offices = tuple(dict.fromkeys((*self._offices, *(name for name in clocks if name != ALL_OFFICES))))
        reports = _zeros((office, requirement) for office in offices for requirement in self._limits)
        each_office = _zeros((office,) for office in offices)
        return {
            "muster_reports_outstanding": reports | _those(obligations, "OUTSTANDING"),
            "muster_obligations_open": _zeros((r,) for r in self._limits)
            | _sums((requirement, n) for (_, requirement, state), n in obligations.items() if state != "OUTSTANDING"),
            "muster_obligations_due_soon": reports | self._due_soon(ledger),
            "muster_oldest_outstanding_due_timestamp_seconds": dict.fromkeys(each_office, float("nan"))
            | {(office,): due_at / 1000 for office, due_at in ledger.oldest_outstanding().items()},
            "muster_reports_missed_total": reports | _those(verdicts, "MISSED"),
            "muster_reports_late_total": reports | _those(verdicts, "LATE"),
            "muster_reports_on_time_total": reports | _those(verdicts, "ON_TIME"),
            "muster_verdicts_total": _zeros((kind,) for kind in KINDS)
            | _sums((verdict, n) for (_, _, verdict), n in verdicts.items()),
            "muster_cases_set_aside": {(): len(ledger.cases_aside())},
            "muster_intake_clock_timestamp_seconds": {(): max(clocks[ALL_OFFICES], NEVER_READ) / 1000},
            "muster_stream_clock_timestamp_seconds": _stream_clocks(streams, offices),
            "muster_records_total": _outcomes(counts for _, counts in streams.values()),
            "muster_quarantined_total": _zeros((reason,) for reason in _symbols("QuarantineReason"))
            | _sums(ledger.quarantine_counts().items()),
            "muster_transfers_declined_total": each_office
            | _sums((office, n) for (office, _), n in ledger.declined_counts().items()),
            "muster_quarantined_waiting": each_office
            | {(office,): n for office, n in ledger.quarantine_waiting().items()},
            "muster_sequence_gaps": each_office | {(office,): roll.count_missing() for office, roll in rolls.items()},
            "muster_office_silent": each_office
            | {(office,): float(roll.silent is not None) for office, roll in rolls.items()},
            "muster_capability_gap": each_office | {(office,): 1.0 for office in self._gaps},
            "muster_findings_total": _zeros((kind,) for kind in _symbols("FindingKind"))
            | _sums(ledger.finding_counts().items()),
            "muster_office_last_heartbeat_timestamp_seconds": each_office
            | {(office,): heartbeat.received_at / 1000 for office, heartbeat in heartbeats.items()},
            "muster_office_unsent_events": each_office
            | {(office,): heartbeat.pending for office, heartbeat in heartbeats.items()},
        }

    def _due_soon(self, ledger: LedgerReader) -> dict[tuple[str, ...], float]:
        """Count what is in the last tenth of its limit, and in its last hour."""
        now = self._clock()
        soon = {requirement: now + min(limit // 10, SOON) for requirement, limit in self._limits.items()}
        found = ledger.due_between(now, max(soon.values(), default=now), MOST_DUE_SOON)
        return dict(Counter((office, name) for office, name, at in found if at <= soon.get(name, now)))

    def _buckets(self, ledger: LedgerReader) -> tuple[list[tuple[str, float]], float]:
        """Give the cumulative counts by upper bound, as the exposition has them, and the sum."""
        counts, total = ledger.delays()
        bounds = sorted({*self._delay_bounds, *counts, float("inf")})
        running = accumulate(counts.get(bound, 0) for bound in bounds)
        return [(_text_of(bound), n) for bound, n in zip(bounds, running, strict=True)], total


def _text_of(bound: float) -> str:
    text: str = floatToGoString(bound)  # type: ignore[no-untyped-call]  # the library's own form of a bound
    return text


_FAMILIES = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily, "histogram": HistogramMetricFamily}


def _zeros(label_sets: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], float]:
    return dict.fromkeys(label_sets, 0.0)


def _those(counts: Mapping[tuple[str, str, str], int], wanted: str) -> dict[tuple[str, ...], float]:
    return {(office, requirement): n for (office, requirement, kind), n in counts.items() if kind == wanted}


def _sums(counts: Iterable[tuple[str, int]]) -> dict[tuple[str, ...], float]:
    sums: Counter[tuple[str, ...]] = Counter()
    for name, n in counts:
        sums[name,] += n
    return dict(sums)


def _stream_clocks(streams: Mapping[str, tuple[StreamState, Counts]], offices: Iterable[str]) -> Values:
    clocks: dict[tuple[str, ...], float] = {}
    for name in streams_of(offices):
        stream = parse_stream(name)
        if stream is not None:
            clock = streams[name][0].clock if name in streams else NEVER_READ
            clocks[stream.office or HEADQUARTERS, stream.kind] = clock / 1000
    return clocks


def _outcomes(counts: Iterable[Counts]) -> Values:
    total = Counts()
    for one in counts:
        total = total.plus(one)
    return {(outcome,): n for outcome, n in total._asdict().items()}


def _symbols(enum: str) -> Iterable[str]:
    """Give what headquarters itself can say; UNKNOWN is how an older reader reads a newer one."""
    return (symbol for symbol in enum_symbols()[enum] if symbol != "UNKNOWN")
