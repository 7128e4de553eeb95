"""The ``headquarters`` command: one subcommand a file in ``commands/``."""

from __future__ import annotations

import typer

from muster_contract.shell.logging import configure_logging
from muster_contract.shell.probing import healthy
from muster_contract.shell.running import run_command
from muster_hq.commands.audit import audit
from muster_hq.commands.calendar import calendar
from muster_hq.commands.case import case
from muster_hq.commands.declined_transfers import declined_transfers
from muster_hq.commands.demo import demo
from muster_hq.commands.direct import direct, directives
from muster_hq.commands.due import due
from muster_hq.commands.embedded_broker import embedded_broker
from muster_hq.commands.export import export
from muster_hq.commands.lodge import lodge
from muster_hq.commands.look_back import look_back
from muster_hq.commands.metrics import metrics
from muster_hq.commands.publish import publish
from muster_hq.commands.pulse import pulse
from muster_hq.commands.quarantine import app as quarantine
from muster_hq.commands.replay import replay
from muster_hq.commands.roll_call import roll_call
from muster_hq.commands.sample import sample
from muster_hq.commands.serve import serve
from muster_hq.commands.set_aside import set_aside
from muster_hq.commands.topics import topics
from muster_hq.commands.worker import worker

app = typer.Typer(
    name="headquarters",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.callback(help="Headquarters: which required reports did not arrive, and how do you know?")(configure_logging)
_COMMANDS = (
    serve,
    worker,
    pulse,
    publish,
    metrics,
    audit,
    replay,
    export,
    look_back,
    due,
    case,
    sample,
    declined_transfers,
    calendar,
    set_aside,
    direct,
    directives,
    lodge,
    roll_call,
    topics,
    healthy,
    embedded_broker,
    demo,
)
for command in _COMMANDS:
    app.command(command.__name__.replace("_", "-"))(run_command(command))
app.add_typer(quarantine, name="quarantine")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
