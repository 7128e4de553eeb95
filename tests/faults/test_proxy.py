"""The proxy that fault tests put into a link: it must do what they say it does."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.faults.proxy import CUT, DEAF, GOOD, HALF_OPEN, MUTE, STALLED, Link, Proxy

PATIENCE = 10.0
SOON = 0.3
"""Seconds after which an answer that did not come is not under way."""


class Echo:
    """A server that answers with what it is told, and keeps it."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.heard = b""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while said := connection.recv(65_536):
                self.heard += said
                connection.sendall(said)

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    """Run a server that answers."""
    echo = Echo()
    yield echo
    echo.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    """Put a proxy before it."""
    with Proxy(echo.port) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    """Give a client's connection through the proxy that has been answered once."""
    with dial(proxy) as client:
        assert say(client, b"hello") == b"hello"
        yield client


def dial(proxy: Proxy) -> socket.socket:
    """Connect through the proxy."""
    return socket.create_connection(("127.0.0.1", proxy.port), PATIENCE)


def say(client: socket.socket, what: bytes, within: float = PATIENCE) -> bytes:
    """Say something; give all of the answer, or as much of it as came in time."""
    client.sendall(what)
    return hear(client, len(what), within)


def hear(client: socket.socket, size: int, within: float = PATIENCE) -> bytes:
    """Give so many bytes of what comes, or as many as come in time; what breaks ends it."""
    client.settimeout(within)
    heard = b""
    with suppress(TimeoutError):
        while len(heard) < size and (more := client.recv(65_536)):
            heard += more
    return heard


def test_a_good_link_carries_everything(client: socket.socket) -> None:
    """In both directions, and in order."""
    said = bytes(range(256)) * 4_000
    heard: list[bytes] = []
    listening = threading.Thread(target=lambda: heard.append(hear(client, len(said))))
    listening.start()
    client.sendall(said)
    listening.join(PATIENCE)
    assert heard == [said]


def test_a_cut_link_breaks_connections_and_lets_none_in(client: socket.socket, proxy: Proxy) -> None:
    """Until it is good again."""
    proxy.become(CUT)
    with pytest.raises(ConnectionError):
        assert say(client, b"x") == b"x"
    with pytest.raises(ConnectionError), dial(proxy) as another:
        assert say(another, b"x") == b"x"
    proxy.become(GOOD)
    with dial(proxy) as another:
        assert say(another, b"x") == b"x"


@pytest.mark.parametrize(("link", "arrives"), [(HALF_OPEN, False), (DEAF, False), (MUTE, True)])
def test_a_half_open_link_says_nothing_and_breaks_once_it_is_better(
    client: socket.socket, proxy: Proxy, echo: Echo, link: Link, *, arrives: bool
) -> None:
    """Nobody is told that bytes are lost, and the connection that lost them does not go on as if nothing were."""
    proxy.become(link)
    assert say(client, b"lost?", SOON) == b""
    assert echo.heard.endswith(b"lost?") is arrives
    proxy.become(GOOD)
    with pytest.raises(ConnectionError):
        assert say(client, b"x") == b"x"


def test_a_stalled_link_delivers_late(client: socket.socket, proxy: Proxy, echo: Echo) -> None:
    """Nothing is lost, and the connection goes on."""
    proxy.become(STALLED)
    assert say(client, b"later", SOON) == b""
    assert not echo.heard.endswith(b"later")
    proxy.become(GOOD)
    assert hear(client, 5) == b"later"


def test_latency_is_paid_each_way(client: socket.socket, proxy: Proxy) -> None:
    """A round trip takes twice as long."""
    proxy.become(Link(latency=0.1))
    begun = time.monotonic()
    assert say(client, b"x") == b"x"
    assert time.monotonic() - begun >= 0.2


def test_a_narrow_link_takes_its_time(client: socket.socket, proxy: Proxy) -> None:
    """So many bytes a second, each way."""
    proxy.become(Link(bytes_per_second=100_000))
    begun = time.monotonic()
    assert len(say(client, bytes(20_000))) == 20_000
    assert time.monotonic() - begun >= 0.2


def test_the_end_of_a_connection_is_passed_on(client: socket.socket, proxy: Proxy) -> None:
    """A client that goes is gone for the server too."""
    assert proxy.open == 1
    client.close()
    end = time.monotonic() + PATIENCE
    while proxy.open:
        assert time.monotonic() < end, "the connection is still open"
        time.sleep(0.01)
