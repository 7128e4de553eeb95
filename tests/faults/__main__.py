"""Run every fault test, also the long ones, and write the dated table that docs/faults.md publishes."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE, REPORT = ROOT / "docs" / "faults.md", ROOT / "build" / "faults.json"
BEGIN, END = "<!-- written by make faults: begin -->", "<!-- end -->"
FAMILIES = {
    "field": "At the field office",
    "network": "Between the field and Kafka",
    "kafka": "Kafka",
    "log": "The log itself",
    "worker": "Headquarters' workers",
    "ledger": "The ledger",
    "clock": "Clocks and pulses",
    "records": "Records",
}
"""The families of the table, in its order."""


def table(rows: list[dict[str, str]], today: dt.date) -> str:
    """Render the rows as Markdown, a table a family."""
    failed = sum(row["seen"] == "FAILED" for row in rows)
    lines = [f"{len(rows)} faults on {today}, Python {platform.python_version()}: {failed} failed.", ""]
    for family, title in FAMILIES.items():
        mine = [row for row in rows if row["family"] == family]
        if mine:
            lines += [f"### {title}", "", "| injected | promised | seen | test |", "| --- | --- | --- | --- |"]
            lines += [
                f"| {r['injected']} | {r['promised']} | {r['seen']} | `{r['test'].removeprefix('tests/faults/')}` |"
                for r in mine
            ]
            lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Run, write the table into the page, and give pytest's exit code."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("pytest", nargs="*", help="more arguments for pytest, such as -k power")
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "pytest", "tests/faults", "-m", "", "--fault-report", str(REPORT)]
    code = subprocess.run([*command, *arguments.pytest], cwd=ROOT, check=False).returncode
    rows = json.loads(REPORT.read_text("utf-8"))
    text = table(rows, dt.datetime.now(dt.UTC).date())  # noqa: TID251 - the date of the run
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.partition(END)[2]}", "utf-8")
    print(f"{len(rows)} rows written to {PAGE.relative_to(ROOT)}")  # noqa: T201 - what the command is for
    return code


if __name__ == "__main__":
    sys.exit(main())
