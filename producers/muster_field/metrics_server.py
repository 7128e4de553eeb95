"""The HTTP server beside the relay: /metrics and nothing else, on loopback unless told otherwise."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from http import HTTPStatus
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from muster_contract.errors import MusterError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SLOWEST_CLIENT = 10.0


class MetricsServer:
    """Serves a registry in threads of its own; port 0 is any free one. MusterError when the address is taken."""

    def __init__(self, registry: CollectorRegistry, host: str, port: int) -> None:
        try:
            self._server = make_server(host, port, _application(registry), _Server, _Handler)
        except OSError as fault:
            hint = "is another relay running? choose another --metrics-port"
            raise MusterError.of(f"{host}:{port}", f"cannot be listened on: {fault.strerror}", hint) from None
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="metrics", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Give the address that Prometheus scrapes."""
        return f"http://{self._server.server_name}:{self._server.server_port}/metrics"


def _application(registry: CollectorRegistry) -> WSGIApplication:
    scrape = make_wsgi_app(registry)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            page: Iterable[bytes] = scrape(environ, start_response)
            return page
        start_response(f"{HTTPStatus.NOT_FOUND.value} Not Found", [("Content-Type", "text/plain")])
        return [b"here is /metrics\n"]

    return application


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a request, so that a client that stalls keeps nobody else waiting."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without asking a name server who we are."""
        TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), int(port)
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    """Gives up on clients that stall, and does not write each request to stderr."""

    timeout = _SLOWEST_CLIENT

    def log_message(self, *_: object) -> None:
        """Say nothing."""
