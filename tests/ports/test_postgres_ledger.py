"""What only a PostgreSQL ledger can do: several workers at once, migrations, and a connection that is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files

import psycopg
import pytest

import muster_hq.ledger.postgres
from muster_hq.entries import FindingRow
from muster_hq.ledger.opening import open_ledger
from muster_hq.ledger.postgres import PostgresLedger
from muster_hq.ledger.postgres.migrating import migrations
from muster_hq.ledger.postgres.reading import PostgresReader
from muster_hq.ledger_port import LedgerAway, LedgerError, Outrun
from muster_hq.verdicts import ALL_OFFICES
from tests.builders import clocks_at, move, obligation_on, verdict_on
from tests.cases.builders import T0, encounter, report
from tests.ports.ledgers import A, B, append, due_at, heard, record


@pytest.fixture
def one(database: str) -> Iterator[PostgresLedger]:
    """Open the ledger as a first worker."""
    with closing(PostgresLedger(database)) as ledger:
        ledger.register(["a", "b"])
        yield ledger


@pytest.fixture
def other(one: PostgresLedger, database: str) -> Iterator[PostgresLedger]:
    """Open it as a second worker."""
    assert one
    with closing(PostgresLedger(database)) as ledger:
        yield ledger


def end_connections(database: str) -> None:
    """End every other connection to a database, as an operator or a crash would."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )


def test_a_case_that_one_worker_judges_is_left_by_the_other(one: PostgresLedger, other: PostgresLedger) -> None:
    """And is judged by the other once, when the first is undone."""
    append(one, encounter("E", 0, case="first"), encounter("F", 1, case="second"))
    with one.judging() as transaction:
        (taken,) = transaction.due_cases(clocks_at(T0 + 9, "ab"), 1)
        assert [case.case_id for case in due_at(other, 9)] == ["second"]
        assert due_at(other, 9) == []
    assert taken.case_id == "first"
    assert due_at(other, 9) == []


def test_a_case_whose_judging_was_undone_is_there_for_the_other(one: PostgresLedger, other: PostgresLedger) -> None:
    """Nothing is lost with a worker."""
    append(one, encounter("E", 0))

    def crash() -> None:
        with one.judging() as transaction:
            assert transaction.due_cases(clocks_at(T0 + 9, "a"), 9)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crash()
    assert len(due_at(other, 9)) == 1


def test_an_obligation_of_a_case_that_another_worker_judges_keeps_its_instant(
    one: PostgresLedger, other: PostgresLedger
) -> None:
    """Whoever finds the case taken takes nothing off, and finds it due when the first is undone."""
    append(one, encounter("E", 0))
    (case,) = due_at(one, 9)
    record(one, case, opened=[obligation_on(case.facts[0], due=30)], due=[("a", 30)])
    append(one, encounter("F", 20))

    def crash() -> None:
        with one.judging() as transaction:
            assert transaction.due_cases(clocks_at(T0 + 20, "a"), 9)
            assert due_at(other, 31) == []
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crash()
    assert other.next_due() == {"a": T0 + 19}
    assert len(due_at(other, 20)) == 1
    assert other.next_due() == {"a": T0 + 30}


def test_a_case_is_judged_by_clocks_that_are_not_behind_its_last_judgement(
    one: PostgresLedger, other: PostgresLedger
) -> None:
    """The other worker has moved a clock and judged meanwhile: its clocks count, or its judgement would be undone."""
    for stream in ("hq.directives", "field.a.incidents", "field.b.incidents", A, B):
        with one.intake() as transaction:
            transaction.move([move(stream, 0, 1, at=10)])
    append(one, encounter("E", 0, case="c"), encounter("F", 5, case="c", office="b"))
    with one.judging() as slow:
        before = slow.clocks()
        with other.intake() as transaction:
            transaction.move([move(A, 1, 2, at=30), move("field.a.incidents", 1, 2, at=30)])
            transaction.move([move("hq.directives", 1, 2, at=30)])
        assert slow.due_cases(before, 9)
        assert (before["a"], slow.clocks()["a"]) == (T0 + 9, T0 + 29)


def test_a_fact_that_comes_while_its_case_is_judged_wakes_the_case(one: PostgresLedger, other: PostgresLedger) -> None:
    """Also when judging takes off an instant that is the very one of the new fact."""
    append(one, encounter("E", 0))
    (case,) = due_at(one, 9)
    record(one, case, due=[("a", 20)])
    append(other, report("S", 21))
    record(one, case, stale=[("a", 20)])
    assert [found.case_id for found in due_at(one, 21)] == ["c"]


