"""Replay a log through the live engine into a ledger: what headquarters would have said, said again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from muster_contract.errors import ConfigurationError
from muster_contract.topics import streams_of
from muster_hq.calling import Calling
from muster_hq.entries import Counts
from muster_hq.intake import Intake
from muster_hq.judging import Judging
from muster_hq.ledger_port import Ledger
from muster_hq.policies import Policies
from muster_hq.records import Record

BATCH = 5_000


def replay(  # noqa: PLR0913 - a log, what it is judged by, and where to
    records: Iterable[Record],
    policies: Policies,
    offices: Iterable[str],
    ledger: Ledger,
    as_of: int,
    *,
    batch: int = BATCH,
    progress: Callable[[int], None] = lambda _: None,
) -> Counts:
    """Take the records in and judge them up to ``as_of`` (UTC milliseconds); give the four counts.

    Append times are taken as the log has them. A stream with nothing after ``as_of`` is taken to have had
    a pulse a millisecond after it. ``progress`` is told how many records each batch had.
    ConfigurationError when the ledger holds something already, or when the log has a hole.
    """
    offices = sorted(offices)
    if any(state.next_offset for state, _ in ledger.streams().values()):
        raise ConfigurationError.of("ledger", "is not empty", "replay into a new one")
    intake = Intake(ledger, policies, offices)
    judging, calling = Judging(ledger, policies, until=as_of), Calling(ledger, policies, until=as_of)
    total = Counts()
    for part in _batches(records, batch):
        taken = intake.take(part, now=None)
        if taken.halts:
            halt = taken.halts[0]
            raise ConfigurationError.of(f"{halt.stream}, offset {halt.offset}", halt.cause, halt.hint)
        judging.run_dry(batch)
        calling.step()
        total = total.plus(taken.counts)
        progress(len(part))
    intake.pass_time(streams_of(offices), as_of + 1)
    judging.run_dry(batch)
    calling.step()
    return total


def _batches(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    remaining = iter(records)
    while part := list(islice(remaining, size)):
        yield part
