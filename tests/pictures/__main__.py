"""``python -m tests.pictures``: run the system for some minutes, and draw what its dashboards show, for the README.

Needs the group ``pictures`` (pip install --group pictures), Kafka's jars and Prometheus. What is drawn is what
Prometheus recorded in this run, by the expressions of docker/grafana/dashboards; nothing is made up but the events.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.monitoring.programs import ROOT
from tests.pictures.story import CUT_OFF, told

try:
    from tests.pictures.drawing import draw
except ModuleNotFoundError as missing:
    sys.exit(f"missing: {missing.name}; pip install -c constraints.txt --group pictures")


def main() -> None:
    """Tell the story, and draw both dashboards."""
    parser = argparse.ArgumentParser(prog="python -m tests.pictures")
    parser.add_argument("--seconds", type=float, default=180, help="how much is shown")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "img", help="where the PNGs go")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="muster-pictures-") as name, told(Path(name), given.seconds) as recorded:
        for board, title in (("fleet", "Muster: the fleet"), ("office", f"Muster: office {CUT_OFF}")):
            file = given.out / f"{board}.png"
            draw(board, CUT_OFF, recorded, title, file)
            sys.stdout.write(f"{file}: {file.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
