"""The closed vocabulary of a field office's metrics: the collector, the document and the tests derive from it."""

from __future__ import annotations

from muster_contract.shell.vocabulary import Metric

_EACH_STREAM = ("office", "stream")

VOCABULARY = (
    Metric(
        "muster_field_events_accepted_total",
        "counter",
        "Events that were stored in the outbox.",
        _EACH_STREAM,
        "with each event that the API or a command accepts",
    ),
    Metric(
        "muster_field_events_sent",
        "gauge",
        "Events that the broker has acknowledged.",
        _EACH_STREAM,
        "up with each acknowledgement; down by those that field-office resend asks for once more",
    ),
    Metric(
        "muster_field_events_pending",
        "gauge",
        "Events that were stored and are not acknowledged yet.",
        _EACH_STREAM,
        "up with each event that is accepted; down with each acknowledgement",
    ),
    Metric(
        "muster_field_oldest_pending_timestamp_seconds",
        "gauge",
        "When the oldest pending event was recorded.",
        _EACH_STREAM,
        "to the next older one as events are acknowledged; NaN when none is pending",
    ),
    Metric(
        "muster_field_last_acknowledged_timestamp_seconds",
        "gauge",
        "When the broker last acknowledged an event.",
        _EACH_STREAM,
        "with each acknowledgement; NaN before the first",
    ),
    Metric(
        "muster_field_events_set_aside",
        "gauge",
        "Events that were not sent and need somebody.",
        ("office", "stream", "reason"),
        "up when a row turns out to be corrupt, or the broker refuses one for good; down with resend",
    ),
    Metric(
        "muster_field_events_received",
        "gauge",
        "Events of this outbox that headquarters has, by its receipts.",
        _EACH_STREAM,
        "up with each receipt; events_sent less this is what it has not acknowledged",
    ),
    Metric(
        "muster_field_events_refused",
        "gauge",
        "Events that headquarters could not apply, by its receipts.",
        _EACH_STREAM,
        "up with a receipt that says so; down when the event is received after all",
    ),
    Metric(
        "muster_field_last_answer_timestamp_seconds",
        "gauge",
        "When an answer of headquarters was last read.",
        ("office",),
        "with each batch of answers; NaN before the first",
    ),
    Metric(
        "muster_field_obligations",
        "gauge",
        "What headquarters expects of this office, and what of it is overdue.",
        ("office", "state"),
        "up with a notice; from due to overdue with time; down once it is settled",
    ),
    Metric(
        "muster_field_relay_turned_timestamp_seconds",
        "gauge",
        "When the relay's loop last turned.",
        ("office",),
        "several times a second, while the relay lives, also when the link is down",
    ),
)