def test_both_workers_may_meet_the_same_new_case(one: PostgresLedger, other: PostgresLedger) -> None:
    """It gets one number; who comes second waits for the first."""
    append(one, encounter("E", 0, case="c"))
    append(other, encounter("F", 1, case="c", office="b"))
    (case,) = due_at(one, 9)
    assert [fact.office for fact in case.facts] == ["a", "b"]


def test_tallies_of_all_workers_add_up(one: PostgresLedger, other: PostgresLedger) -> None:
    """One opens an obligation, another closes it."""
    append(one, encounter("E", 0))
    (case,) = due_at(one, 9)
    opened = obligation_on(case.facts[0])
    record(one, case, opened=[opened])
    record(other, case, [verdict_on(case.facts[0], "ON_TIME")], closed=[opened])
    for ledger in (one, other):
        with ledger.intake() as transaction:
            transaction.count_delays({0.1: 1}, 0.5)
            transaction.find([FindingRow("WRONG_OFFICE", "a", A, T0, f"of {id(ledger)}", ())])
    assert (one.obligation_counts(), one.verdict_counts()) == ({}, {("a", "report", "ON_TIME"): 1})
    assert (one.delays(), one.finding_counts()) == (({0.1: 2}, 1.0), {"WRONG_OFFICE": 2})


def test_two_workers_do_not_wait_for_one_another(one: PostgresLedger, other: PostgresLedger) -> None:
    """Each takes in, judges and counts for other offices while the other's transaction is open."""
    with one.together():
        append(one, encounter("E", 0, case="one"))
        (case,) = due_at(one, 9)
        record(one, case, [verdict_on(case.facts[0])])
        with other.together():
            append(other, encounter("F", 0, case="other", office="b"))
            (case,) = due_at(other, 9)
            record(other, case, [verdict_on(case.facts[0])])
    assert len(list(one.verdicts())) == 2


def test_a_position_that_is_being_moved_is_waited_for(one: PostgresLedger, other: PostgresLedger) -> None:
    """Who waited finds it moved, and is outrun."""
    with one.intake() as transaction:
        transaction.move([move(A, 0, 3)])
    with pytest.raises(Outrun), other.intake() as transaction:
        transaction.move([move(A, 0, 5)])
    assert one.streams()[A][0].next_offset == 3


def test_a_roll_that_one_worker_calls_is_left_by_the_other(one: PostgresLedger, other: PostgresLedger) -> None:
    """And what was heard is taken off once."""
    with one.intake() as transaction:
        transaction.note_heard([heard(A, 1, at=5), heard(B, 1, at=5)])
    with one.judging() as first:
        assert [file.office_id for file in first.due_rolls(clocks_at(T0 + 9, "a"))] == ["a"]
        with other.judging() as second:
            assert [file.office_id for file in second.due_rolls(clocks_at(T0 + 9, "ab"))] == ["b"]
    with other.judging() as second:
        assert second.due_rolls(clocks_at(T0 + 9, "ab")) == []


def test_each_worker_publishes_its_own_records(one: PostgresLedger, other: PostgresLedger) -> None:
    """Nothing is sent twice as long as both live."""
    for ledger, value in ((one, b"1"), (other, b"2")):
        with ledger.intake() as transaction:
            transaction.publish([("hq.verdicts", value)])
    assert [record.value for record in one.outgoing(0, 9)] == [b"1"]
    assert [record.value for record in other.outgoing(0, 9)] == [b"2"]


