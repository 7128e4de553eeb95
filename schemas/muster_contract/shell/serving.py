"""The HTTP server beside the loops: /metrics for Prometheus, /healthz and /readyz for whoever restarts us."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from prometheus_client import CollectorRegistry, make_wsgi_app

from muster_contract.errors import MusterError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Check = Callable[[], str | None]
"""Tells why the process is not healthy or not ready; None when it is. By progress, not by being there."""

_SLOWEST_CLIENT = 10.0
_log = structlog.get_logger(__name__)


def fine() -> None:
    """Pass for a check where nothing but the server itself can fail."""


class MetricsServer:
    """Serves a registry on loopback, unless told otherwise, in threads of its own; port 0 is any free one.

    MusterError when the address cannot be had.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        healthy: Check = fine,
        ready: Check = fine,
    ) -> None:
        application = metrics_application(registry, {"/healthz": healthy, "/readyz": ready})
        try:
            self._server = make_server(host, port, application, _Server6 if ":" in host else _Server, _Handler)
        except OSError as fault:
            hint = "is another such process running? choose another port"
            raise MusterError.of(f"{host}:{port}", f"cannot be listened on: {fault.strerror}", hint) from None
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="metrics", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Give the address that Prometheus scrapes."""
        host = self._server.server_name
        return f"http://{f'[{host}]' if ':' in host else host}:{self._server.server_port}/metrics"

    def stop(self) -> None:
        """Stop listening, and end the server's thread."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def metrics_application(registry: CollectorRegistry, checks: dict[str, Check]) -> WSGIApplication:
    """Give the application: /metrics, a path a check, and 404 for all else."""
    scrape = make_wsgi_app(registry)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            try:
                page: Iterable[bytes] = scrape(environ, start_response)
            except MusterError as refusal:  # such as a ledger that does not exist yet
                _log.warning("scrape_failed", cause=str(refusal))
                return _text(start_response, HTTPStatus.SERVICE_UNAVAILABLE, str(refusal))
            return page
        if path not in checks:
            return _text(start_response, HTTPStatus.NOT_FOUND, "here are " + ", ".join(("/metrics", *checks)))
        why_not = checks[path]()
        if why_not is None:
            return _text(start_response, HTTPStatus.OK, "ok")
        return _text(start_response, HTTPStatus.SERVICE_UNAVAILABLE, why_not)

    return application


def _text(start_response: StartResponse, status: HTTPStatus, text: str) -> list[bytes]:
    start_response(f"{status.value} {status.phrase}", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{text}\n".encode()]


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a request, so that a client that stalls keeps nobody else waiting."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without asking a name server who we are."""
        TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), int(port)
        self.setup_environ()


class _Server6(_Server):
    """The same on an address of IPv6."""

    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    """Gives up on clients that stall, and does not write each request to stderr."""

    timeout = _SLOWEST_CLIENT

    def log_message(self, *_: object) -> None:
        """Say nothing."""
