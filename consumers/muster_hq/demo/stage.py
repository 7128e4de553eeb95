"""The demonstration's stage: a broker, headquarters and field offices, each a program; time passes when told to."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from muster_contract.errors import MusterError
from muster_contract.times import parse_instant
from muster_contract.topics import parse_stream
from muster_hq.comparing import behind_of
from muster_hq.demo.files import Files
from muster_hq.demo.programs import PATIENCE, TICK, Done, Programs
from muster_hq.demo.scrape import Scrape, scrape
from muster_hq.demo.tampering import strike_a_verdict
from muster_hq.entries import FindingRow
from muster_hq.ledger.opening import open_reader

HEADQUARTERS, FIELD_OFFICE = "headquarters", "field-office"


class Stage:
    """Starts a broker and headquarters at once; what follows are the things that one can have happen there."""

    def __init__(self, programs: Programs, folder: Path, files: Files, listen: str) -> None:
        self._programs = programs
        self._folder = folder
        self._offices = ("--offices", files.offices)
        self._policies = tuple(part for path in files.policies for part in ("--policy", path))
        self.ledger = f"sqlite:///{folder / 'ledger.db'}"
        broker = programs.start("broker", HEADQUARTERS, "embedded-broker", *self._offices)
        self._bootstrap = ("--bootstrap", broker["bootstrap"])
        options = ("--ledger", self.ledger, *self._policies, *self._offices, *self._bootstrap, "--listen", listen)
        serving = programs.start("serve", HEADQUARTERS, "serve", *options, "--trust-create-time", "--no-pulse")
        self.url = serving["metrics"]

    @property
    def _work(self) -> Path:
        return self._folder / "outboxes"

    def publish(self, start: str, end: str, wanted: Mapping[str, int]) -> None:
        """Let the offices record and send what happened between two times."""
        options = [part for name, value in wanted.items() for part in (f"--{name}", value)]
        command = (FIELD_OFFICE, "scenario", "oig-18-36", *self._offices, *self._bootstrap, "--work", self._work)
        truth = ("--truth", self._folder / "truth.json")
        self._programs.run_well("offices", *command, *truth, "--between", start, end, *options)

    def pass_time(self, until: str) -> None:
        """Let headquarters' clock strike on every stream, and wait until all that is due by then is judged."""
        command = (HEADQUARTERS, "pulse", "--once", "--at", until, *self._offices, *self._bootstrap)
        self._programs.run_well("pulse", *command)
        deadline, instant = time.monotonic() + PATIENCE, parse_instant(until) - 1
        while not self._judged(instant):
            self._programs.pause(TICK)
            if time.monotonic() > deadline:
                raise MusterError.of("headquarters", f"has not judged {until} within {PATIENCE:.0f} s")

    def go_live(self) -> None:
        """Go on by the real clock: some offices publish now and then, and headquarters' clock strikes by itself."""
        live = ("scenario", "live", "--work", self._work)
        self._programs.start_quietly("live-offices", FIELD_OFFICE, *live, *self._offices, *self._bootstrap)
        pulse = ("pulse", "--ledger", self.ledger)
        self._programs.start_quietly("pulses", HEADQUARTERS, *pulse, *self._offices, *self._bootstrap)

    def metrics(self) -> Scrape:
        """Scrape headquarters."""
        return scrape(self.url)

    def records(self) -> dict[str, int]:
        """Count the records that headquarters has read of each office."""
        counts: Counter[str] = Counter()
        with closing(open_reader(self.ledger)) as ledger:
            for name, (state, _) in ledger.streams().items():
                stream = parse_stream(name)
                if stream is not None and stream.office is not None:
                    counts[stream.office] += state.next_offset
        return counts

    def findings(self) -> list[FindingRow]:
        """Read the findings."""
        with closing(open_reader(self.ledger)) as ledger:
            return ledger.findings()

    def cases_with(self, verdict: str) -> set[str]:
        """Give the cases that have such a verdict."""
        with closing(open_reader(self.ledger)) as ledger:
            return {case_id for case_id, given in ledger.verdicts() if given.verdict == verdict}

    def look_back(self, since: str) -> list[dict[str, Any]]:
        """List what was due from a day on and is outstanding."""
        command = (HEADQUARTERS, "look-back", "--ledger", self.ledger, "--since", since, "--format", "jsonl")
        return [json.loads(line) for line in self._programs.run_well("look-back", *command).out.splitlines()]

    def audit(self) -> Done:
        """Audit the topics from their beginning, and compare the ledger with that."""
        command = (HEADQUARTERS, "audit", *self._bootstrap, *self._policies, *self._offices, "--trust-create-time")
        return self._programs.run("audit", *command, "--compare", self.ledger)

    def tamper(self) -> None:
        """Strike one verdict from the ledger."""
        strike_a_verdict(self._folder / "ledger.db")

    def truth(self) -> dict[str, Any]:
        """Read what the scenario says that must be found."""
        truth: dict[str, Any] = json.loads((self._folder / "truth.json").read_text("utf-8"))
        return truth

    def _judged(self, instant: int) -> bool:
        with closing(open_reader(self.ledger)) as ledger, ledger.snapshot():
            clocks = ledger.clocks()
            return min(clocks.values()) >= instant and not behind_of(ledger, clocks)
