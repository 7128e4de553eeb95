"""Run faults of chance for as long as you like: ``python -m tests.chaos --seed 7 --minutes 10``.

The same seed repeats the schedule. A run that fails keeps its log, and says how to judge it again.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp

from rich.console import Console

from tests.chaos.run import Chaos
from tests.kafka_broker import KafkaBroker, KafkaNode
from tests.kafka_cluster import KafkaCluster
from tests.postgres import Postgres


def main() -> int:
    """Run, tell what happens, and give 1 when something was not as promised."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="which schedule (1)")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (1)")
    parser.add_argument("--ledger", choices=["sqlite", "postgres"], default="sqlite", help="postgres: with two workers")
    parser.add_argument("--nodes", type=int, choices=[1, 3], default=1, help="how many Kafka nodes (1)")
    arguments = parser.parse_args()
    folder = Path(mkdtemp(prefix=f"chaos-{arguments.seed}-"))
    console, began = Console(highlight=False), time.monotonic()

    def tell(line: str) -> None:
        console.print(f"[{time.monotonic() - began:6.1f}] {line}", markup=False)

    tell(f"seed {arguments.seed}, {arguments.minutes:g} minutes, {arguments.ledger}, logs in {folder}")
    with ExitStack() as stack:
        bootstrap, nodes = _kafka(folder, arguments.nodes, stack)
        postgres = None
        if arguments.ledger == "postgres":
            postgres = Postgres()
            stack.callback(postgres.remove)
            postgres.start()
        chaos = Chaos(folder, arguments.seed, bootstrap, nodes, postgres, tell)
        try:
            outcome = chaos.run(arguments.minutes * 60)
        except AssertionError as fault:
            tell(f"NOT AS PROMISED: {fault}")
            return 1
    tell(f"as promised: {outcome}")
    return 0


def _kafka(folder: Path, count: int, stack: ExitStack) -> tuple[str, dict[str, KafkaNode]]:
    if count == 1:
        broker = KafkaBroker(folder / "kafka")
        stack.callback(broker.kill)
        broker.start()
        return broker.bootstrap, {"broker": broker}
    cluster = KafkaCluster(folder / "kafka")
    stack.callback(cluster.kill)
    cluster.start()
    return cluster.bootstrap, {f"broker-{number}": node for number, node in cluster.nodes.items()}


if __name__ == "__main__":
    sys.exit(main())
