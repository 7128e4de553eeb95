"""What only a SQLite ledger can do wrong: one writing process, and a file that somebody else made."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from muster_hq.ledger.sqlite import SqliteLedger
from muster_hq.ledger.sqlite.reading import SqliteReader
from muster_hq.ledger_port import LedgerAway, LedgerError
from tests.builders import move
from tests.ports.ledgers import A


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the path of a ledger that does not exist yet."""
    return tmp_path / "ledger.db"


def test_a_second_writer_is_refused(path: Path) -> None:
    """As long as the first one lives; a reader is welcome."""
    with closing(SqliteLedger(path)):
        with pytest.raises(LedgerError, match="another process is writing this ledger"):
            SqliteLedger(path)
        SqliteReader(path).close()
    SqliteLedger(path).close()


def test_a_ledger_is_there_again_when_it_is_opened_again(path: Path) -> None:
    """Position, clock and counts."""
    with closing(SqliteLedger(path)) as ledger:
        ledger.register(["a"])
        with ledger.intake() as transaction:
            transaction.move([move(A, 0, 3)])
        before = ledger.streams()
    with closing(SqliteLedger(path)) as ledger:
        assert ledger.streams() == before


def test_reading_makes_no_ledger(path: Path) -> None:
    """A missing file is refused, and still missing afterwards."""
    with pytest.raises(LedgerError, match="does it exist"):
        SqliteReader(path)
    assert not path.exists()


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """With the question that finds the slip."""
    with pytest.raises(LedgerError, match="does its folder exist"):
        SqliteLedger(tmp_path / "nowhere" / "ledger.db")


@pytest.mark.parametrize("open_", [SqliteLedger, SqliteReader])
def test_a_file_that_is_no_database_is_refused(path: Path, open_: type[SqliteReader]) -> None:
    """It is left as it is, and its lock is let go."""
    path.write_bytes(b"no database, but long enough to look at: " * 100)
    with pytest.raises(LedgerError, match="no SQLite database"):
        open_(path)
    assert path.read_bytes().startswith(b"no database")
    path.unlink()
    SqliteLedger(path).close()


@pytest.mark.parametrize("open_", [SqliteLedger, SqliteReader])
def test_another_program_s_database_is_refused(path: Path, open_: type[SqliteReader]) -> None:
    """It has no version, and gets no tables of ours."""
    with closing(sqlite3.connect(path)) as other:
        other.execute("create table theirs (x)")
    with pytest.raises(LedgerError, match="is another program's database"):
        open_(path)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("select name from sqlite_schema").fetchall() == [("theirs",)]


@pytest.mark.parametrize("open_", [SqliteLedger, SqliteReader])
def test_another_version_is_refused(path: Path, open_: type[SqliteReader]) -> None:
    """Both versions are named, with what to do; the lock is let go."""
    SqliteLedger(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("update meta set value = 99 where key = 'version'")
        other.commit()
    with pytest.raises(LedgerError, match="holds version 99 of the ledger, this program knows 1"):
        open_(path)
    path.unlink()
    SqliteLedger(path).close()


def test_a_damaged_ledger_is_a_refusal_and_no_traceback(path: Path) -> None:
    """Whatever reads the page that is damaged says what to do."""
    with closing(SqliteLedger(path)) as ledger:
        ledger.register([f"office-{n}" for n in range(500)])
    raw = bytearray(path.read_bytes())
    raw[4096:] = b"\xff" * (len(raw) - 4096)
    path.write_bytes(bytes(raw))
    with pytest.raises(LedgerError, match="replay the log into a new ledger"), closing(SqliteReader(path)) as reader:
        reader.streams()


def test_a_file_that_another_process_holds_is_away_and_then_there_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tool that locks the file is waited for a moment only; the transaction has not happened, and is tried again."""
    monkeypatch.setattr("muster_hq.ledger.sqlite.database.BUSY_MS", 50)
    with closing(SqliteLedger(path)) as ledger, closing(SqliteReader(path)) as reader:
        ledger.register(["a"])
        with holding(path, "exclusive"):
            for _ in range(2):
                with pytest.raises(LedgerAway, match="is locked"), ledger.intake() as transaction:
                    transaction.move([move(A, 0, 3)])
            assert reader.streams()[A][0].next_offset == 0
        with ledger.intake() as transaction:
            transaction.move([move(A, 0, 3)])
        assert reader.streams()[A][0].next_offset == 3


def test_a_reader_that_stands_still_keeps_no_writer_waiting(path: Path) -> None:
    """A backup under way sees one state, and the worker goes on."""
    with closing(SqliteLedger(path)) as ledger:
        ledger.register(["a"])
        with holding(path, "deferred"), ledger.intake() as transaction:
            transaction.move([move(A, 0, 3)])
        assert ledger.streams()[A][0].next_offset == 3


@contextmanager
def holding(path: Path, how: str) -> Iterator[None]:
    """Have another process hold a transaction on a file."""
    script = (
        "import sqlite3, sys; file = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "file.execute('begin ' + sys.argv[2]); file.execute('select count(*) from streams').fetchall()\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(path), how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield
        finally:
            process.kill()
