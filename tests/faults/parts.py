"""What fault tests put together: offices with relays, single events with their append times, and the comparison."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import apsw
import psycopg
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from muster_contract import codec, headers
from muster_contract.events import EncounterReported, FieldEvent, IncidentReported, Stamp, wire_fields
from muster_contract.times import now_ms, to_datetime
from muster_contract.topics import encounters, incidents, streams_of
from muster_field.wiring import new_id
from tests.system.headquarters import Headquarters
from tests.system.offices import Offices, soon
from tests.system.processes import PATIENCE, Program

EPOCH = new_id(now_ms())
_numbers = iter(range(1, 10_000_000))


class Command(Program):
    """A command of headquarters."""

    def __init__(self, log: Path, *arguments: str) -> None:
        super().__init__(log, "muster_hq", *arguments)


@contextmanager
def open_offices(folder: Path, bootstrap: str, offices: Sequence[str], seed: int = 0) -> Iterator[Offices]:
    """Open offices, and end them whatever happens."""
    field = Offices(folder, bootstrap, offices, seed)
    try:
        field.open_for_business()
        yield field
    finally:
        field.kill()


def assert_nothing_lost_or_said_twice(hq: Headquarters, field: Offices, *, metrics: bool = True) -> Counter[str]:
    """Compare what was accepted, the topics, the audit and the ledger; give the ledger's verdicts by kind.

    And the ``metrics``, where the headquarters serves any.
    """
    field.close()
    settled = soon(2)
    hq.until(lambda: hq.caught_up(settled), "all is judged")
    accepted = field.accepted()
    assert ids_on_topics(hq.bootstrap, [office.id for office in field.offices]) == accepted
    assert applied(hq) == accepted
    hq.assert_audit_agrees()
    with hq.reading() as ledger:
        verdicts = [(case, *verdict[:5]) for case, verdict in ledger.verdicts()]
    assert len(set(verdicts)) == len(verdicts), "a verdict was said twice"
    kinds = Counter(kind for *_, kind in verdicts)
    if metrics:
        scraped = hq.metrics()
        assert {kind: scraped["muster_verdicts_total", (kind,)] for kind in kinds} == kinds
        assert sum(n for (name, _), n in scraped.items() if name == "muster_sequence_gaps") == 0
    return kinds


def applied(hq: Headquarters) -> set[UUID]:
    """Give the ids of the events that the ledger holds, each once; heartbeats are not among them."""
    if hq.ledger.startswith("postgresql"):
        with psycopg.connect(hq.ledger) as ledger:
            select = "select event_id from facts union all select event_id from noted"
            ids = [event_id for (event_id,) in ledger.execute(select)]
    else:
        with closing(apsw.Connection(hq.ledger.removeprefix("sqlite:///"), flags=apsw.SQLITE_OPEN_READONLY)) as file:
            ids = [UUID(bytes=event_id) for (event_id,) in file.execute("select event_id from applied")]
    assert len(ids) == len(set(ids)), "an event was applied twice"
    return set(ids)


def ids_on_topics(bootstrap: str, offices: Sequence[str]) -> set[UUID]:
    """Give the ids of the events on offices' streams: heartbeats, pulses and poison left out."""
    found = set()
    for message in records_of(bootstrap, streams_of(offices)):
        with suppress(codec.Undecodable):
            fields = codec.decode(message.value()).fields
            if "sequence" in fields:
                found.add(UUID(bytes=fields["event_id"]))
    return found


def records_of(bootstrap: str, topics: Sequence[str]) -> list[Message]:
    """Read topics from their first record to where they end now."""
    settings = {"bootstrap.servers": bootstrap, "group.id": "looking", "enable.partition.eof": True}
    consumer = Consumer({**settings, "enable.auto.commit": False})
    found: list[Message] = []
    ended: set[str | None] = set()
    deadline = time.monotonic() + PATIENCE
    try:
        consumer.assign([TopicPartition(topic, 0, 0) for topic in topics])
        while len(ended) < len(topics):
            assert time.monotonic() < deadline, "the topics cannot be read"
            for message in consumer.consume(10_000, 0.2):
                error = message.error()
                if error is None:
                    found.append(message)
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the public name of a code
                    ended.add(message.topic())
    finally:
        consumer.close()
    return found


def encounter(case: str, **changes: Any) -> EncounterReported:  # noqa: ANN401 - any field
    """Build an encounter that makes a report required."""
    about = {"case_id": case, "encounter_id": f"encounter-{case}", "occurred_at": to_datetime(now_ms())}
    return EncounterReported(**{**about, "match": "POTENTIAL", "custody": "IN_CUSTODY", **changes})


def report(case: str, **changes: Any) -> IncidentReported:  # noqa: ANN401 - any field
    """Build the report that is required."""
    about = {"case_id": case, "encounter_id": f"encounter-{case}", "occurred_at": to_datetime(now_ms())}
    what = {"stage": "INITIAL", "channel": "COURIER", "report_reference": "r", "report_sha256": "0" * 64}
    return IncidentReported(**{**about, **what, **changes})


def framed(event: FieldEvent, office: str, number: int | None = None) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Give an event's bytes and headers, as an outbox of this office would."""
    now = now_ms()
    sequence = number or next(_numbers)
    stamp = Stamp(event_id=new_id(now), office_id=office, epoch=EPOCH, sequence=sequence, recorded_at=now)
    return codec.encode(event.type, wire_fields(event, stamp)), headers.of_event(event.type, stamp)


class Line:
    """A bare line to the broker: events are sent at once, and their append times come back."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 0, "message.timeout.ms": 0}
        )

    def send(self, event: FieldEvent, office: str) -> int:
        """Send an event; give the time at which the broker appended it."""
        stream = encounters(office) if isinstance(event, EncounterReported) else incidents(office)
        return self.send_bytes(stream, *framed(event, office))

    def queue(self, stream: str, value: bytes, with_headers: list[tuple[str, bytes]]) -> None:
        """Send a record without waiting for the broker."""
        self._producer.produce(stream, value, partition=0, headers=with_headers)  # type: ignore[arg-type]  # a list is invariant
        self._producer.poll(0)

    def flush(self, seconds: float) -> int:
        """Wait until the broker has all that was queued; give the number that it has not."""
        return self._producer.flush(seconds)

    def send_bytes(self, stream: str, value: bytes, with_headers: list[tuple[str, bytes]]) -> int:
        """Send a record; give the time at which the broker appended it."""
        appended: list[int] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            assert error is None, error
            appended.append(message.timestamp()[1])

        self._producer.produce(stream, value, partition=0, headers=with_headers, on_delivery=delivered)  # type: ignore[arg-type]  # a list is invariant
        assert self._producer.flush(PATIENCE) == 0
        return appended[0]


def verdicts_of(hq: Headquarters, case: str) -> dict[str, list[tuple[str, int, int]]]:
    """Give a case's verdicts by requirement: (verdict, at, due_at), in order."""
    found: dict[str, list[tuple[str, int, int]]] = {}
    with hq.reading() as ledger:
        for case_id, v in ledger.verdicts():
            if case_id == case:
                found.setdefault(v.requirement, []).append((v.verdict, v.at, v.due_at))
    return found
