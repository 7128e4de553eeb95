"""Each fault is a test, and each test a row of the table in docs/faults.md: what was injected, promised, seen."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.kafka_cluster import KafkaCluster

REPORT = pytest.StashKey[dict[str, dict[str, str]]]()
OUTCOME = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that ``python -m tests.faults`` uses."""
    parser.addoption("--fault-report", type=Path, help="write the rows of the fault table to this JSON file")


def pytest_configure(config: pytest.Config) -> None:
    """Begin with no rows."""
    config.stash[REPORT] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep how a test's own part ended, for its fixture."""
    report = yield
    if report.when == "call":
        item.stash[OUTCOME] = report.outcome
    return report


@pytest.fixture
def seen(request: pytest.FixtureRequest) -> Iterator[Callable[[str], None]]:
    """Give what a fault test calls with what it saw: numbers that it has just measured. Needs the mark ``fault``."""
    mark = request.node.get_closest_marker("fault")
    assert mark is not None, "a fault test carries @pytest.mark.fault(family, injected=..., promised=...)"
    said: list[str] = []
    yield said.append
    passed = request.node.stash.get(OUTCOME, "") == "passed"
    row = {"family": mark.args[0], **mark.kwargs, "seen": "; ".join(said) if passed else "FAILED"}
    request.config.stash[REPORT][request.node.nodeid] = row


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the rows, in the order of the tests' names."""
    path = session.config.getoption("--fault-report", default=None)
    if path is not None:
        rows = [{"test": name, **row} for name, row in sorted(session.config.stash[REPORT].items())]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


@pytest.fixture(scope="session")
def one_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """Run three Kafka nodes for the whole session."""
    cluster = KafkaCluster(tmp_path_factory.mktemp("cluster"))
    try:
        yield cluster
    finally:
        cluster.kill()


@pytest.fixture
def cluster(one_cluster: KafkaCluster) -> KafkaCluster:
    """Give the session's cluster, all nodes running and without any topic of an earlier test."""
    one_cluster.start()
    one_cluster.forget_topics()
    return one_cluster
