"""Who may do what on the broker, derived from the office register: nothing but what is listed here.

An office writes its own two streams and reads its own receipts. Headquarters reads every stream, writes what it
publishes, and its pulse writes to every stream. Names are literal: a prefix such as ``field.a`` would
match the streams of ``field.ab`` too. Writing implies finding a topic, and since Kafka 3.0 an idempotent producer
needs no right of its own. Who reads outside of
a group must still be let see one: librdkafka looks for its coordinator.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple

from muster_contract.errors import ConfigurationError
from muster_contract.topics import QUARANTINE, VERDICTS, encounters, incidents, streams_of, topic_of_kind

SCAN_GROUP = "muster-scan"
"""The group of audits and exports: named, as the client demands, and never joined."""
RECEIVER_GROUP = "muster-field-receiver"
"""The same of the offices' receivers (``muster_field.kafka_source``)."""


class Grant(NamedTuple):
    """One right: somebody may do one thing with one topic or consumer group."""

    principal: str
    kind: Literal["TOPIC", "GROUP"]
    name: str
    operation: Literal["READ", "WRITE", "DESCRIBE"]


class Principals(NamedTuple):
    """What the broker calls everybody: an office is ``prefix`` and its id."""

    prefix: str
    headquarters: str
    pulse: str


def grants_of(offices: Collection[str], principals: Principals, group: str) -> list[Grant]:
    """Derive every right; ConfigurationError when an office would be taken for headquarters."""
    for office in offices:
        if principals.prefix + office in {principals.headquarters, principals.pulse}:
            hint = "give headquarters another with --headquarters-principal"
            raise ConfigurationError.of(principals.prefix + office, "is an office and headquarters at once", hint)
    return list(dict.fromkeys(_grants(offices, principals, group)))


def _grants(offices: Collection[str], principals: Principals, group: str) -> Iterator[Grant]:
    prefix, headquarters, pulse = principals
    receipts = topic_of_kind("receipts").name
    for office in offices:
        for stream in (encounters(office), incidents(office)):
            yield Grant(prefix + office, "TOPIC", stream, "WRITE")
        yield Grant(prefix + office, "TOPIC", receipts.format(office=office), "READ")
        yield Grant(prefix + office, "GROUP", RECEIVER_GROUP, "DESCRIBE")
        yield Grant(headquarters, "TOPIC", receipts.format(office=office), "WRITE")
    for stream in streams_of(offices):
        yield Grant(headquarters, "TOPIC", stream, "READ")
        yield Grant(pulse, "TOPIC", stream, "WRITE")
    for topic in (VERDICTS, QUARANTINE):
        yield Grant(headquarters, "TOPIC", topic, "WRITE")
    yield Grant(headquarters, "GROUP", group, "READ")
    yield Grant(headquarters, "GROUP", SCAN_GROUP, "DESCRIBE")
