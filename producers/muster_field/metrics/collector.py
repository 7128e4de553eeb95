"""Every value of the vocabulary, read from an outbox, so that totals outlive a restart.

Labels are the office and its two streams: never a case, a person or a type of event. Small counts can reveal
an encounter, so the endpoint listens on loopback unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from muster_field.answers import Due, InboxState, is_overdue
from muster_field.metrics.vocabulary import VOCABULARY
from muster_field.state import OutboxState, Reason, StreamState
from muster_field.wire import stream_name

Values = Mapping[tuple[str, ...], float]
"""The values of a metric by its label values, which stand in the order of its labels."""


class OutboxCollector(Collector):
    """Reads outbox and inbox at each scrape; ``turned_at`` tells when the relay's loop last turned.

    ``clock`` is the office's, in UTC milliseconds: by it what is due becomes overdue.
    """

    def __init__(
        self,
        state: Callable[[], OutboxState],
        turned_at: Callable[[], int],
        answers: Callable[[], tuple[InboxState, Sequence[Due]]],
        clock: Callable[[], int],
    ) -> None:
        self._state, self._turned_at, self._answers, self._clock = state, turned_at, answers, clock

    def describe(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Give the families without their values."""
        return (_FAMILIES[metric.type](metric.name, metric.help, labels=metric.labels) for metric in VOCABULARY)

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Give the families with their values, in the vocabulary's order."""
        state = self._state()
        values = _of_outbox(state, self._turned_at()) | _of_inbox(*self._answers(), state, self._clock())
        for family, metric in zip(self.describe(), VOCABULARY, strict=True):
            for labels, value in values[metric.name].items():
                family.add_metric(labels, value)
            yield family


_FAMILIES = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily}


def _of_outbox(state: OutboxState, turned_at: int) -> dict[str, Values]:
    office = state.office_id
    streams = {(office, stream_name(stream.kind, office)): stream for stream in state.streams}

    def each(value: Callable[[StreamState], float]) -> Values:
        return {labels: value(stream) for labels, stream in streams.items()}

    return {
        "muster_field_events_accepted_total": each(lambda s: s.last_sequence),
        "muster_field_events_sent": each(lambda s: s.sent),
        "muster_field_events_pending": each(lambda s: s.pending),
        "muster_field_oldest_pending_timestamp_seconds": each(lambda s: _seconds(s.oldest_pending_at)),
        "muster_field_last_acknowledged_timestamp_seconds": each(lambda s: _seconds(s.last_acknowledged_at)),
        "muster_field_events_set_aside": {
            (*labels, reason.value): sum(one.reason is reason for one in stream.set_aside)
            for labels, stream in streams.items()
            for reason in Reason
        },
        "muster_field_relay_turned_timestamp_seconds": {(office,): turned_at / 1000},
    }


def _of_inbox(answers: InboxState, due: Sequence[Due], state: OutboxState, now: int) -> dict[str, Values]:
    office = state.office_id
    streams = {(office, stream_name(stream.kind, office)): stream.kind for stream in state.streams}
    overdue = sum(is_overdue(one, now) for one in due)
    return {
        "muster_field_events_received": {labels: answers.received.get(kind, 0) for labels, kind in streams.items()},
        "muster_field_events_refused": {
            labels: sum(one.kind == kind for one in answers.refused) for labels, kind in streams.items()
        },
        "muster_field_last_answer_timestamp_seconds": {(office,): _seconds(answers.answered_at)},
        "muster_field_obligations": {(office, "due"): len(due) - overdue, (office, "overdue"): overdue},
    }


def _seconds(ms: int | None) -> float:
    return float("nan") if ms is None else ms / 1000
