"""A real Kafka that lets nobody do anything unless an ACL says so; one SCRAM principal for everybody.

The listener without authentication is the administrator's: its anonymous user is a super user here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    NewTopic,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from tests.kafka_broker import KafkaBroker

SECONDS = 30.0
"""How long anything may take before a test gives it up."""
Headers = Any
NOT_LET_IN = {"_AUTHENTICATION", "_SSL"}
"""What a client hears whose credentials are refused."""
SECURITY = """
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:ANONYMOUS
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
"""


class SecureBroker(KafkaBroker):
    """A broker with an authorizer: ``bootstrap`` is for the administrator, ``bootstrap_sasl`` for all others."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        with self._properties.open("a", encoding="utf-8") as properties:
            properties.write(SECURITY)

    @cached_property
    def admin(self) -> AdminClient:
        """Give a client of the administrator's."""
        return AdminClient({"bootstrap.servers": self.bootstrap})

    def set_password(self, user: str, password: str) -> None:
        """Make a principal, or give it another password."""
        credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        (answer,) = self.admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion(user, credential, password.encode())]
        ).values()
        answer.result()


def login(user: str, password: str) -> dict[str, str]:
    """Give the properties by which a client says who it is, and stops asking soon when it may not."""
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": user,
        "sasl.password": password,
    }


class Somebody:
    """A client with a principal's credentials, that tells what the broker said to what it tried."""

    def __init__(self, bootstrap: str, credentials: Mapping[str, str]) -> None:
        self._config: dict[str, str | int | float | bool] = {
            "bootstrap.servers": bootstrap,
            "log_level": 0,
            **credentials,
        }

    def writes(self, topic: str, value: bytes = b"x", with_headers: Headers = None, seconds: float = 20) -> str:
        """Write a record with an idempotent producer, as our relay does."""
        outcomes: list[str] = []
        heard: list[str] = []
        producer = Producer(
            {**self._config, "enable.idempotence": True, "message.timeout.ms": int(seconds * 1000)},
            error_cb=lambda error: heard.append(error.name()),
        )
        producer.produce(
            topic,
            value,
            partition=0,
            on_delivery=lambda error, _: outcomes.append(error.name() if error else "OK"),
            headers=with_headers,
        )
        deadline = time.monotonic() + SECONDS
        while not outcomes and not NOT_LET_IN.intersection(heard) and time.monotonic() < deadline:
            producer.poll(0.1)
        producer.purge()
        return outcomes[0] if outcomes else NOT_LET_IN.intersection(heard).pop()

    def reads(self, topic: str, group: str) -> str:
        """Read from a topic's beginning; the group is named, and not joined."""
        config = {**self._config, "group.id": group, "enable.auto.commit": False, "enable.partition.eof": True}
        consumer = Consumer(config)
        try:
            described = consumer.list_topics(topic, timeout=SECONDS).topics[topic].error
            if described is not None:
                return str(described.name())
            consumer.assign([TopicPartition(topic, 0, 0)])
            return _first_word(consumer)
        finally:
            consumer.close()

    def joins(self, group: str) -> str:
        """Join a consumer group, for a topic that it may read."""
        consumer = Consumer({**self._config, "group.id": group})
        try:
            consumer.subscribe(["hq.receipts.dal"])
            return _first_word(consumer)
        finally:
            consumer.close()

    def creates(self, topic: str) -> str:
        """Create a topic."""
        admin = AdminClient(self._config)
        (answer,) = admin.create_topics([NewTopic(topic, 1, 1)]).values()
        failed = answer.exception()
        return "OK" if failed is None else str(failed.args[0].name())


def _first_word(consumer: Consumer) -> str:
    message = consumer.poll(SECONDS)
    assert message is not None, "neither a record, nor an end, nor an error"
    error = message.error()
    return "OK" if error is None or error.name() == "_PARTITION_EOF" else error.name()


def properties(folder: Path, user: str, password: str) -> Path:
    """Write a client's properties, the password in a file of its own."""
    (folder / f"{user}.password").write_text(password, "utf-8")
    path = folder / f"{user}.properties"
    settings = login(user, f"file:{user}.password")
    path.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()), "utf-8")
    return path
