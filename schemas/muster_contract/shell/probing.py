"""``healthy``: ask a process of ours how it is, as an image's health check; a command of both sides."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from typing import Annotated
from urllib.parse import urlsplit

import typer

from muster_contract.errors import ConfigurationError, Finding

SECONDS = 5.0


def healthy(
    url: Annotated[
        str, typer.Argument(envvar="MUSTER_HEALTH_URL", help="Such as http://127.0.0.1:9464/healthz, or its /readyz.")
    ],
) -> None:
    """Ask a running process how it is: exit code 0 when all is well, 1 with the reason when not."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme != "http" or not parts.hostname or not port or not parts.path:
        raise ConfigurationError.of("URL", "is not http://HOST:PORT/PATH", "http://127.0.0.1:9464/healthz")
    connection = HTTPConnection(parts.hostname, port, timeout=SECONDS)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        text = answer.read(10_000).decode("utf-8", "replace").strip()
    except (OSError, HTTPException) as fault:
        raise Finding.of(
            url, f"does not answer: {fault}", "is the process running, and is this its --listen?"
        ) from None
    finally:
        connection.close()
    if answer.status != 200:  # noqa: PLR2004 - the only good answer
        raise Finding.of(url, f"{answer.status}: {text}")
    typer.echo(text)
