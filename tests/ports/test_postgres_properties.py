"""Whatever the log and the policy, and whichever of two workers does what: they say what the audit says.

One worker's transaction is open while the other judges; streams go from one to the other at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muster_contract.topics import streams_of
from muster_hq.audit import audit
from muster_hq.folding import When
from muster_hq.intake import Intake
from muster_hq.judging import Judging
from muster_hq.ledger.postgres import PostgresLedger
from muster_hq.ledger.postgres.database import SETTINGS
from muster_hq.ledger_port import LedgerAway
from muster_hq.published import verdict_row
from muster_hq.records import Record
from tests.random_logs import OFFICES, Dice, Log, dice, interleaved, logs, long_logs


class Worker:
    """The live engine over a ledger that others write as well."""

    def __init__(self, ledger: PostgresLedger, log: Log) -> None:
        self.ledger = ledger
        self.intake = Intake(ledger, log.policies, OFFICES)
        self.judging = Judging(ledger, log.policies, until=log.as_of, folding=When(2, 1, 3))

    def take(self, records: list[Record]) -> None:
        """Take a batch in, as on the first turn after streams were assigned."""
        self.intake.reload()
        self.intake.take(records, now=None)

    def judge(self, steps: int, limit: int) -> None:
        """Judge a few cases."""
        for _ in range(steps):
            self.judging.step(limit)


@pytest.fixture(autouse=True)
def _waiting_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both workers are one thread here: neither can wait for the other."""
    monkeypatch.setitem(SETTINGS, "lock_timeout", "20ms")


@given(st.one_of(logs(), long_logs()), dice)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_two_workers_and_the_audit_agree_row_by_row(database: str, log: Log, choices: Dice) -> None:
    """Verdicts, their tallies, and what waits to be published: each verdict once."""
    with two_workers(database, log) as workers:
        records = interleaved(log.records, choices)
        while records:
            size = 1 + choices.throw(6)
            one, other = workers if choices.throw(2) else reversed(workers)
            with one.ledger.together():
                one.take(records[:size])
                one.judge(choices.throw(3), 1 + choices.throw(2))
                with suppress(LedgerAway):  # judging waits for who takes in quarantined records
                    other.judge(choices.throw(3), 1 + choices.throw(2))
                one.judge(choices.throw(2), 2)
            records = records[size:]
        workers[0].intake.reload()
        workers[0].intake.pass_time(streams_of(OFFICES), log.as_of + 1)
        for worker in workers:
            worker.judging.run_dry(2)
        audited = audit(log.records, log.policies, OFFICES, log.as_of).verdicts
        given_ = list(workers[1].ledger.verdicts())
        assert [verdict_row(case_id, verdict) for case_id, verdict in given_] == audited
        counted = Counter((verdict.office_id, verdict.requirement, verdict.verdict) for _, verdict in given_)
        assert workers[0].ledger.verdict_counts() == counted
        outgoing = [record for worker in workers for record in worker.ledger.outgoing(0, 10_000)]
        assert sum(record.topic == "hq.verdicts" for record in outgoing) >= len(audited)


@contextmanager
def two_workers(database: str, log: Log) -> Iterator[list[Worker]]:
    """Open an empty ledger twice."""
    with ExitStack() as stack:
        ledgers = [stack.enter_context(closing(PostgresLedger(database))) for _ in range(2)]
        with psycopg.connect(database) as connection:
            tables = connection.execute(
                "select string_agg(tablename, ', ') from pg_tables where schemaname = 'public'"
                " and tablename not in ('muster_schema', 'workers', 'names')"
            ).fetchone()
            assert tables is not None
            connection.execute(f"truncate {tables[0]}")
        yield [Worker(ledger, log) for ledger in ledgers]
