"""Options that several commands share. Each can be set in the environment, which the help names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from muster_contract.client_config import CONFIG_FILE, load_client_config
from muster_contract.errors import ConfigurationError

LedgerUrl = Annotated[
    str,
    typer.Option(
        "--ledger",
        envvar="MUSTER_LEDGER",
        metavar="URL",
        help="The ledger: sqlite:///ledger.db; a fourth slash begins an absolute path.",
    ),
]

OptionalLedgerUrl = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        envvar="MUSTER_LEDGER",
        metavar="URL",
        help="The ledger, if there is one to look into, such as sqlite:///ledger.db.",
    ),
]

PolicyFiles = Annotated[
    list[Path],
    typer.Option(
        "--policy",
        envvar="MUSTER_POLICY",
        metavar="FILE",
        help="A policy file; repeat it for every version. In the environment: with : between them.",
    ),
]

OptionalPolicyFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--policy",
        envvar="MUSTER_POLICY",
        metavar="FILE",
        help="A policy file, where one is asked for; repeat it for every version.",
    ),
]

OfficesFiles = Annotated[
    list[Path],
    typer.Option(
        "--offices",
        envvar="MUSTER_OFFICES",
        metavar="FILE",
        help="The register of offices; repeat it for every version. In the environment: with : between them.",
    ),
]

OptionalOfficesFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--offices",
        envvar="MUSTER_OFFICES",
        metavar="FILE",
        help="The register of offices; repeat it for every version. Left out: the offices that are found.",
    ),
]

Bootstrap = Annotated[
    str, typer.Option("--bootstrap", envvar="MUSTER_BOOTSTRAP", metavar="HOST:PORT", help="Kafka's address.")
]

OptionalBootstrap = Annotated[
    str | None,
    typer.Option("--bootstrap", envvar="MUSTER_BOOTSTRAP", metavar="HOST:PORT", help="Kafka's address, if it is read."),
]

KafkaConfig = Annotated[
    Path | None,
    typer.Option(
        "--kafka-config",
        envvar=CONFIG_FILE,
        metavar="FILE",
        help="Properties of the Kafka clients, such as for authentication. MUSTER_KAFKA_SASL_PASSWORD and the like "
        "are set over them.",
    ),
]

TrustCreateTime = Annotated[
    bool,
    typer.Option(
        "--trust-create-time",
        help="Read topics of CreateTime too: for the demonstration and replays only, since such times prove nothing.",
    ),
]

FindingsInstead = Annotated[
    bool, typer.Option("--findings", help="Print the findings on transmission itself, and not the verdicts.")
]

Listen = Annotated[
    str,
    typer.Option(
        "--listen",
        envvar="MUSTER_LISTEN",
        metavar="HOST:PORT",
        help="Where /metrics, /healthz and /readyz are served. Small counts can reveal an encounter: mind who reads.",
    ),
]

OptionalListen = Annotated[
    str | None,
    typer.Option(
        "--listen",
        envvar="MUSTER_LISTEN",
        metavar="HOST:PORT",
        help="Where /healthz and the like are served, if at all. Loopback, unless its readers are known.",
    ),
]

LISTEN = "127.0.0.1:9464"
"""The default of --listen: loopback, unless told otherwise."""


def kafka_properties(config: Path | None) -> dict[str, str]:
    """Read the user's Kafka client properties, from the file and the environment."""
    return load_client_config(config, os.environ)


def address_of(listen: str) -> tuple[str, int]:
    """Read HOST:PORT; port 0 is any free one."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:  # noqa: PLR2004 - the last port
        raise ConfigurationError.of("--listen", "is not HOST:PORT", LISTEN)
    return host.strip("[]"), int(port)
