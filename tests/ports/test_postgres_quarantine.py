"""Two workers on PostgreSQL: one takes in a record that it cannot read, the other the directive that names it.

Whoever commits second sees what the first did: exactly one of them ends the record's quarantine.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import psycopg
import pytest

from muster_contract.topics import incidents
from muster_hq.intake import Intake
from muster_hq.ledger.postgres import PostgresLedger
from muster_hq.ledger.postgres.reading import PostgresReader
from muster_hq.records import Record
from tests.builders import policies_of, records_of
from tests.cases.builders import T0, directive, report
from tests.cases.policies import OUTAGE
from tests.older_program import older_program

PATIENCE = 60
PLACE = (incidents("a"), 0)
RECORD, READMIT, REJECT = (
    records_of(event)
    for event in (
        report("S", 5),
        directive("D", 9, "READMIT", f"{incidents('a')}@0"),
        directive("D", 9, "REJECT", f"{incidents('a')}@0"),
    )
)


class Worker:
    """A worker's ledger, and its intake."""

    def __init__(self, database: str) -> None:
        self.ledger = PostgresLedger(database)
        self.intake = Intake(self.ledger, policies_of(OUTAGE), ["a", "b"])


@pytest.fixture
def workers(database: str) -> Iterator[tuple[Worker, Worker]]:
    """Start two workers of a program that cannot read the record yet, but can when it is named."""
    with older_program([PLACE]), ExitStack() as stack:
        two = Worker(database), Worker(database)
        for worker in two:
            stack.enter_context(closing(worker.ledger))
        yield two


@pytest.mark.parametrize("order", [READMIT, REJECT], ids=["readmit", "reject"])
@pytest.mark.parametrize("first", ["record", "directive"])
def test_one_worker_settles_a_record_whichever_commits_first(
    first: str, order: list[Record], workers: tuple[Worker, Worker], database: str
) -> None:
    """The second waits for the first, and then sees what it did."""
    one, other = workers
    batches = [RECORD, order] if first == "record" else [order, RECORD]
    with one.ledger.together():
        one.intake.take(batches[0], None)
        taking = Taking(lambda: other.intake.take(batches[1], None))
        taking.until_it_waits(database)
    taking.end()
    with closing(PostgresReader(database)) as reader:
        (record,) = reader.quarantined()
        case = reader.case("c")
        assert (record.ended_at, record.ended_by) == (T0 + 9, 0)
        assert reader.quarantine_waiting() == {}
        facts = [] if case is None else [fact.received_at for fact in case.facts]
    assert facts == ([T0 + 9] if order is READMIT else [])


def test_a_directive_whose_transaction_is_undone_settles_nothing(workers: tuple[Worker, Worker], database: str) -> None:
    """The record waits, until the directive is taken in again."""
    one, other = workers

    def crash() -> None:
        with one.ledger.together():
            one.intake.take(REJECT, None)
            taking.append(Taking(lambda: other.intake.take(RECORD, None)))
            taking[0].until_it_waits(database)
            raise ZeroDivisionError

    taking: list[Taking] = []
    with pytest.raises(ZeroDivisionError):
        crash()
    taking[0].end()
    assert other.ledger.quarantine_waiting() == {"a": 1}
    one.intake.reload()
    one.intake.take(REJECT, None)
    assert other.ledger.quarantine_waiting() == {}


class Taking:
    """Something that runs beside the test, and waits for a lock of PostgreSQL's."""

    def __init__(self, take: Callable[[], object]) -> None:
        self._faults: list[BaseException] = []
        self._take = take
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._take()
        except BaseException as fault:  # noqa: BLE001 - told by end()
            self._faults.append(fault)

    def until_it_waits(self, database: str) -> None:
        """Wait until a session of the database waits for a lock."""
        waiting = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        deadline = time.monotonic() + PATIENCE
        with psycopg.connect(database, autocommit=True) as connection:
            while not connection.execute(waiting).fetchall():
                assert self._thread.is_alive(), f"it did not wait: {self._faults}"
                assert time.monotonic() < deadline
                time.sleep(0.01)

    def end(self) -> None:
        """Wait until it has ended, without a fault."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        assert self._faults == []
