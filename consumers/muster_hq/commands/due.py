"""``headquarters due``: which reports are still to come, by when and from where: what is open or undetermined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Annotated

import typer

from muster_contract.errors import ConfigurationError
from muster_contract.times import format_instant, now_ms, parse_duration
from muster_contract.topics import parse_stream
from muster_hq.commands.arguments import instant
from muster_hq.commands.lists import ListFormat, Row, list_format_of, obligation_row, print_list
from muster_hq.commands.options import LedgerUrl
from muster_hq.ledger.opening import open_reader
from muster_hq.ledger_port import LedgerReader
from muster_hq.orders import Order
from muster_hq.transfers import in_charge_of, transfers_of
from muster_hq.verdicts import NEVER, Obligation, open_by_office


def due(
    ledger: LedgerUrl,
    office: Annotated[
        list[str] | None,
        typer.Option("--office", metavar="ID", help="Only what this office owes; repeat it for several."),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="TIME", help="Only what is due by then: an RFC 3339 time.")
    ] = None,
    within: Annotated[
        str | None,
        typer.Option("--within", metavar="DURATION", help="Only what is due within so long from now, such as PT24H."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="No more than so many.")] = 100,
    output: Annotated[ListFormat | None, typer.Option("--format", help="table on a terminal, else jsonl.")] = None,
) -> None:
    """List the reports that are still to come, earliest due first: what is open or undetermined.

    next_at is the instant past which time alone changes it; none while it waits for a directive.
    in_charge is the office that is to see to it: the case may have been moved. The last lines say
    how many are open, office by office, whatever --by says: on stderr with jsonl and csv.
    """
    until, chosen = _until(by, within), list_format_of(output)
    listed: Counter[str] = Counter()
    with closing(open_reader(ledger)) as reader, reader.snapshot():
        _refuse_unknown(office or (), reader)
        remaining = open_by_office(reader.obligation_counts())
        rows = _rows(reader.still_open(limit, until, office), transfers_of(reader.directives()), listed)
        shown = print_list(rows, chosen, _COLUMNS)
    on_stderr = chosen is not ListFormat.TABLE
    for name in sorted({*(office or remaining)}):
        typer.echo(f"{name}: {listed[name]} of {remaining[name]} that are open", err=on_stderr)
    if shown == limit:
        typer.echo(f"no more than {limit} are listed: --limit", err=on_stderr)


def _until(by: str | None, within: str | None) -> int | None:
    """Read the instant up to which what is due is listed; ConfigurationError when it is given twice, or is none."""
    if by is not None and within is not None:
        raise ConfigurationError.of("--within", "stands beside --by", "give one of them")
    if within is None:
        return None if by is None else instant(by, "--by")
    try:
        return now_ms() + parse_duration(within)
    except ValueError as fault:
        raise ConfigurationError.of("--within", str(fault)) from None


def _refuse_unknown(offices: Sequence[str], reader: LedgerReader) -> None:
    """ConfigurationError for an office whose streams the ledger does not know: a slip would look like nothing owed."""
    known = {stream.office for name in reader.streams() if (stream := parse_stream(name)) and stream.office}
    for office in offices:
        if office not in known:
            raise ConfigurationError.of("--office", f"{office} is not in this ledger", ", ".join(sorted(known)))


def _rows(
    found: Iterable[tuple[str, Obligation]],
    transfers: Mapping[tuple[str, str], Sequence[Order]],
    listed: Counter[str],
) -> Iterator[Row]:
    """Give the rows as they come, and count them by office."""
    for case_id, one in found:
        listed[one.office_id] += 1
        next_at = None if one.next_at in {None, NEVER} else one.next_at
        row = obligation_row(case_id, one, _in_charge(one, transfers.get((case_id, one.office_id), ())))
        yield row | {"state": one.state, "next_at": next_at and format_instant(next_at)}


def _in_charge(one: Obligation, transfers: Sequence[Order]) -> str:
    """Name the office in charge. What is held for good is not due before it goes on: no move comes too late."""
    is_held = one.state == "OPEN" and one.next_at == NEVER
    return in_charge_of(one._replace(due_at=NEVER) if is_held else one, transfers)


_COLUMNS = (
    "due_at",
    "office_id",
    "in_charge",
    "requirement",
    "occurrence",
    "state",
    "next_at",
    "case_id",
    "encounter_id",
    "policy",
)
