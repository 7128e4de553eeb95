"""The ledger of several workers: one PostgreSQL database, any number of writers and readers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from muster_contract.topics import DIRECTIVES, encounters, incidents
from muster_hq.ledger.postgres.binary import int2s, int8s
from muster_hq.ledger.postgres.intake import PostgresIntake
from muster_hq.ledger.postgres.judging import PostgresJudging
from muster_hq.ledger.postgres.outgoing import adopt
from muster_hq.ledger.postgres.reading import PostgresReader
from muster_hq.ledger_port import Outgoing

ADOPT_SECONDS: Final = 1.0
"""How often a worker looks for what dead ones have left to publish."""

_REGISTER = """
    insert into streams as s (stream_no, office_no, registered)
    select stream, nullif(office, 0), true from unnest(%s, %s) as new(stream, office) order by stream
    on conflict (stream_no) do update set registered = true where not s.registered"""
_UNREGISTER = "update streams set registered = false where registered and stream_no <> all(%s)"
_TRY_AGAIN = """
    insert into due (past, case_no, clock_no)
    select distinct 0, case_no, office_no
    from set_aside join facts using (case_no) join streams using (stream_no)"""
_ROLLS = "insert into rolls select * from unnest(%s) as new(office) order by office on conflict do nothing"


class PostgresLedger(PostgresReader):
    """See Ledger. Each one that is open is a worker of its own."""

    def __init__(self, url: str) -> None:
        super().__init__(url, write=True)
        self._looked = 0.0

    def register(self, offices: Sequence[str]) -> None:
        """Make the streams of these offices, and only these, hold the intake clocks back."""
        words = self._database.words
        owners: list[tuple[str, str | None]] = [(DIRECTIVES, None)]
        owners += [(stream(office), office) for office in offices for stream in (encounters, incidents)]
        words.learn("office", offices)
        words.learn("stream", [stream for stream, _ in owners])
        streams = int2s([words.of("stream")[stream] for stream, _ in owners])
        numbers = [words.of("office")[office] if office else 0 for _, office in owners]
        with self._database.transaction() as cursor:
            cursor.execute(_UNREGISTER, (streams,))
            cursor.execute(_REGISTER, (streams, int2s(numbers)))
            cursor.execute(_ROLLS, (int2s(sorted(set(numbers) - {0})),))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Commit the transactions inside as one, when it is left: the disk is waited for once."""
        with self._database.transaction():
            yield

    @contextmanager
    def intake(self) -> Iterator[PostgresIntake]:
        """Begin a transaction of intake."""
        with self._database.transaction() as cursor:
            yield PostgresIntake(cursor, self._database.words, self._database.worker_no)

    @contextmanager
    def judging(self) -> Iterator[PostgresJudging]:
        """Begin a transaction of judging."""
        with self._database.transaction() as cursor:
            yield PostgresJudging(cursor, self._database.words, self._database.worker_no)

    def try_again(self) -> int:
        """Make the cases that were set aside due at once, their tries forgotten; give how many there are."""
        with self._database.transaction() as cursor:
            cursor.execute(_TRY_AGAIN)
            return cursor.execute("update set_aside set tries = 0").rowcount

    def outgoing(self, after: int, limit: int) -> list[Outgoing]:
        """Give the next records that this worker is to publish, whose number is greater than ``after``."""
        if time.monotonic() - self._looked > ADOPT_SECONDS:
            self._looked = time.monotonic()
            with self._database.transaction() as cursor:
                adopt(cursor, self._database.worker_no)
        select = (
            "select number, topic, value from outgoing where worker_no = %s and number > %s order by number limit %s"
        )
        return [Outgoing(*row) for row in self._database.fetch(select, (self._database.worker_no, after, limit))]

    def hang_up(self) -> bool:
        """Break off what is under way, from another thread, for good."""
        self._database.hang_up()
        return True

    def forget(self, numbers: Sequence[int]) -> None:
        """Forget published records, in a transaction of its own."""
        delete = "delete from outgoing where worker_no = %s and number = any(%s)"
        with self._database.transaction() as cursor:
            cursor.execute(delete, (self._database.worker_no, int8s(numbers)))
