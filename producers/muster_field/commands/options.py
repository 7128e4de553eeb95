"""Options that several commands share. Each can be set in the environment, which the help names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from muster_contract.client_config import CONFIG_FILE, load_client_config
from muster_contract.register import load_register
from muster_field.office import FieldOffice
from muster_field.wiring import open_office

OutboxFile = Annotated[
    Path, typer.Option("--outbox", envvar="MUSTER_OUTBOX", metavar="FILE", help="The office's outbox.")
]

OfficeId = Annotated[
    str, typer.Option("--office", envvar="MUSTER_OFFICE", metavar="ID", help="The office, as the register calls it.")
]

OfficesFile = Annotated[
    Path, typer.Option("--offices", envvar="MUSTER_OFFICES", metavar="FILE", help="The register of offices.")
]

Bootstrap = Annotated[
    str, typer.Option("--bootstrap", envvar="MUSTER_BOOTSTRAP", metavar="HOST:PORT", help="Kafka's address.")
]

KafkaConfig = Annotated[
    Path | None,
    typer.Option(
        "--kafka-config",
        envvar=CONFIG_FILE,
        metavar="FILE",
        help="Properties of the Kafka client, such as for authentication. MUSTER_KAFKA_SASL_PASSWORD and the like "
        "are set over them.",
    ),
]

CaseId = Annotated[
    str | None, typer.Option("--case", metavar="ID", help="The case, opaque. Left out: a new one.", show_default=False)
]

OccurredAt = Annotated[
    str | None,
    typer.Option("--occurred-at", metavar="TIME", help="When it happened, RFC 3339 with a zone. Left out: now."),
]

Label = Annotated[str, typer.Option("--label", help="Handling label: UNCLASSIFIED, CUI or CUI_LES.")]


def open_field_office(outbox: Path, office: str, offices: Path) -> FieldOffice:
    """Open the office's outbox as the options name it."""
    return open_office(outbox, office, load_register(offices))


def kafka_properties(config: Path | None) -> dict[str, str]:
    """Read the user's Kafka client properties, from the file and the environment."""
    return load_client_config(config, os.environ)
