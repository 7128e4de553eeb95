"""The ``field-office`` command: one subcommand a file in ``commands/``."""

from __future__ import annotations

import typer

from muster_contract.shell.logging import configure_logging
from muster_contract.shell.probing import healthy
from muster_contract.shell.running import run_command
from muster_field.commands.care import init_outbox, prune, release_reserve, renew_outbox
from muster_field.commands.due import due
from muster_field.commands.encounter import encounter
from muster_field.commands.incident import incident
from muster_field.commands.receive import receive
from muster_field.commands.record import record
from muster_field.commands.relay import relay
from muster_field.commands.resend import resend
from muster_field.commands.scenario import app as scenario
from muster_field.commands.status import status

app = typer.Typer(
    name="field-office",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.callback(help="A field office: record what happened, and send it to headquarters in order.")(configure_logging)
_COMMANDS = (
    encounter,
    incident,
    record,
    relay,
    receive,
    due,
    status,
    resend,
    init_outbox,
    prune,
    release_reserve,
    renew_outbox,
    healthy,
)
for command in _COMMANDS:
    app.command(command.__name__.replace("_", "-"))(run_command(command))
app.add_typer(scenario, name="scenario")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