def test_what_a_dead_worker_left_is_published_by_another(
    one: PostgresLedger, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind its own records, so that a publisher that follows the numbers comes to it."""
    monkeypatch.setattr(muster_hq.ledger.postgres, "ADOPT_SECONDS", 0.0)
    with closing(PostgresLedger(database)) as dead, dead.intake() as transaction:
        transaction.publish([("hq.verdicts", b"1"), ("hq.verdicts", b"2")])
    with one.intake() as transaction:
        transaction.publish([("hq.verdicts", b"3")])
    before = one.outgoing(0, 1)
    assert [record.value for record in before] == [b"3"]
    assert [record.value for record in one.outgoing(before[0].number, 9)] == [b"1", b"2"]


def test_who_lost_its_connection_loses_the_transaction_and_goes_on(one: PostgresLedger, database: str) -> None:
    """Nothing of it stays, and the next one connects again."""

    def cut() -> None:
        with one.together():
            append(one, encounter("E", 0, case="lost"))
            end_connections(database)
            append(one, encounter("F", 0, case="not tried"))

    with pytest.raises(LedgerAway, match="terminating connection"):
        cut()
    append(one, encounter("G", 0, case="kept", office="b"))
    assert [case.case_id for case in due_at(one, 9)] == ["kept"]


def test_a_transaction_inside_another_does_not_connect_again(one: PostgresLedger, database: str) -> None:
    """Or the outer one's part would be missing, and nobody would know."""

    def swallow() -> None:
        with one.together():
            append(one, encounter("E", 0, case="lost"))
            end_connections(database)
            for _ in range(2):
                with pytest.raises(LedgerAway):
                    append(one, encounter("F", 0, case="alone", office="b"))

    with pytest.raises(LedgerAway):
        swallow()
    assert due_at(one, 9) == []


def test_a_reader_says_that_its_connection_is_lost_and_reads_again(one: PostgresLedger, database: str) -> None:
    """A snapshot does not go on in another one."""
    with closing(PostgresReader(database)) as reader:
        end_connections(database)
        with pytest.raises(LedgerAway):
            reader.streams()
        assert reader.clocks().keys() == {ALL_OFFICES, "a", "b"}
    assert one


def test_reading_makes_no_ledger(database: str) -> None:
    """An empty database is refused, and still empty afterwards."""
    with pytest.raises(LedgerError, match="holds no ledger"):
        PostgresReader(database)
    with psycopg.connect(database) as connection:
        assert connection.execute("select 1 from pg_tables where schemaname = 'public'").fetchall() == []


def test_a_reader_cannot_write(one: PostgresLedger, database: str) -> None:
    """Whatever its rights."""
    assert one
    with closing(PostgresReader(database)) as reader, pytest.raises(LedgerAway, match="read-only"):
        reader._database.fetch("delete from cases returning 1")  # noqa: SLF001 - nothing public writes


def test_another_program_s_database_is_refused(database: str) -> None:
    """And gets no tables of ours."""
    with psycopg.connect(database) as connection:
        connection.execute("create table theirs (x int)")
    with pytest.raises(LedgerError, match="another program's database"):
        PostgresLedger(database)
    with psycopg.connect(database) as connection:
        tables = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    assert tables == [("theirs",)]


@pytest.mark.parametrize("open_", [PostgresLedger, PostgresReader])
def test_a_newer_version_is_refused(database: str, open_: type[PostgresReader]) -> None:
    """Both versions are named, with what to do."""
    PostgresLedger(database).close()
    with psycopg.connect(database) as connection:
        connection.execute("insert into muster_schema values (99, now())")
    with pytest.raises(LedgerError, match="holds version 99 of the ledger, this program knows"):
        open_(database)


def test_an_older_version_is_migrated_by_who_writes_and_refused_by_who_reads(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step once, in order."""
    PostgresLedger(database).close()
    newest = migrations()[-1][0]
    steps = [*migrations(), (newest + 1, b"create table more (x int)"), (newest + 2, b"alter table more add y int")]
    monkeypatch.setattr("muster_hq.ledger.postgres.migrating.migrations", lambda: steps)
    with pytest.raises(LedgerError, match=f"holds version {newest} of the ledger, this program needs {newest + 2}"):
        PostgresReader(database)
    for _ in range(2):
        PostgresLedger(database).close()
    PostgresReader(database).close()
    with psycopg.connect(database) as connection:
        versions = connection.execute("select version from muster_schema order by version").fetchall()
    assert versions == [(number,) for number, _ in steps]


def test_migrations_are_numbered_without_a_gap() -> None:
    """From 1, four digits and a name each."""
    assert [number for number, _ in migrations()] == list(range(1, len(migrations()) + 1))
    names = [file.name for file in files("muster_hq.ledger.postgres").joinpath("migrations").iterdir()]
    assert all(name[:4].isdecimal() and name[4] == "_" for name in names)


def test_a_row_that_is_refused_is_not_shown(one: PostgresLedger) -> None:
    """PostgreSQL quotes keys in its details; ours name the table's constraint only."""
    append(one, encounter("E", 0, case="secret-case"))
    (case,) = due_at(one, 9)
    record(one, case, [verdict_on(case.facts[0])])
    with pytest.raises(LedgerError, match="verdicts_pkey") as refused:
        record(one, case, [verdict_on(case.facts[0])])
    assert "Key" not in str(refused.value)


def test_the_url_chooses_it(database: str) -> None:
    """As for every command."""
    with closing(open_ledger(database)) as ledger:
        assert isinstance(ledger, PostgresLedger)
