"""The embedded ledger: one file, one writing process, any number of readers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from muster_contract.topics import DIRECTIVES, encounters, incidents
from muster_hq.ledger.sqlite.database import rows
from muster_hq.ledger.sqlite.intake import SqliteIntake
from muster_hq.ledger.sqlite.judging import SqliteJudging
from muster_hq.ledger.sqlite.reading import SqliteReader
from muster_hq.ledger_port import Outgoing


class SqliteLedger(SqliteReader):
    """See Ledger. LedgerError when another process writes this file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, write=True)

    def register(self, offices: Sequence[str]) -> None:
        """Make the streams of these offices, and only these, hold the intake clocks back."""
        with self._database.transaction() as cursor:
            words = self._database.words
            cursor.execute("update streams set registered = 0")
            names: list[tuple[str, str | None]] = [(DIRECTIVES, None)]
            names += [(stream(office), office) for office in offices for stream in (encounters, incidents)]
            for stream, office in names:
                office_no = words.of("office")[office] if office else None
                cursor.execute(
                    "insert into streams (stream_no, office_no, registered) values (?, ?, 1)"
                    " on conflict do update set registered = 1",
                    (words.of("stream")[stream], office_no),
                )

    @contextmanager
    def together(self) -> Iterator[None]:
        """Commit the transactions inside as one, when it is left: the disk is waited for once."""
        with self._database.transaction():
            yield

    @contextmanager
    def intake(self) -> Iterator[SqliteIntake]:
        """Begin a transaction of intake."""
        with self._database.transaction() as cursor:
            yield SqliteIntake(cursor, self._database.words)

    @contextmanager
    def judging(self) -> Iterator[SqliteJudging]:
        """Begin a transaction of judging."""
        with self._database.transaction() as cursor:
            yield SqliteJudging(cursor, self._database.words)

    def try_again(self) -> int:
        """Make the cases that were set aside due at once, their tries forgotten; give how many there are."""
        with self._database.transaction() as cursor:
            cursor.execute("""
                insert or ignore into due select distinct office_no, 0, case_no
                from set_aside join facts using (case_no) join streams using (stream_no)""")
            cursor.execute("update set_aside set tries = 0")
            return int(cursor.connection.changes())

    def outgoing(self, after: int, limit: int) -> list[Outgoing]:
        """Give the next records to publish, whose number is greater than ``after``."""
        select = "select number, topic, value from outgoing where number > ? order by number limit ?"
        with self._database.reading() as cursor:
            return [Outgoing(*row) for row in rows(cursor, select, (after, limit))]

    def hang_up(self) -> bool:
        """Do nothing: there is no network to wait for."""
        return False

    def forget(self, numbers: Sequence[int]) -> None:
        """Forget published records, in a transaction of its own."""
        with self._database.transaction() as cursor:
            cursor.executemany("delete from outgoing where number = ?", [(n,) for n in numbers])
