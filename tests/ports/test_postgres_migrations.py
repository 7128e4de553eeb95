"""What a newer program makes of a PostgreSQL ledger that an older one has filled."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest

from muster_hq.facts import Fact
from muster_hq.ledger.postgres import PostgresLedger
from muster_hq.ledger.postgres.migrating import migrations
from muster_hq.verdicts import ALL_OFFICES
from tests.builders import obligation_on
from tests.cases.builders import T0, encounter
from tests.ports.ledgers import A, B, append, due_at

_OF_THE_FIRST = """
    insert into names values
      ('requirement', 1, 'report'), ('policy', 1, 'p@1'), ('state', 1, 'OPEN'), ('state', 2, 'OUTSTANDING');
    delete from arrivals;
    insert into obligations
      select received_at + 30, case when case_text = 'late' then null else received_at + 30 end, "offset", case_no, 1,
        stream_no, 1, 1, (case when case_text = 'late' then 2 else 1 end)::"char", case_text = 'wide'
      from facts join cases using (case_no) where case_text <> 'aside';
    insert into due
      select next_at, case_no, case when wide then 0 else office_no end
      from obligations join streams on stream_no = opening_stream_no where next_at is not null;
    insert into due select 50, case_no, 0 from cases where case_text = 'aside';
    update due set past = past + {t0} where past = 50"""


@pytest.fixture
def facts(database: str, monkeypatch: pytest.MonkeyPatch) -> list[Fact]:
    """Make a ledger of the first version: three obligations, two of which are due, and a case that is set aside."""
    first = migrations()[:1]
    with monkeypatch.context() as older:
        older.setattr("muster_hq.ledger.postgres.migrating.migrations", lambda: first)
        with closing(PostgresLedger(database)) as ledger:
            ledger.register(["a", "b"])
            names = ("open", "a"), ("wide", "b"), ("late", "b"), ("aside", "a")
            events = [encounter(f"E{n}", 0, case=case, office=office) for n, (case, office) in enumerate(names)]
            facts = append(ledger, *events)
    with psycopg.connect(database) as connection:
        connection.execute(_OF_THE_FIRST.format(t0=T0))
    return facts


def test_an_obligation_of_the_first_version_keeps_its_case_due(database: str, facts: list[Fact]) -> None:
    """By its clock; and what no obligation said stays in the list."""
    with closing(PostgresLedger(database)) as ledger:
        assert ledger.next_due() == {"a": T0 + 30, ALL_OFFICES: T0 + 30}
        taken = {case.case_id: case for case in due_at(ledger, 31)}
        assert taken.keys() == {"open", "wide"}
        assert taken["open"].obligations == {obligation_on(facts[0], due=30)[:9]}
        assert taken["wide"].obligations == {obligation_on(facts[1], due=30)._replace(clock=ALL_OFFICES)[:9]}
        assert [case.case_id for case in due_at(ledger, 99)] == ["aside"]
        assert [(case, one.state, one.opening) for case, one in ledger.outstanding()] == [
            ("late", "OUTSTANDING", facts[2])
        ]


def test_facts_of_the_first_version_are_known(database: str, facts: list[Fact]) -> None:
    """Those that come again are duplicates."""
    with closing(PostgresLedger(database)) as ledger, ledger.intake() as transaction:
        known = transaction.known([(A, facts[0].event_id), (B, facts[0].event_id), (B, facts[1].event_id)])
    assert known.keys() == {(A, facts[0].event_id), (B, facts[1].event_id)}
