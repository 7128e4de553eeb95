"""The metrics of one field office: a closed vocabulary, read from the outbox, so that totals outlive a restart.

Labels are the office and its two streams: never a case, a person or a type of event. Small counts can reveal
an encounter, so the endpoint listens on loopback unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from muster_field.state import OutboxState, Reason, StreamState
from muster_field.wire import stream_name


class Word(NamedTuple):
    """One word of the vocabulary: what it is called, what it says, and its value for a stream; None for no sample."""

    name: str
    type: Literal["gauge", "counter"]
    help: str
    value: Callable[[StreamState], float | None]


VOCABULARY = (
    Word("muster_field_events_accepted", "counter", "Events stored, by stream.", lambda s: s.last_sequence),
    Word("muster_field_events_sent", "counter", "Events that the broker acknowledged.", lambda s: s.sent),
    Word("muster_field_events_pending", "gauge", "Events stored and not yet acknowledged.", lambda s: s.pending),
    Word(
        "muster_field_oldest_pending_timestamp_seconds",
        "gauge",
        "When the oldest pending event was recorded; absent when none is pending.",
        lambda s: _seconds(s.oldest_pending_at),
    ),
    Word(
        "muster_field_last_acknowledged_timestamp_seconds",
        "gauge",
        "When the broker last acknowledged an event; absent before the first.",
        lambda s: _seconds(s.last_acknowledged_at),
    ),
)
SET_ASIDE = "muster_field_events_set_aside"
TURNED = "muster_field_relay_turned_timestamp_seconds"


class OutboxCollector(Collector):
    """Reads the outbox at each scrape; ``turned_at`` tells when the relay's loop last turned."""

    def __init__(self, state: Callable[[], OutboxState], turned_at: Callable[[], int]) -> None:
        self._state, self._turned_at = state, turned_at

    def collect(self) -> Iterator[Metric]:
        """Give every word with its samples."""
        state = self._state()
        for word in VOCABULARY:
            family = CounterMetricFamily if word.type == "counter" else GaugeMetricFamily
            metric = family(word.name, word.help, labels=["office", "stream"])
            for stream in state.streams:
                value = word.value(stream)
                if value is not None:
                    metric.add_metric([state.office_id, stream_name(stream.kind, state.office_id)], value)
            yield metric
        aside = GaugeMetricFamily(
            SET_ASIDE, "Events that were not sent and need somebody, by reason.", labels=["office", "stream", "reason"]
        )
        for stream in state.streams:
            for reason in Reason:
                count = sum(one.reason is reason for one in stream.set_aside)
                aside.add_metric([state.office_id, stream_name(stream.kind, state.office_id), reason.value], count)
        yield aside
        turned = GaugeMetricFamily(
            TURNED, "When the relay's loop last turned: it lives while this moves.", labels=["office"]
        )
        turned.add_metric([state.office_id], self._turned_at() / 1000)
        yield turned


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000
