"""Kafka client properties from a file and the environment: authentication and tuning, secrets by reference.

A file has ``name = value`` lines with librdkafka's names; ``#`` begins a comment line. An environment
variable ``MUSTER_KAFKA_SASL_PASSWORD`` sets ``sasl.password`` over it. A value ``file:PATH`` is read from
that file (a relative path starts at the properties file), so that no secret need stand in either place.
A prefix on the value, not a ``_FILE`` on the name: librdkafka has names that end in ``.file``.
What Muster's promises rest on (``acks``, ``auto.offset.reset``, ...) is Muster's to set, and refused here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from muster_contract.errors import ConfigurationError, Fault

ENV_PREFIX = "MUSTER_KAFKA_"
CONFIG_FILE = "MUSTER_KAFKA_CONFIG"
"""Names the properties file, for ``--kafka-config``: no property itself."""
FROM_FILE = "file:"
RESERVED = {
    "bootstrap.servers": "give it with --bootstrap",
    "group.id": "give it with --group",
    "group.instance.id": "give it with --member",
    "group.protocol": "the positions are headquarters' own, and tried with the classic protocol only",
    "partition.assignment.strategy": "range would give every one-partition stream to one worker",
    "enable.auto.commit": "the ledger holds the positions",
    "enable.auto.offset.store": "the ledger holds the positions",
    "auto.offset.reset": "a position that is gone must be an error, never a silent jump",
    "enable.partition.eof": "Muster asks the broker for watermarks where it needs them",
    "enable.idempotence": "order within a stream depends on it",
    "acks": "accepted means safe",
    "message.timeout.ms": "an expiry would let a later event overtake an earlier one",
    "max.in.flight.requests.per.connection": "order within a stream depends on it",
    "request.required.acks": "another name of acks",
    "delivery.timeout.ms": "another name of message.timeout.ms",
    "max.in.flight": "another name of max.in.flight.requests.per.connection",
    "retries": "a record is tried until the broker has it",
    "message.send.max.retries": "another name of retries",
    "enable.gapless.guarantee": "order within a stream depends on it",
    "batch.size": "a batch must fit the topics' max.message.bytes, or the broker refuses it whole",
    "transactional.id": "Muster uses no Kafka transactions",
    "isolation.level": "Muster uses no Kafka transactions",
}
"""Properties that Muster sets itself, each with why."""


def load_client_config(path: Path | None, env: Mapping[str, str]) -> dict[str, str]:
    """Read the properties file, if any, and the environment; or raise every fault at once.

    No fault shows a value: it could be the secret.
    """
    faults: list[Fault] = []
    config: dict[str, str] = {}
    for name, value, place, folder in [*_from_path(path, faults), *_from_env(env)]:
        if name in RESERVED:
            faults.append(Fault(place, f"{name} is not yours to set", RESERVED[name]))
        elif not value:
            faults.append(Fault(place, f"{name} has no value", "leave the line out for the default"))
        elif value.startswith(FROM_FILE):
            config[name] = _secret(folder / value.removeprefix(FROM_FILE).strip(), name, place, faults)
        else:
            config[name] = value
    if faults:
        raise ConfigurationError(faults)
    return config


def _from_env(env: Mapping[str, str]) -> Iterator[tuple[str, str, str, Path]]:
    for variable in sorted(env):
        if variable.startswith(ENV_PREFIX) and variable != CONFIG_FILE:
            name = variable.removeprefix(ENV_PREFIX).lower().replace("_", ".")
            yield name, env[variable].strip(), variable, Path()


def _from_path(path: Path | None, faults: list[Fault]) -> Iterator[tuple[str, str, str, Path]]:
    if path is None:
        return
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        faults.append(Fault(str(path), f"cannot be read: {_reason(fault)}", "a text file of name = value lines"))
        return
    first_line: dict[str, int] = {}
    for number, text in enumerate(lines, 1):
        line, place = text.strip(), f"{path}:{number}"
        if not line or line.startswith("#"):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not name:
            faults.append(Fault(place, "is not a property", "write name = value, or # before a comment"))
        elif name in first_line:
            faults.append(Fault(place, f"{name} is set a second time", f"first on line {first_line[name]}"))
        else:
            first_line[name] = number
            yield name, value, place, path.parent


def _secret(path: Path, name: str, place: str, faults: list[Fault]) -> str:
    try:
        text = path.read_text("utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as fault:
        faults.append(Fault(place, f"{name}: {path} cannot be read: {_reason(fault)}", "one line, the value alone"))
        return ""
    if not text:
        faults.append(Fault(place, f"{name}: {path} is empty", "one line, the value alone"))
    return text


def _reason(fault: OSError | UnicodeDecodeError) -> str:
    return (fault.strerror or type(fault).__name__) if isinstance(fault, OSError) else "not UTF-8"
