"""The server beside the loops: three paths, on loopback, that say why not when they say no."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from muster_contract.errors import MusterError
from muster_contract.shell.serving import MetricsServer
from muster_hq.ledger_port import LedgerError


class One(Collector):
    """A registry's only metric; or no ledger to read it from."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self.refusal: MusterError | None = None

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Give no family before the scrape."""
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Give the metric, or refuse."""
        if self.refusal:
            raise self.refusal
        return [GaugeMetricFamily("one", "One.", value=1)]


def get(server: MetricsServer, path: str) -> tuple[int, str]:
    """Ask for a path; give the status and the text."""
    with closing(HTTPConnection(urlsplit(server.url).netloc, timeout=5)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def has_ipv6() -> bool:
    """Tell whether this machine has the loopback address of IPv6."""
    with socket.socket(socket.AF_INET6) as tried:
        try:
            tried.bind(("::1", 0))
        except OSError:
            return False
        return True


def test_metrics_are_served_on_an_address_of_ipv6() -> None:
    """Or refused as any other address that the machine does not have."""
    if not has_ipv6():
        with pytest.raises(MusterError, match="cannot be listened on"):
            MetricsServer(One().registry, host="::1")
        return
    with MetricsServer(One().registry, host="::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert get(server, "/metrics")[0] == 200


def test_metrics_are_served_on_loopback() -> None:
    """On any free port, and at the address that the server gives."""
    with MetricsServer(One().registry) as server:
        assert server.url.startswith("http://127.0.0.1:")
        status, page = get(server, "/metrics")
    assert status == 200
    assert "one 1.0" in page


@pytest.mark.parametrize("path", ["/", "/metric", "/metrics/", "/favicon.ico"])
def test_other_paths_are_not_there(path: str) -> None:
    """A slip in a scrape's configuration shows."""
    with MetricsServer(One().registry) as server:
        assert get(server, path)[0] == 404


def test_a_scrape_without_a_ledger_says_so_and_the_next_one_works() -> None:
    """Such as before the worker has made it."""
    one = One()
    one.refusal = LedgerError.of("ledger.db", "cannot be opened")
    with MetricsServer(one.registry) as server:
        assert get(server, "/metrics") == (503, "ledger.db: cannot be opened\n")
        one.refusal = None
        assert get(server, "/metrics")[0] == 200


def test_health_and_readiness_say_why_not() -> None:
    """Each is asked anew every time."""
    why: dict[str, str | None] = {"healthy": None, "ready": "field.dal.encounters was never read"}
    with MetricsServer(One().registry, healthy=lambda: why["healthy"], ready=lambda: why["ready"]) as server:
        assert get(server, "/healthz") == (200, "ok\n")
        assert get(server, "/readyz") == (503, "field.dal.encounters was never read\n")
        why.update(healthy="the worker has not turned for 61 s", ready=None)
        assert get(server, "/healthz") == (503, "the worker has not turned for 61 s\n")
        assert get(server, "/readyz") == (200, "ok\n")


def test_a_client_that_stalls_keeps_nobody_waiting() -> None:
    """It connects and says nothing, while another is answered."""
    with MetricsServer(One().registry) as server:
        address = urlsplit(server.url)
        with socket.create_connection((address.hostname, address.port), timeout=5):
            assert get(server, "/metrics")[0] == 200


def test_a_stopped_server_gives_its_port_back() -> None:
    """The next one has it at once."""
    with MetricsServer(One().registry) as server:
        port = urlsplit(server.url).port or 0
    with MetricsServer(One().registry, port=port) as again:
        assert get(again, "/metrics")[0] == 200


def test_a_port_that_is_taken_is_refused() -> None:
    """With the address, and no traceback."""
    with MetricsServer(One().registry) as server:
        port = urlsplit(server.url).port or 0
        with pytest.raises(MusterError, match=f"127.0.0.1:{port}: cannot be listened on"):
            MetricsServer(One().registry, port=port)
