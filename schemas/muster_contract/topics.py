"""Topics as data: ``topics.toml`` says what they are called, hold and are configured to."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

DIRECTIVES = "hq.directives"
VERDICTS = "hq.verdicts"
QUARANTINE = "hq.quarantine"

MAX_VALUE_BYTES = 16_384
"""The size cap of a record's value, checked at enqueue and before decoding; ours are below 400 bytes."""

OFFICE_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
"""Office ids: no dots (they end the prefix of an ACL) and no underscores (they collide with dots in Kafka)."""

_FIELD_STREAM = re.compile(rf"field\.(?P<office>{OFFICE_ID.pattern})\.(?P<kind>encounters|incidents)")


@dataclass(frozen=True, slots=True)
class Topic:
    """One line of ``topics.toml``: a topic, or a family of them with one member an office."""

    kind: str
    name: str
    types: frozenset[str]
    ceiling: str | None
    config: Mapping[str, str]

    def names(self, offices: Iterable[str]) -> list[str]:
        """Give the concrete topic names for these offices."""
        return [self.name.format(office=o) for o in offices] if "{office}" in self.name else [self.name]


@dataclass(frozen=True, slots=True)
class Stream:
    """What the name of a stream says: whose it is (None for headquarters' own) and what may stand on it."""

    name: str
    kind: str
    office: str | None


@cache
def topics() -> tuple[Topic, ...]:
    """Read ``topics.toml``, in its order."""
    data = tomllib.loads(files(__package__).joinpath("topics.toml").read_text("utf-8"))
    return tuple(
        Topic(t["kind"], t["name"], frozenset(t["types"]), t.get("ceiling"), data[t["config"]]) for t in data["topic"]
    )


@cache
def topic_of_kind(kind: str) -> Topic:
    """Give the topic of a kind that ``topics.toml`` names; KeyError otherwise."""
    return {t.kind: t for t in topics()}[kind]


@lru_cache(maxsize=4096)
def parse_stream(name: str) -> Stream | None:
    """Read a stream's name; None when it is not one that headquarters takes its facts from."""
    if name == DIRECTIVES:
        return Stream(name, "directives", None)
    match = _FIELD_STREAM.fullmatch(name)
    return Stream(name, match["kind"], match["office"]) if match else None


def encounters(office: str) -> str:
    """Name the encounters stream of an office."""
    return f"field.{office}.encounters"


def incidents(office: str) -> str:
    """Name the incidents stream of an office."""
    return f"field.{office}.incidents"


def receipts(office: str) -> str:
    """Name the topic on which headquarters answers an office."""
    return f"hq.receipts.{office}"


def streams_of(offices: Iterable[str]) -> list[str]:
    """Name every stream that these offices' intake clocks depend on, ``hq.directives`` included."""
    return [DIRECTIVES, *(stream for office in offices for stream in (encounters(office), incidents(office)))]


def stream_of_type(event_type: str, office: str) -> str:
    """Name the stream of an office on which a field event of this type stands; KeyError for other types."""
    for kind in ("encounters", "incidents"):
        if event_type in topic_of_kind(kind).types and event_type != "ClockPulse":
            return topic_of_kind(kind).name.format(office=office)
    raise KeyError(event_type)
