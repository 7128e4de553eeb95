"""``headquarters direct``: order something, in the log; ``directives``: what was ordered, and what was ignored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from muster_contract.directives import EXAMPLES, FORMS, IGNORED, Target, target_of
from muster_contract.errors import ConfigurationError
from muster_contract.register import load_registers
from muster_contract.times import format_instant
from muster_hq.commands.arguments import instant
from muster_hq.commands.directing import Authority, Draft, Reason, checked, give
from muster_hq.commands.options import (
    Bootstrap,
    KafkaConfig,
    LedgerUrl,
    OptionalLedgerUrl,
    OptionalOfficesFiles,
    OptionalPolicyFiles,
)
from muster_hq.commands.quarantine import what_comes_of
from muster_hq.commands.rows import Format, print_rows
from muster_hq.ledger.opening import open_reader
from muster_hq.ledger_port import LedgerReader
from muster_hq.orders import NAMING_RECORDS, Order
from muster_hq.policy_reader import load_policies
from muster_hq.verdicts import Obligation

COLUMNS = ("received_at", "action", "target", "until", "authority", "reason_code", "ignored")


def direct(
    action: Annotated[str, typer.Argument(help=", ".join(FORMS))],
    target: Annotated[str, typer.Argument(help=f"By the action: {', '.join(EXAMPLES.values())}")],
    authority: Authority,
    reason: Reason,
    bootstrap: Bootstrap,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="For EXTEND and HOLD: an RFC 3339 time.")] = None,
    kafka_config: KafkaConfig = None,
    ledger: OptionalLedgerUrl = None,
    policy: OptionalPolicyFiles = None,
    offices: OptionalOfficesFiles = None,
) -> None:
    """Append a directive to hq.directives, and say what it will change.

    What it means is in docs/verdicts.md, Directives. With --ledger it is
    told which obligations it concerns as they stand now. An activation needs
    the file that it names, as --policy or --offices: it cannot be taken back.
    """
    draft = checked(Draft(action, target, authority, reason, None if until is None else instant(until, "--until")))
    told = []
    if action in _FILES_OF:
        require_at_hand(draft, policy or (), offices or ())
        told.append("given: from now on no process of headquarters runs without that file")
    elif ledger is not None:
        with closing(open_reader(ledger)) as reader:
            told = list(_what_it_changes(reader, draft))
    give(draft, bootstrap, kafka_config)
    for line in told or ["given; without --ledger nobody has looked at what it concerns"]:
        typer.echo(line)


_FILES_OF = {"ACTIVATE_POLICY": "--policy", "ACTIVATE_REGISTER": "--offices"}


def require_at_hand(draft: Draft, policy: Sequence[Path], offices: Sequence[Path]) -> None:
    """Refuse an activation of what is none of these files: headquarters would end there, and for good."""
    aim, option = target_of(draft.action, draft.target) or Target(), _FILES_OF[draft.action]
    if draft.action == "ACTIVATE_POLICY":
        at_hand = {one.name: one.sha256 for one in (load_policies(policy).versions if policy else ())}
    else:
        at_hand = {f"register {one.version}": one.sha256 for one in load_registers(offices)}
    found = at_hand.get(aim.activated)
    if found is None:
        hint = f"the file that headquarters' processes have, with {option}"
        raise ConfigurationError.of("target", f"{aim.activated} is in no file that was given", hint)
    if found != aim.sha256:
        raise ConfigurationError.of("target", f"{aim.activated} has another SHA-256 in the file that was given", found)


def directives(
    ledger: LedgerUrl,
    output: Annotated[Format | None, typer.Option("--format", help="table on a terminal, else jsonl.")] = None,
) -> None:
    """List the directives that headquarters has read, and why those that are ignored are."""
    with closing(open_reader(ledger)) as reader:
        print_rows((_row(order) for order in reader.directives()), output, COLUMNS)


def _row(order: Order) -> dict[str, Any]:
    times = {"received_at": format_instant(order.received_at), "until": order.until and format_instant(order.until)}
    said = {name: getattr(order, name) for name in ("action", "target", "authority", "reason_code")}
    ignored = order.ignored and f"{order.ignored}: {IGNORED[order.ignored]}"
    return {**times, **said, "offset": order.offset, "ignored": ignored}


def _what_it_changes(ledger: LedgerReader, draft: Draft) -> Iterator[str]:
    aim = target_of(draft.action, draft.target) or Target()
    if draft.action in NAMING_RECORDS:
        yield what_comes_of(ledger, draft)
        return
    history = ledger.case(aim.case)
    concerned = [o for o in history.obligations if _concerns(aim, o)] if history else []
    for obligation in concerned:
        name = f"{obligation.requirement} {obligation.occurrence}"
        yield f"{name}: {obligation.state}, due {format_instant(obligation.due_at)}"
    if not concerned:
        yield "nothing of it is open, undetermined or outstanding now: it counts for what opens later"


def _concerns(aim: Target, obligation: Obligation) -> bool:
    """Tell whether a target is of an obligation: what it leaves out (a move names no encounter) is any."""
    return (
        aim.office == obligation.office_id
        and aim.encounter in {"", obligation.encounter_id}
        and aim.requirement in {"", obligation.requirement}
        and aim.occurrence in {0, obligation.occurrence}
    )
