"""``headquarters topics``: create what offices and headquarters need, and verify that it is configured so."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from muster_contract.errors import Fault, Finding
from muster_contract.register import load_registers, offices_of
from muster_contract.topics import topics as all_topics
from muster_hq.commands.options import Bootstrap, KafkaConfig, OfficesFiles, kafka_properties
from muster_hq.commands.worker import GROUP, Group
from muster_hq.grants import Principals, grants_of
from muster_hq.kafka import Acls, Admin

PREFIX = "User:"
HEADQUARTERS = "User:headquarters"


def topics(
    bootstrap: Bootstrap,
    offices: OfficesFiles,
    kafka_config: KafkaConfig = None,
    create: Annotated[bool, typer.Option("--create", help="First create the topics that are missing.")] = False,
    verify: Annotated[bool, typer.Option(help="Compare the topics with what they must be.")] = True,
    replication: Annotated[int, typer.Option(help="Replicas of a topic that is created; -1 is the broker's own.")] = -1,
    acls: Annotated[
        bool, typer.Option("--acls", help="The same for ACLs: an office writes its streams and reads its receipts.")
    ] = False,
    principal_prefix: Annotated[
        str, typer.Option(metavar="PREFIX", help="An office's principal is this and its id.")
    ] = PREFIX,
    headquarters_principal: Annotated[str, typer.Option(metavar="NAME", help="Who headquarters is.")] = HEADQUARTERS,
    pulse_principal: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who the pulse is, if it has credentials of its own.")
    ] = None,
    group: Group = GROUP,
) -> None:
    """Create and verify topics: one partition, LogAppendTime, kept for good. Exit code 1 when one is not so."""
    register = [office.id for office in offices_of(load_registers(offices))]
    properties = kafka_properties(kafka_config)
    admin = Admin(properties, bootstrap)
    principals = Principals(principal_prefix, headquarters_principal, pulse_principal or headquarters_principal)
    grants = grants_of(register, principals, group) if acls else []
    created = admin.create_topics(register, replication) if create else []
    faults = admin.verify_topics(register) if verify else []
    expected = [name for topic in all_topics() for name in topic.names(register)]
    Console().print(_table(expected, created, faults, "as it must be" if verify else "not verified"))
    if acls:
        keeper = Acls(properties, bootstrap)
        given = keeper.create(grants) if create else []
        wrong = keeper.verify(grants) if verify else []
        typer.echo(f"{len(grants)} ACLs, {len(given)} created, {len(wrong)} wrong")
        faults = [*faults, *wrong]
    if faults:
        raise Finding(faults)


def _table(expected: Collection[str], created: Collection[str], faults: Collection[Fault], right: str) -> Table:
    wrong: dict[str, list[str]] = {}
    for fault in faults:
        wrong.setdefault(fault.place, []).append(fault.cause)
    table = Table("topic", "state", title=f"{len(expected)} topics, {len(created)} created, {len(wrong)} wrong")
    for name in [*expected, *(name for name in wrong if name not in expected)]:
        table.add_row(name, "; ".join(wrong.get(name, ["created" if name in created else right])))
    return table
