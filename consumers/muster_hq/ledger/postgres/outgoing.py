"""Outgoing records: each belongs to the worker that wrote it, or to the one that took over from a dead one.

A worker's own records get their numbers in the order in which it commits them, so its publisher may follow them.
Whoever holds the advisory lock of a worker's number is that worker: no lock, no worker, and the next one
that looks gives what was left new numbers, behind its own. A worker that was merely slow finds them gone, and
forgets nothing that it should not; what it had sent is then sent twice, as after any crash.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg import Cursor

from muster_hq.ledger.postgres.binary import SIZED, copy, sized

_ADOPT = """
    with dead as materialized (
      select worker_no from workers w
      where worker_no <> %(me)s and exists (select from outgoing o where o.worker_no = w.worker_no)
        and pg_try_advisory_xact_lock(hashtext('muster worker'), worker_no)),
    taken as (delete from outgoing using dead where outgoing.worker_no = dead.worker_no returning number, topic, value)
    insert into outgoing (worker_no, topic, value) select %(me)s, topic, value from taken order by number"""


def queue(cursor: Cursor[Any], worker_no: int, records: Iterable[tuple[str, bytes]]) -> None:
    """Queue (topic, value) records for this worker to publish."""
    mine = SIZED[2] + worker_no.to_bytes(2, "big")
    head = b"\0\3" + mine
    topics: dict[str, bytes] = {}
    rows = []
    for topic, value in records:
        start = topics.get(topic) or topics.setdefault(topic, head + sized(topic.encode()))
        rows.append(start + sized(value))
    copy(cursor, "outgoing (worker_no, topic, value)", rows)


def adopt(cursor: Cursor[Any], worker_no: int) -> None:
    """Take over what dead workers have left."""
    cursor.execute(_ADOPT, {"me": worker_no})
