"""Parts of a running system to which a schedule does things: processes, brokers, and the streams themselves."""

from __future__ import annotations

import random
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from muster_contract.topics import encounters
from tests.faults.parts import Line, encounter, framed
from tests.kafka_broker import KafkaNode
from tests.system.processes import Program


class Part(Protocol):
    """What a schedule may do to a part, by the names of its actions."""

    def do(self, action: str) -> None:
        """Do it."""

    def end(self) -> None:
        """End it, whatever state it is in."""


class Process(Program):
    """A command of ours, which may be killed, stopped, frozen and started again."""

    def __init__(self, log: Path, module: str, *arguments: str) -> None:
        super().__init__(log, module, *arguments)
        self.ended_alone: list[int] = []
        """Exit codes with which it ended without being told to."""

    def do(self, action: str) -> None:
        """Do what a schedule says."""
        self.supervise()
        process = self._process
        if action == "start":
            if process is None:
                self.start()
        elif process is not None:
            process.send_signal(SIGNALS[action])
            if action in {"kill", "stop"}:
                code = self.ended()
                # -SIGTERM: before it had so much as begun to listen
                assert action == "kill" or code in {0, -signal.SIGTERM}, f"ended with {code}: {self.log()[-2000:]}"

    def frozen(self) -> bool:
        """Tell whether it stands still."""
        return Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "T"

    def supervise(self) -> None:
        """Start it again when it ended without being told to, as whoever runs it would."""
        if self._process is not None and self._process.poll() is not None:
            self.ended_alone.append(self._process.returncode)
            self._process = None
            self.start()

    def end(self) -> None:
        """End it, whatever state it is in."""
        self.kill()


SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGTERM, "freeze": signal.SIGSTOP, "thaw": signal.SIGCONT}


class Broker:
    """A node of Kafka."""

    def __init__(self, node: KafkaNode) -> None:
        self._node = node

    def do(self, action: str) -> None:
        """Do what a schedule says."""
        if action == "start":
            if not self._node.running:
                self._node.start()
        elif action in {"kill", "stop"}:
            getattr(self._node, action)()
        else:
            self._node.signal(SIGNALS[action])

    def end(self) -> None:
        """Leave it to the test's fixture, which ends it."""
        self._node.signal(signal.SIGCONT)


class Server:
    """A server that has ``kill``, ``stop``, ``start`` and ``running``, such as PostgreSQL."""

    def __init__(self, server: Any) -> None:  # noqa: ANN401 - what it must have is above
        self._server = server

    def do(self, action: str) -> None:
        """Do what a schedule says."""
        if action != "start" or not self._server.running:
            getattr(self._server, action)()

    def end(self) -> None:
        """Leave it to the test's fixture, which ends it."""


class Stream:
    """An office's stream, onto which what is no event gets, and what stood there once comes again."""

    def __init__(self, bootstrap: str, office: str, seed: int) -> None:
        self._bootstrap, self._office, self._stream = bootstrap, office, encounters(office)
        self._random = random.Random(f"{seed} {office}")  # noqa: S311 - bytes, not a secret
        self._sent: list[tuple[bytes, list[tuple[str, bytes]]]] = []
        self._line: Line | None = None

    def do(self, action: str) -> None:
        """Send a poison record, or one that was sent before; without waiting for a broker that is away."""
        self._line = self._line or Line(self._bootstrap)
        if action == "start":
            return
        if action == "again":
            if not self._sent:
                self._sent.append(framed(encounter(f"again-{self._office}", match="NONE"), self._office))
            self._line.queue(self._stream, *self._sent[0])
        else:
            value = self._random.choice(POISONS)
            self._line.queue(self._stream, value, [])

    def end(self) -> None:
        """Give what was sent a while to arrive; whatever does not was no event."""
        if self._line is not None:
            self._line.flush(10)


_GOOD = framed(encounter("a-case"), "dal")[0]
POISONS: Sequence[bytes] = (
    b"",
    b"no record",
    _GOOD[:-3],
    _GOOD + b"x",
    _GOOD[:2] + bytes(8) + _GOOD[10:],
    bytes(20_000),
)
