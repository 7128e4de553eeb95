"""The closed list of what is logged: the filter, docs/logs.md and a test of every log call derive from it.

One name for each thing that happens, and with it only the keys that are listed. To log something new is to add
it here first. No key holds what an event says; ``case`` is the only one that points at a person, and is written
as a keyed hash (``logging.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Level = Literal["debug", "info", "warning", "error", "the client's"]


class LogEvent(NamedTuple):
    """One thing that happens: its name, how much it matters, what is told with it, and what it means."""

    name: str
    level: Level
    keys: tuple[str, ...]
    says: str


KEYS: Mapping[str, str] = {
    "again_in_seconds": "how long until it is tried again",
    "case": "a case as a keyed hash, never its id",
    "cause": "why, in our words",
    "client": "the Kafka client that speaks",
    "code": "the name of an error: the Kafka client's, or Python's",
    "detail": "the Kafka client's own words",
    "exception": "the kind of an exception and the place that raised it; never its text",
    "hint": "what to do",
    "metrics": "the address of /metrics",
    "office": "an office's id",
    "offices": "how many offices the register has",
    "offset": "a record's offset",
    "pending": "how many are left to do",
    "policies": "how many policy versions are in force",
    "reason": "why, as a code",
    "records": "how many records",
    "sequence": "an event's number",
    "stream": "a stream's name",
    "streams": "how many streams",
    "topic": "a topic's name",
    "tries": "how often in a row",
}

HEADQUARTERS = (
    LogEvent("serving", "info", ("metrics", "offices", "policies"), "The process answers at this address."),
    LogEvent("worker_started", "info", ("offices",), "A worker begins to turn."),
    LogEvent("worker_stopped", "info", (), "It was told to stop, and did in good order."),
    LogEvent("pulsing", "info", ("streams",), "The pulse begins."),
    LogEvent("published", "info", ("pending", "records"), "`publish` ends, with what is left."),
    LogEvent("stopped", "info", (), "The process was told to stop, and did in good order."),
    LogEvent(
        "batch_outrun",
        "info",
        ("records", "stream"),
        "Another worker moved the position: the batch was thrown away, and is read again.",
    ),
    LogEvent("stream_halted", "error", ("cause", "hint", "offset", "stream"), "A stream is read no further."),
    LogEvent(
        "case_set_aside",
        "error",
        ("case", "code", "tries"),
        "A case could not be judged, and waits; all others go on (`headquarters set-aside`).",
    ),
    LogEvent(
        "office_not_registered",
        "warning",
        ("hint", "office", "pending"),
        "An office that the register lacks owes so many reports that are open: they are judged no further.",
    ),
    LogEvent("log_broken", "error", ("cause", "hint", "stream"), "A log no longer fits the ledger: LOG_BROKEN."),
    LogEvent(
        "topic_is_no_stream", "warning", ("hint", "topic"), "A topic is called like a stream, but no office can be."
    ),
    LogEvent("offset_hint_not_stored", "info", ("code",), "Lag tools see an old offset; nothing depends on it."),
    LogEvent("not_published", "warning", ("hint", "reason", "topic"), "The broker refused what was to be published."),
    LogEvent("pulse_not_sent", "warning", ("hint", "reason", "stream"), "A pulse expired: time stands on that stream."),
    LogEvent(
        "ledger_away",
        "warning",
        ("cause", "hint"),
        "The worker cannot reach the ledger; told once, and tried again until it is back.",
    ),
    LogEvent("ledger_back", "info", (), "A turn was committed again: the worker reads on from the ledger's positions."),
    LogEvent(
        "turn_broken_off",
        "warning",
        ("hint",),
        "Told to stop, the worker gave up a turn that its slow ledger held up: nothing of it happened.",
    ),
    LogEvent("ledger_not_read", "info", ("cause",), "The pulse cannot look into the ledger; regular pulses go on."),
    LogEvent("kafka_error", "warning", ("code", "detail"), "The client has trouble that passes; it tries again."),
)

FIELD_OFFICE = (
    LogEvent("relay_started", "info", ("office",), "The relay begins: the outbox is its own."),
    LogEvent("relay_stopped", "info", ("office",), "It ended in good order, or stands aside for a fault."),
    LogEvent(
        "event_set_aside",
        "error",
        ("code", "reason", "sequence", "stream"),
        "An event was not sent and needs somebody; later ones go on.",
    ),
    LogEvent(
        "sender_given_up",
        "warning",
        ("again_in_seconds", "code", "stream"),
        "The connection is thrown away; the relay goes on from the first number undecided. A stream named is at rest.",
    ),
    LogEvent(
        "kafka_trouble", "warning", ("code", "detail"), "The client has trouble; told once until a record passes."
    ),
    LogEvent(
        "answer_not_read",
        "warning",
        ("offset", "reason"),
        "An answer of headquarters' is nothing that this version knows.",
    ),
    LogEvent(
        "answers_begin_anew", "warning", ("code",), "The receipts topic was made anew: it is read from its beginning."
    ),
    LogEvent(
        "source_given_up", "warning", ("again_in_seconds", "code"), "The answers cannot be read now; sending goes on."
    ),
    LogEvent(
        "receiver_stopped", "error", ("code",), "No answers are read until the relay starts again; sending goes on."
    ),
)

SHARED = (
    LogEvent("scrape_failed", "warning", ("cause",), "/metrics was asked for and cannot be given now."),
    LogEvent(
        "kafka_client",
        "the client's",
        ("client", "detail"),
        "A line of the Kafka client's own; at an office always at debug.",
    ),
)

EVENTS: Mapping[str, LogEvent] = {event.name: event for event in (*HEADQUARTERS, *FIELD_OFFICE, *SHARED)}
