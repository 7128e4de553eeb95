"""A real Apache Kafka (KRaft) on loopback, for tests: started, killed, restarted by its own pid.

``KafkaBroker`` is all of Kafka in one node; tests/kafka_cluster.py makes three of its nodes one cluster.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

CLASSPATH = Path(__file__).parents[1] / "build" / "kafka" / "classpath.txt"
CLUSTER_ID = "TXVzdGVyLXRlc3RzLW9ubA"
SASL_USER, SASL_PASSWORD = "hq", "for-tests-only"
START_SECONDS = 60.0
STOP_SECONDS = 20.0

JAVA = ["java", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
SERVER_PROPERTIES = """
process.roles=broker,controller
node.id={node_id}
listeners=PLAINTEXT://127.0.0.1:{ports.plain},CONTROLLER://127.0.0.1:{ports.controller},\
  SASL://127.0.0.1:{ports.sasl},PROXIED://127.0.0.1:{ports.behind_proxy}
advertised.listeners=PLAINTEXT://127.0.0.1:{ports.plain},SASL://127.0.0.1:{ports.sasl},\
  PROXIED://127.0.0.1:{ports.proxy}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,PROXIED:PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
  user_{user}="{password}";
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.num.partitions=3
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=1000
"""


ALONE = """
controller.quorum.bootstrap.servers=127.0.0.1:{ports.controller}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
"""


class Ports(NamedTuple):
    """A node's ports. Clients of its listener ``behind_proxy`` are told ``proxy``, where a test may put a proxy."""

    plain: int
    sasl: int
    controller: int
    behind_proxy: int
    proxy: int


class KafkaNode:
    """A node whose folder holds its settings, data and log; ports and data outlive a restart.

    ``settings`` are the properties that make it a cluster alone or with others, ``form`` how its disk is formatted.
    """

    def __init__(  # noqa: PLR0913 - what tells one node from another
        self, folder: Path, *, node_id: int, ports: Ports, settings: str, form: Sequence[str], heap: str
    ) -> None:
        self._classpath = _classpath()
        self.node_id = node_id
        self.log = folder / "broker.log"
        self.data = folder / "data"
        self._properties = folder / "server.properties"
        self._heap = heap
        self.ports = ports
        self._process: subprocess.Popen[bytes] | None = None
        self.environment: dict[str, str] = {}
        """Added to the environment of the processes that are started from now on."""
        folder.mkdir(parents=True, exist_ok=True)
        values = {"user": SASL_USER, "password": SASL_PASSWORD, "data": self.data, "node_id": node_id, "ports": ports}
        self._properties.write_text((SERVER_PROPERTIES + settings).format(**values), "utf-8")
        self._formatting = self._run("kafka.tools.StorageTool", "format", *form, "-t", CLUSTER_ID, "-c")
        atexit.register(self.kill)

    @property
    def bootstrap(self) -> str:
        """Give the address for ``bootstrap.servers``."""
        return f"127.0.0.1:{self.ports.plain}"

    @property
    def bootstrap_sasl(self) -> str:
        """Give the address at which clients must say who they are (SASL_PLAINTEXT, PLAIN)."""
        return f"127.0.0.1:{self.ports.sasl}"

    @property
    def bootstrap_proxied(self) -> str:
        """Give the address of a proxy that a test has put before ``ports.behind_proxy``."""
        return f"127.0.0.1:{self.ports.proxy}"

    @property
    def running(self) -> bool:
        """Tell whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process and wait until it answers."""
        self.begin()
        self.wait()

    def begin(self) -> None:
        """Start the process, and go on at once."""
        self._formatting.wait(START_SECONDS)
        self._process = self._run("kafka.Kafka")

    def wait(self) -> None:
        """Wait until it answers; fail the test, with the log's end, when it does not."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.running:
            if self._answers():
                return
            time.sleep(0.05)
        self.kill()
        pytest.fail(f"the broker did not start; the end of {self.log}:\n{self.log.read_text('utf-8')[-4000:]}")

    def stop(self) -> None:
        """Stop in good order (SIGTERM), or by force when that takes too long."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Stop at once (SIGKILL), by its own process group; does nothing when it does not run."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(STOP_SECONDS)
            self._process = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its process group, such as SIGSTOP and SIGCONT; does nothing when it does not run."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def restart(self, *, hard: bool = False) -> None:
        """Stop (``hard``: with SIGKILL) and start again on the same data and ports."""
        if hard:
            self.kill()
        else:
            self.stop()
        self.start()

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        # setpriv has the kernel end the broker with pytest, even when that is killed; a session of its own
        # keeps Ctrl-C from it, so that the fixture ends it after the tests' own clients.
        dies_with_parent = ["setpriv", "--pdeathsig", "KILL", "--"]
        java = [*dies_with_parent, *JAVA, f"-Xmx{self._heap}", "-cp", self._classpath, *command, str(self._properties)]
        with self.log.open("ab") as log:
            env = os.environ | self.environment
            nothing = subprocess.DEVNULL
            return subprocess.Popen(java, stdout=log, stderr=log, stdin=nothing, start_new_session=True, env=env)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.ports.plain), timeout=1):
            admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
            with contextlib.suppress(KafkaException):
                return bool(admin.list_topics(timeout=5).brokers)
        return False


class KafkaBroker(KafkaNode):
    """All of Kafka in one node."""

    def __init__(self, folder: Path) -> None:
        ports = Ports(*free_ports(len(Ports._fields)))
        super().__init__(folder, node_id=1, ports=ports, settings=ALONE, form=["--standalone"], heap="384m")

    def forget_topics(self) -> None:
        """Delete every topic but Kafka's own."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        names = [name for name in admin.list_topics(timeout=10).topics if not name.startswith("__")]
        for answer in admin.delete_topics(names).values() if names else ():
            answer.result()


def _classpath() -> str:
    """Give the broker's jars; a missing part fails the test that needs it, and says what to run."""
    for command in ("java", "setpriv"):
        if shutil.which(command) is None:
            pytest.fail(f"the real broker needs {command}: run docker/kafka/install.sh (setpriv is in util-linux)")
    if not CLASSPATH.exists():
        pytest.fail("the real broker's jars are not here: run make build/kafka/classpath.txt")
    classpath = CLASSPATH.read_text("utf-8").strip()
    if not all(Path(jar).exists() for jar in classpath.split(":")):
        pytest.fail(f"jars of {CLASSPATH} are gone: remove it, then run make build/kafka/classpath.txt")
    return classpath


def free_ports(count: int) -> list[int]:
    """Choose free ports below the kernel's ephemeral range.

    In that range a client that tries to reconnect while the broker is down can be given the broker's own
    port as its source, connect to itself, and keep the broker from binding again.
    """
    ports: list[int] = []
    with contextlib.ExitStack() as held:
        while len(ports) < count:
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", random.randint(20_000, 32_000)))  # noqa: S311 - a port, not a secret
                ports.append(probe.getsockname()[1])
    return ports
