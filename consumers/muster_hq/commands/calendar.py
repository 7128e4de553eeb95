"""``headquarters calendar``: the holidays of years as they are known today, to pin them beside a policy."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from muster_contract.errors import ConfigurationError
from muster_hq.calendar_reader import calendar_of
from muster_hq.calendars import public_holidays


def calendar(
    code: Annotated[str, typer.Argument(metavar="CODE", help="A country, and perhaps a part of it: US, US-CA.")],
    year: Annotated[list[int], typer.Option(min=1900, max=2100, help="A year; repeat it for more.")],
) -> None:
    """Print the public holidays of some years as a policy's calendars file has them.

    What is pinned there stays as it is, whatever a newer release of the
    holidays library says of those years.
    """
    if calendar_of(code, {}) is None:
        raise ConfigurationError.of("CODE", "is no calendar of the library", "such as US, or US-CA")
    years = {one: public_holidays(code, one) for one in sorted(set(year))}
    typer.echo(f"# holidays {version('holidays')}\n[calendar.{code}.years]")
    for one, days in years.items():
        typer.echo(f"{one} = [")
        for day, name in days.items():
            typer.echo(f"  {day},  # {name}")
        typer.echo("]")
