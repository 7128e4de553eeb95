"""A TCP proxy on loopback that does to a link what real ones do: cut it, keep silent, stall, drag.

It runs in a thread of its own and carries anything (Kafka, PostgreSQL). Each kind of bad link is a value; the
proxy's ``link`` is what holds now, for the connections that are open and for those to come.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

CHUNK_BYTES = 16_384
CHUNKS_IN_FLIGHT = 64
LOOK_SECONDS = 0.02
SECONDS = 10.0


class Way(StrEnum):
    """A direction: from the client to the server, or back."""

    THERE = "there"
    BACK = "back"


BOTH = frozenset(Way)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a link does. What one says of a direction holds for the directions in its set."""

    cut: bool = False
    """Connections break, and new ones are broken off at once."""
    swallows: frozenset[Way] = frozenset()
    """Half-open: bytes are taken, and arrive nowhere; nobody is told."""
    stalls: frozenset[Way] = frozenset()
    """Bytes stand still, and arrive once the link is better."""
    latency: float = 0.0
    """Seconds that each byte is under way, in each direction; others follow it meanwhile."""
    bytes_per_second: float = float("inf")
    """How much passes, in each direction of each connection."""


GOOD, CUT = Link(), Link(cut=True)
HALF_OPEN, STALLED = Link(swallows=BOTH), Link(stalls=BOTH)
DEAF, MUTE = Link(swallows=frozenset({Way.THERE})), Link(swallows=frozenset({Way.BACK}))
"""The server hears nothing; the server does all it is asked to, and its answers are lost."""


class Proxy:
    """Listens at ``port`` of loopback (0: any), and forwards to ``target`` on loopback as ``link`` says."""

    def __init__(self, target: int, port: int = 0) -> None:
        self._target, self.port, self.link = target, port, GOOD
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._connections: set[_Connection] = set()
        self.accepted = 0
        """How many connections clients have made so far."""

    @property
    def address(self) -> str:
        """Give the address for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def open(self) -> int:
        """Tell how many connections are open now."""
        return len(self._connections)

    def become(self, link: Link) -> None:
        """Have the link be so from now on. Connections that lost bytes cannot go on: they break when it is better."""
        self._run(self._become(link))

    def forget(self) -> None:
        """Have what comes over the connections that are open vanish from now on, and never say so.

        So does a firewall that lost its state: new connections work, and the old ones wait for nothing.
        """
        for connection in list(self._connections):
            connection.forgotten = True

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(SECONDS)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _become(self, link: Link) -> None:
        self.link = link
        for connection in list(self._connections):
            if link.cut or (connection.torn and not link.swallows):
                connection.abort()

    async def _end(self) -> None:
        self._server.close()
        await self._become(CUT)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.link.cut:
            _break(to_client)
            return
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _break(to_client)
            return
        connection = _Connection(self, to_client, to_server)
        self._connections.add(connection)
        ways = [
            asyncio.create_task(connection.carry(Way.THERE, from_client, to_server)),
            asyncio.create_task(connection.carry(Way.BACK, from_server, to_client)),
        ]
        with suppress(asyncio.CancelledError):  # the proxy ends
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        self._connections.discard(connection)
        connection.close()
        for way in ways:
            way.cancel()


class _Connection:
    """One client's connection and the one to the server that belongs to it."""

    def __init__(self, proxy: Proxy, *writers: asyncio.StreamWriter) -> None:
        self._proxy, self._writers = proxy, writers
        self.forgotten = self.torn = False
        """Bytes were swallowed: what followed them would make no sense."""

    def abort(self) -> None:
        """Break both at once."""
        for writer in self._writers:
            _break(writer)

    def close(self) -> None:
        """Close both, once what was carried is delivered."""
        for writer in self._writers:
            writer.close()

    async def carry(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry bytes in one direction until either end is gone."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS_IN_FLIGHT)
        taking = asyncio.create_task(self._take(reader, under_way))
        try:
            with suppress(OSError):
                await self._deliver(way, under_way, writer)
        finally:
            taking.cancel()

    async def _take(self, reader: asyncio.StreamReader, under_way: asyncio.Queue[tuple[float, bytes]]) -> None:
        clock = asyncio.get_running_loop().time
        with suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                await under_way.put((clock() + self._proxy.link.latency, chunk))
        await under_way.put((clock(), b""))

    async def _deliver(
        self, way: Way, under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due, chunk = await under_way.get()
            await asyncio.sleep(due - clock())
            while way in self._proxy.link.stalls:  # noqa: ASYNC110 - the link is a value, not an event
                await asyncio.sleep(LOOK_SECONDS)
            if self.forgotten:
                continue
            if way in self._proxy.link.swallows:
                self.torn = True
            elif chunk:
                await asyncio.sleep(len(chunk) / self._proxy.link.bytes_per_second)
                writer.write(chunk)
                await writer.drain()
            else:
                return


def _break(writer: asyncio.StreamWriter) -> None:
    """Send an RST, so that the other end is told of a broken connection, not of an end."""
    with suppress(OSError):  # it is closed already
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
