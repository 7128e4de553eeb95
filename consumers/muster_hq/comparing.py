"""Compare a ledger with an audit of the log that it is derived from: verdict by verdict, finding by finding."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from muster_contract.errors import MusterError
from muster_hq.entries import NEVER_READ
from muster_hq.ledger_port import LedgerReader
from muster_hq.published import finding_row, verdict_row

Row = dict[str, Any]


class Holdings(NamedTuple):
    """What a ledger holds at one moment: its intake clocks, its verdicts and findings as rows, what it did not read."""

    clocks: dict[str, int]
    verdicts: list[Row]
    findings: list[Row]
    miscounted: list[str]
    """Streams whose four counts do not add up to the records read."""
    unread: dict[tuple[str, int], str]
    """Every record that was quarantined, by stream and offset, with the reason."""


class Difference(NamedTuple):
    """A verdict or a finding that only one of the two gives."""

    only_in: str
    row: Row


def holdings_of(ledger: LedgerReader) -> Holdings:
    """Read what is compared, in one snapshot; MusterError while something is due that nobody has judged."""
    with ledger.snapshot():
        clocks = ledger.clocks()
        if behind := behind_of(ledger, clocks):
            hint = "wait for the worker, or start one, and compare again"
            raise MusterError.of("ledger", f"what is due is not judged yet: {', '.join(sorted(behind))}", hint)
        miscounted = [name for name, (state, counts) in ledger.streams().items() if sum(counts) != state.next_offset]
        verdicts = [verdict_row(case, verdict) for case, verdict in ledger.verdicts()]
        unread = {(record.stream, record.offset): record.reason for record in ledger.quarantined()}
        return Holdings(clocks, verdicts, settled_findings(ledger, clocks), miscounted, unread)


def behind_of(ledger: LedgerReader, clocks: Mapping[str, int]) -> set[str]:
    """Name the clocks by which cases, or an office's roll, are due and not judged yet."""
    waiting = [*ledger.next_due().items(), *ledger.next_call().items()]
    return {name or "all offices" for name, past in waiting if past < clocks.get(name, past)}


def settled_findings(ledger: LedgerReader, clocks: Mapping[str, int]) -> list[Row]:
    """Give the findings that follow from the log up to these clocks: all but LOG_BROKEN, which has no place in it."""
    return [
        finding_row(finding)
        for finding in ledger.findings()
        if finding.kind != "LOG_BROKEN" and finding.at <= clocks.get(finding.office_id, NEVER_READ)
    ]


def differences(audited: Iterable[Row], held: Iterable[Row]) -> Iterator[Difference]:
    """Give the rows that only one side has; a verdict with other evidence is in both lists."""
    by_text = {json.dumps(row, sort_keys=True): row for row in audited}
    for row in held:
        if by_text.pop(json.dumps(row, sort_keys=True), None) is None:
            yield Difference("ledger", row)
    for row in by_text.values():
        yield Difference("audit", row)
