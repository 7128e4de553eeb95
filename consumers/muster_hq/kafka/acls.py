"""ACLs as the brokers have them: created and verified against the grants that the register gives."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from confluent_kafka import KafkaError
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
)

from muster_contract.errors import ConfigurationError, Fault, MusterError
from muster_hq.grants import Grant
from muster_hq.kafka.admin import CREATION_TIMEOUT, TIMEOUT, error_of, refusal_of
from muster_hq.kafka.client import Listener, make

_EVERY = AclBindingFilter(
    ResourceType.ANY,
    None,  # type: ignore[arg-type]  # any name, the stubs say otherwise
    ResourcePatternType.ANY,
    None,  # type: ignore[arg-type]  # any principal
    None,  # type: ignore[arg-type]  # any host
    AclOperation.ANY,
    AclPermissionType.ANY,
)
_HARMLESS = {"DESCRIBE", "DESCRIBE_CONFIGS"}
"""What shows that a topic is there, and none of its records: lag tools may have it."""
_OURS = ("field.", "hq.")
_CREATE_HINT = "headquarters topics --acls --create"


class Acl(NamedTuple):
    """An ACL in plain words, as the broker has it."""

    principal: str
    kind: str
    name: str
    operation: str
    pattern: str = "LITERAL"
    permission: str = "ALLOW"
    host: str = "*"


class Acls:
    """Creates grants and tells what differs from them. Needs the right to alter and describe the cluster."""

    def __init__(self, user: Mapping[str, str], bootstrap: str) -> None:
        ours = {"bootstrap.servers": bootstrap, "log_level": 2}
        self._client = make(AdminClient, user, ours, error_cb=Listener().hear)

    def create(self, grants: Iterable[Grant]) -> list[Grant]:
        """Give everybody the rights that are missing, and wait until the broker knows them; take none away."""
        missing = {Acl(*grant): grant for grant in grants}
        for acl in self._existing():
            missing.pop(acl, None)
        if not missing:
            return []
        answers = self._client.create_acls([*map(_binding, missing)], request_timeout=CREATION_TIMEOUT)
        faults = [_refusal(error).faults[0] for answer in answers.values() if (error := error_of(answer))]
        if faults:
            raise MusterError(dict.fromkeys(faults))
        deadline = time.monotonic() + TIMEOUT
        while not missing.keys() <= set(self._existing()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return list(missing.values())

    def verify(self, grants: Iterable[Grant]) -> list[Fault]:
        """Name every right that is missing, and every one on our topics and groups that no grant gives."""
        existing, expected = self._existing(), {Acl(*grant): grant for grant in grants}
        groups = {grant.name for grant in expected.values() if grant.kind == "GROUP"}
        missing = [
            Fault(grant.principal, f"may not {grant.operation} {grant.kind.lower()} {grant.name}", _CREATE_HINT)
            for acl, grant in expected.items()
            if acl not in existing
        ]
        unexpected = [
            _unexpected(acl) for acl in sorted(existing) if acl not in expected and _touches_ours(acl, groups)
        ]
        return [*self._faults_of_brokers(), *missing, *unexpected]

    def _existing(self) -> set[Acl]:
        answer = self._client.describe_acls(_EVERY, request_timeout=TIMEOUT)
        error = error_of(answer)
        if error is not None:
            raise _refusal(error)
        return set(map(_plain, answer.result()))

    def _faults_of_brokers(self) -> Iterator[Fault]:
        brokers = self._client.list_topics(timeout=TIMEOUT).brokers
        resources = [ConfigResource(ResourceType.BROKER, str(broker)) for broker in brokers]
        for resource, answer in self._client.describe_configs(resources, request_timeout=TIMEOUT).items():
            error = error_of(answer)
            if error is not None:
                raise _refusal(error)
            if not answer.result()["authorizer.class.name"].value:
                yield _no_authorizer(f"broker {resource.name}")


def _binding(acl: Acl) -> AclBinding:
    kind, pattern = ResourceType[acl.kind], ResourcePatternType[acl.pattern]
    operation, permission = AclOperation[acl.operation], AclPermissionType[acl.permission]
    return AclBinding(kind, acl.name, pattern, acl.principal, acl.host, operation, permission)


def _plain(binding: Any) -> Acl:  # noqa: ANN401 - the vendor's words may be enums, texts or numbers to mypy
    kind, pattern = binding.restype.name, binding.resource_pattern_type.name
    operation, permission = binding.operation.name, binding.permission_type.name
    return Acl(binding.principal, kind, binding.name, operation, pattern, permission, binding.host)


def _touches_ours(acl: Acl, groups: Collection[str]) -> bool:
    """Tell whether it could let somebody at our records, or keep somebody from them."""
    if acl.operation in _HARMLESS or acl.kind not in {"TOPIC", "GROUP"}:
        return False
    if acl.kind == "GROUP":
        return (
            acl.name == "*" or acl.name in groups or (_is_prefix(acl) and any(g.startswith(acl.name) for g in groups))
        )
    if _is_prefix(acl) and any(namespace.startswith(acl.name) for namespace in _OURS):
        return True
    return acl.name == "*" or acl.name.startswith(_OURS)


def _is_prefix(acl: Acl) -> bool:
    return acl.pattern == "PREFIXED"


def _unexpected(acl: Acl) -> Fault:
    may = "may" if acl.permission == "ALLOW" else "is denied to"
    what = f"{acl.operation} {acl.kind.lower()} {acl.name} ({acl.pattern.lower()})"
    return Fault(acl.principal, f"{may} {what}: the register does not say so", "kafka-acls --remove")


def _refusal(error: KafkaError) -> MusterError:
    if error.code() == KafkaError.SECURITY_DISABLED:
        return ConfigurationError([_no_authorizer("Kafka")])
    return refusal_of(error)


def _no_authorizer(place: str) -> Fault:
    hint = "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer"
    return Fault(place, "has no authorizer: every client may do everything", hint)
