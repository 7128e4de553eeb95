"""The field office beside the bare thing: its outbox beside SQLite, its relay beside a produce loop.

``bare`` and ``ours`` do the same work on the same disk and broker: the same inserts of the same rows, each
commit with its fsync; the same records with the same headers, each with its acknowledgement.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import apsw
from confluent_kafka import Producer

from muster_contract.events import EncounterReported
from muster_contract.headers import OutboxHeaders
from muster_contract.register import Office
from muster_contract.times import now_ms, to_datetime
from muster_contract.topics import encounters
from muster_field.kafka import KafkaSender
from muster_field.office import FieldOffice
from muster_field.outbox import Outbox
from muster_field.outbox_file import Identity, connect, create
from muster_field.relay import Relay, RelayOptions
from muster_field.rows import Row
from muster_field.wiring import new_id, open_office

OFFICE = "o00"
_INSERT = "insert into encounters values (?, ?, ?, ?, ?)"


def events(count: int) -> list[EncounterReported]:
    """Build events as a field system would, before the clock runs."""
    now = to_datetime(now_ms()) - timedelta(minutes=1)
    return [
        EncounterReported(
            case_id=str(new_id(n)),
            encounter_id=str(new_id(n)),
            occurred_at=now,
            match="POTENTIAL",
            custody="IN_CUSTODY",
        )
        for n in range(count)
    ]


def ours_accepts(folder: Path, name: str, batches: Sequence[Sequence[EncounterReported]]) -> float:
    """Accept batches through the field API, one transaction each; give the seconds."""
    with open_office(folder / f"{name}.db", OFFICE, [Office(id=OFFICE)]) as office:
        started = time.perf_counter()
        for batch in batches:
            office.accept_many(batch)
        return time.perf_counter() - started


def bare_accepts(folder: Path, name: str, rows: Sequence[Row], batch: int) -> float:
    """Insert the same rows into the same tables with apsw alone, one transaction a batch; give the seconds."""
    path = folder / f"{name}.db"
    connection = connect(path)
    create(connection, path, Identity(OFFICE, UUID(int=1), 0))
    cursor = connection.cursor()
    started = time.perf_counter()
    for first in range(0, len(rows), batch):
        cursor.execute("begin immediate")
        cursor.executemany(_INSERT, rows[first : first + batch])
        cursor.execute("commit")
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


def rows_of(path: Path) -> list[Row]:
    """Read what an outbox holds."""
    outbox = Outbox.open(path)
    rows = outbox.page("encounters", 0, 10_000_000)
    outbox.close()
    return rows


def filled(folder: Path, count: int) -> Path:
    """Fill an outbox for relaying."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "relayed.db"
    with FieldOffice.open(path, OFFICE, [Office(id=OFFICE)], clock=now_ms, new_id=new_id) as office:
        for _ in range(0, count, 5_000):
            office.accept_many(events(min(5_000, count)))
    return path


def ours_relays(path: Path, bootstrap: str) -> float:
    """Empty the outbox until the broker has acknowledged everything, client start included; give the seconds."""
    outbox = Outbox.open(path)
    options = RelayOptions(heartbeat_seconds=None)
    relay = Relay(outbox, lambda: KafkaSender(bootstrap, {}), clock=now_ms, new_id=new_id, options=options)
    started = time.perf_counter()
    assert relay.drain(120)
    seconds = time.perf_counter() - started
    outbox.close()
    return seconds


def bare_produces(rows: Sequence[Row], epoch: UUID, bootstrap: str) -> float:
    """Produce the same records, with their headers, until acknowledged, client start included; give the seconds."""
    built = OutboxHeaders(OFFICE, epoch)
    records = [(row.value, built.of(row.type, row.event_id, row.recorded_at, row.sequence)) for row in rows]
    left = len(records)

    def acknowledged(error: object, _: object) -> None:
        nonlocal left
        assert error is None
        left -= 1

    started = time.perf_counter()
    config = {"bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all", "linger.ms": 10}
    config |= {"batch.size": 98_304}  # as the relay's: a broker refuses a larger one whole
    producer = Producer(config)
    for value, headers in records:
        while True:
            try:
                producer.produce(
                    encounters(OFFICE), value, partition=0, headers=dict(headers), on_delivery=acknowledged
                )
                break
            except BufferError:
                producer.poll(0.01)
        producer.poll(0)
    producer.flush(60)
    assert left == 0
    return time.perf_counter() - started


def sqlite_version() -> str:
    """Give the version that both sides run on."""
    return apsw.sqlite_lib_version()
