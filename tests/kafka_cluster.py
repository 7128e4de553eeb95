"""Three real Kafka nodes on loopback, one cluster: each may be killed, stopped, frozen and started again alone."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from itertools import islice
from pathlib import Path

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, NewTopic

from muster_contract.topics import topics
from tests.kafka_broker import START_SECONDS, KafkaNode, Ports, free_ports

NODES = (1, 2, 3)
TOGETHER = """
controller.quorum.voters={voters}
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
replica.lag.time.max.ms=4000
leader.imbalance.check.interval.seconds=5
"""


class KafkaCluster:
    """Three combined nodes: replication 3, two replicas must have a record before it is acknowledged."""

    def __init__(self, folder: Path) -> None:
        free = iter(free_ports(len(Ports._fields) * len(NODES)))
        of_node = {node: Ports(*islice(free, len(Ports._fields))) for node in NODES}
        voters = ",".join(f"{node}@127.0.0.1:{ports.controller}" for node, ports in of_node.items())
        settings = TOGETHER.replace("{voters}", voters)
        self.nodes = {
            node: KafkaNode(
                folder / f"node-{node}", node_id=node, ports=of_node[node], settings=settings, form=(), heap="300m"
            )
            for node in NODES
        }

    @property
    def bootstrap(self) -> str:
        """Give all nodes' addresses for ``bootstrap.servers``: any one of them is enough."""
        return ",".join(node.bootstrap for node in self.nodes.values())

    def start(self) -> None:
        """Start what does not run, all at once, and wait until each answers and knows the others."""
        missing = [node for node in self.nodes.values() if not node.running]
        for node in missing:
            node.begin()
        for node in missing:
            node.wait()
        deadline = time.monotonic() + START_SECONDS
        while len(self._admin().list_topics(timeout=10).brokers) < len(NODES):
            assert time.monotonic() < deadline, "the nodes did not find one another"
            time.sleep(0.1)

    def kill(self) -> None:
        """Stop all at once (SIGKILL)."""
        for node in self.nodes.values():
            node.kill()

    def forget_topics(self) -> None:
        """Delete every topic but Kafka's own, and wait until each node knows it."""
        admin = self._admin()
        names = _ours(admin)
        for answer in admin.delete_topics(names).values() if names else ():
            answer.result(30)
        deadline = time.monotonic() + START_SECONDS
        while any(_ours(AdminClient({"bootstrap.servers": node.bootstrap})) for node in self.nodes.values()):
            assert time.monotonic() < deadline, "the topics did not go away"
            time.sleep(0.1)

    def leader_of(self, topic: str) -> int:
        """Give the node that leads partition 0 of a topic; -1 when none does."""
        described = self._admin().list_topics(topic, timeout=10).topics[topic]
        return int(described.partitions[0].leader)

    def in_sync(self, topic: str) -> Collection[int]:
        """Give the nodes that have all of partition 0 of a topic."""
        admin = self._admin()  # kept until it has answered
        answer = admin.describe_topics(TopicCollection([topic]))[topic].result(10)
        return [node.id for node in answer.partitions[0].isr]

    def place(self, nodes_of: Mapping[str, list[int]]) -> None:
        """Create streams whose replicas stand on chosen nodes, with the settings that a stream must have."""
        stream = next(topic for topic in topics() if "encounters" in topic.name)
        news = [
            NewTopic(
                name,
                1,
                replica_assignment=[nodes],
                config={**stream.config, "min.insync.replicas": str(min(2, len(nodes)))},
            )
            for name, nodes in nodes_of.items()
        ]
        admin = self._admin()  # kept until it has answered
        for answer in admin.create_topics(news).values():
            answer.result(30)

    def until_leader_is_not(self, topic: str, node: int) -> int:
        """Wait until another node leads a topic, and give which."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if (leader := self.leader_of(topic)) not in {node, -1}:
                    return leader
            except KafkaException:
                pass
            assert time.monotonic() < deadline, f"no other node came to lead {topic}"
            time.sleep(0.1)

    def _admin(self) -> AdminClient:
        running = ",".join(node.bootstrap for node in self.nodes.values() if node.running)
        return AdminClient({"bootstrap.servers": running, "log_level": 0})


def _ours(admin: AdminClient) -> list[str]:
    return [name for name in admin.list_topics(timeout=10).topics if not name.startswith("__")]
