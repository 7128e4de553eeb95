"""The real Prometheus and Alertmanager on loopback, on our own configuration, with its intervals made short.

Each is a context: it is started, answers, and is ended by its own pid, also when the test fails.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Self

import pytest
import yaml

from tests.kafka_broker import free_ports
from tests.monitoring.programs import RULES, program

PATIENCE = 60.0
EVERY = "500ms"

Labels = frozenset[tuple[str, str]]


class Prometheus:
    """Answers PromQL over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str) -> dict[Labels, float]:
        """Give the present values of an expression by their labels, without the metric's name."""
        found = self._get("query", query=expression)
        return {_labels(series["metric"]): float(series["value"][1]) for series in found}

    def query_range(self, expression: str, start: float, end: float, step: float) -> dict[Labels, list[list[float]]]:
        """Give (time, value) pairs of an expression over a time, by their labels."""
        found = self._get("query_range", query=expression, start=start, end=end, step=step)
        return {_labels(s["metric"]): [[at, float(value)] for at, value in s["values"]] for s in found}

    def everything(self) -> str:
        """Give the names and labels of all series that it holds, and its alerts."""
        return json.dumps([self._get("series", **{"match[]": '{__name__!=""}'}), self._get("alerts")])

    def _get(self, path: str, **parameters: object) -> Any:  # noqa: ANN401 - parsed JSON
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - loopback
            data = json.load(answer)["data"]
        return data["result"] if isinstance(data, dict) and "result" in data else data


@contextmanager
def prometheus(
    folder: Path, targets: Mapping[str, Sequence[str]], *, alertmanager: str | None = None, every: str = EVERY
) -> Iterator[Prometheus]:
    """Run Prometheus on docker/prometheus; ``targets`` has the addresses of each of its jobs."""
    home = folder / "prometheus"
    shutil.copytree(RULES.parent, home)
    config = yaml.safe_load((home / "prometheus.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": every, "evaluation_interval": every}
    alertmanagers = [{"targets": [alertmanager] if alertmanager else []}]
    config["alerting"]["alertmanagers"] = [{"static_configs": alertmanagers}]
    (home / "prometheus.yml").write_text(yaml.safe_dump(config), "utf-8")
    for job in config["scrape_configs"]:
        (file,) = job["file_sd_configs"][0]["files"]
        (home / file).write_text(yaml.safe_dump([{"targets": list(targets.get(job["job_name"], ()))}]), "utf-8")
    (port,) = free_ports(1)
    options = [f"--config.file={home / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    # What is sent before Alertmanager has been discovered is lost, and would be sent again after a minute.
    options += ["--rules.alert.resend-delay=1s", "--log.level=warn"]
    with _running("prometheus", options, port, folder) as url:
        yield Prometheus(url)


@contextmanager
def alertmanager(folder: Path, webhook: str) -> Iterator[str]:
    """Run Alertmanager on docker/prometheus/alertmanager.yml, with a webhook for its desks; give its address."""
    config = yaml.safe_load((RULES.parent / "alertmanager.yml").read_text("utf-8"))
    for route in (config["route"], *config["route"]["routes"]):
        route |= {"group_wait": "0s", "group_interval": EVERY}
    for receiver in config["receivers"]:
        receiver["webhook_configs"] = [{"url": webhook, "send_resolved": True}]
    file = folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump(config), "utf-8")
    (port,) = free_ports(1)
    options = [f"--config.file={file}", f"--storage.path={folder / 'alertmanager'}", "--cluster.listen-address="]
    with _running("prometheus-alertmanager", [*options, "--log.level=warn"], port, folder) as url:
        yield url.removeprefix("http://")


class Desk:
    """Who is told: a web server that keeps what it was sent."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        desk = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                desk.messages.append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, name="desk")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def told(self, name: str, status: str) -> list[dict[str, Any]]:
        """Give the alerts of a name that came with a status: firing or resolved."""
        alerts = [alert for message in list(self.messages) for alert in message["alerts"]]
        return [alert for alert in alerts if alert["labels"]["alertname"] == name and alert["status"] == status]


@contextmanager
def _running(name: str, options: Sequence[str], port: int, folder: Path) -> Iterator[str]:
    url, log = f"http://127.0.0.1:{port}", folder / f"{name}.log"
    command = [program(name), *options, f"--web.listen-address=127.0.0.1:{port}"]
    with log.open("wb") as output:
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *command], stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + PATIENCE
        while not _ready(url):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{name} did not start:\n{log.read_text('utf-8')[-4000:]}")
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=1) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except OSError:
        return False


def _labels(metric: Mapping[str, str]) -> Labels:
    return frozenset((name, value) for name, value in metric.items() if name != "__name__")
