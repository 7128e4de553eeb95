"""Compare a ledger with an audit of the log that it is derived from: they must agree, verdict by verdict."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from muster_contract.errors import MusterError
from muster_hq.ledger_port import LedgerReader
from muster_hq.published import verdict_row

Row = dict[str, Any]


class Holdings(NamedTuple):
    """What a ledger holds at one moment: its intake clocks, its verdicts as rows, and its positions."""

    clocks: dict[str, int]
    verdicts: list[Row]
    miscounted: list[str]
    """Streams whose four counts do not add up to the records read."""


class Difference(NamedTuple):
    """A verdict that only one of the two gives."""

    only_in: str
    row: Row


def holdings_of(ledger: LedgerReader) -> Holdings:
    """Read what is compared, in one snapshot; MusterError while cases are due that nobody has judged."""
    with ledger.snapshot():
        clocks = ledger.clocks()
        behind = [name or "all offices" for name, past in ledger.next_due().items() if past < clocks.get(name, past)]
        if behind:
            hint = "wait for the worker, or start one, and compare again"
            raise MusterError.of("ledger", f"cases are due that are not judged yet: {', '.join(sorted(behind))}", hint)
        miscounted = [name for name, (state, counts) in ledger.streams().items() if sum(counts) != state.next_offset]
        return Holdings(clocks, [verdict_row(case, verdict) for case, verdict in ledger.verdicts()], miscounted)


def differences(audited: Iterable[Row], held: Iterable[Row]) -> Iterator[Difference]:
    """Give the rows that only one side has; a verdict with other evidence is in both lists."""
    by_text = {json.dumps(row, sort_keys=True): row for row in audited}
    for row in held:
        if by_text.pop(json.dumps(row, sort_keys=True), None) is None:
            yield Difference("ledger", row)
    for row in by_text.values():
        yield Difference("audit", row)
