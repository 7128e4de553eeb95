"""A run: live offices, a running headquarters, a schedule of faults, and the comparison at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from muster_contract import codec
from muster_contract.times import format_instant, now_ms
from muster_contract.topics import VERDICTS
from tests.chaos.parts import Broker, Part, Process, Server, Stream
from tests.chaos.schedule import draw
from tests.faults.parts import applied, ids_on_topics, records_of
from tests.kafka_broker import KafkaNode
from tests.postgres import Postgres
from tests.system.headquarters import Headquarters
from tests.system.offices import Offices, soon
from tests.system.policies import due_within, policy

OFFICES = ("dal", "hou", "elp")
POISONED = "elp"
"""The office on whose stream there is poison: a record that cannot be read leaves its verdicts undetermined."""
PATIENCE = 240.0
"""Seconds that anything may take at the end before the run is given up."""
POLICY = policy(
    due_within("PT1S"),
    due_within("PT2S", id="anyone", by="any"),
    due_within(
        "PT2S",
        id="follow-up",
        follows="initial-report",
        opens_on=None,
        anchor=None,
        satisfied_by='{ event = "IncidentReported", stage = "FOLLOW_UP" }',
    ),
    id="chaos",
    outage_after="PT15S",
    outage_grace="PT5S",
    orphan_after="PT3S",
)
Tell = Callable[[str], None]


class Outcome(NamedTuple):
    """What a run came to."""

    seconds: float
    faults: int
    accepted: int
    verdicts: Counter[str]
    restarts: int
    """How often a process ended by itself and was started again, as its supervisor would."""

    def __str__(self) -> str:
        """Give a line for people."""
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.verdicts.items()))
        first = f"{self.seconds:.0f} s, {self.faults} faults, {self.accepted} events accepted, each applied once"
        return f"{first}; {kinds}; {self.restarts} ended by themselves and were started again"


@dataclass
class Chaos:
    """A system in ``folder`` on brokers that run, whose ledger is SQLite, or ``postgres`` with two workers."""

    folder: Path
    seed: int
    bootstrap: str
    nodes: dict[str, KafkaNode]
    postgres: Postgres | None = None
    tell: Tell = lambda _: None

    def run(self, seconds: float) -> Outcome:
        """Run the seed's schedule; raise AssertionError when anything is not as promised, with the log kept."""
        hq = Headquarters(self.folder, self.bootstrap, POLICY, OFFICES)
        if self.postgres is not None:
            hq.ledger = self.postgres.url(self.postgres.new_database())
        field = Offices(self.folder, self.bootstrap, OFFICES, self.seed)
        with self._running(hq, field) as parts:
            steps = draw(self.seed, seconds, parts)
            began = time.monotonic()
            for step in steps:
                self._until(began + step.at, parts)
                self.tell(str(step))
                parts[step.part].do(step.action)
            self._until(began + seconds, parts)
            self.tell("the schedule has ended: all parts run, the offices close")
            for part in parts.values():
                part.do("start")
            try:
                verdicts = self._compare(hq, field, parts)
            except AssertionError as fault:
                raise AssertionError(f"{fault}\n{self._keep(hq)}") from None
            restarts = sum(len(p.ended_alone) for p in parts.values() if isinstance(p, Process))
            return Outcome(time.monotonic() - began, len(steps), len(field.accepted()), verdicts, restarts)

    @contextmanager
    def _running(self, hq: Headquarters, field: Offices) -> Iterator[dict[str, Part]]:
        common = ["--bootstrap", self.bootstrap, "--offices", str(hq.offices)]
        judge = [*common, "--ledger", hq.ledger, "--policy", str(hq.policy)]
        workers = ("worker-1", "worker-2") if self.postgres else ("worker-1",)
        parts: dict[str, Part] = {name: Broker(node) for name, node in self.nodes.items()}
        parts |= {name: self._process(name, "muster_hq", "worker", *judge) for name in workers}
        parts |= {name: self._process(name, "muster_hq", "pulse", *common) for name in ("pulse-1", "pulse-2")}
        for office in field.offices:
            relay = ["relay", "--outbox", str(office.outbox), "--bootstrap", self.bootstrap]
            parts[f"relay-{office.id}"] = self._process(f"relay-{office.id}", "muster_field", *relay)
            kind = "poisoned" if office.id == POISONED else "stream"
            parts[f"{kind}-{office.id}"] = Stream(self.bootstrap, office.id, self.seed)
        if self.postgres:
            parts["postgres"] = Server(self.postgres)
        with ExitStack() as stack:
            stack.callback(field.kill)
            for name, part in parts.items():
                stack.callback(part.end)
                if isinstance(part, Process):
                    part.do("start")
                    self.tell(f"started {name}")
            for office in field.offices:
                office.open_for_business()
            yield parts

    def _process(self, name: str, module: str, *arguments: str) -> Process:
        return Process(self.folder / f"{name}.out", module, *arguments)

    def _until(self, moment: float, parts: dict[str, Part]) -> None:
        """Wait, and start again what has ended by itself."""
        while (left := moment - time.monotonic()) > 0:
            for part in parts.values():
                if isinstance(part, Process):
                    part.supervise()
            time.sleep(min(left, 0.5))

    def _compare(self, hq: Headquarters, field: Offices, parts: dict[str, Part]) -> Counter[str]:
        field.close()
        for part in parts.values():
            if isinstance(part, Stream):
                part.end()
        settled = soon(8)  # the longest deadline that may still run, and an excuse
        deadline = time.monotonic() + PATIENCE
        while not _caught_up(hq, settled):
            assert time.monotonic() < deadline, (
                f"headquarters has not caught up: {_standing(hq, settled)}\n{_logs(parts)}"
            )
            time.sleep(0.2)
        accepted = field.accepted()
        found = ids_on_topics(self.bootstrap, OFFICES)
        assert not accepted - found, f"{len(accepted - found)} accepted events are not on the topics"
        assert not accepted - applied(hq), f"{len(accepted - applied(hq))} accepted events are not in the ledger"
        assert len(found - accepted) <= len(OFFICES), "the topics hold what nobody recorded"
        hq.assert_audit_agrees()
        with hq.reading() as ledger:
            said = [(case, *verdict[:6]) for case, verdict in ledger.verdicts()]
            aside = ledger.cases_aside()
        assert not aside, f"{len(aside)} cases could not be judged"
        twice = [key for key, n in Counter(key[:-1] for key in said).items() if n > 1]
        assert not twice, f"{len(twice)} verdicts were said twice"
        while set(said) != _published(self.bootstrap):
            assert time.monotonic() < deadline, "hq.verdicts and the ledger differ"
            time.sleep(0.5)
        assert "Traceback" not in _logs(parts), _logs(parts)
        return Counter(key[-2] for key in said)

    def _keep(self, hq: Headquarters) -> str:
        """Keep the log of a run that failed; give what to do with it."""
        log = self.folder / "log.jsonl"
        hq.run("export", "--bootstrap", self.bootstrap, "--offices", str(hq.offices), "--out", str(log))
        options = f"--log {log} --policy {hq.policy} --offices {hq.offices} --as-of {format_instant(now_ms())}"
        return (
            f"seed {self.seed}. The log is kept; judge it again with both programs:\n"
            f"  headquarters audit {options}\n  headquarters replay {options} --ledger sqlite:///{self.folder}/again.db"
        )


def _caught_up(hq: Headquarters, instant: int) -> bool:
    try:
        return hq.caught_up(instant)
    except Exception:  # noqa: BLE001 - a ledger that is not there yet, or whose server is just starting
        return False


def _standing(hq: Headquarters, instant: int) -> str:
    """Give how far each office's clock is from an instant, and the earliest that waits for it, in seconds."""
    with hq.reading() as ledger, ledger.snapshot():
        clocks, due = ledger.clocks(), ledger.next_due()
    told = (
        f"{n or 'all'} {(c - instant) / 1000:+.1f}, waits {(due.get(n, c) - c) / 1000:+.1f}" for n, c in clocks.items()
    )
    return "; ".join(told)


def _published(bootstrap: str) -> set[tuple[object, ...]]:
    """Give the verdicts on hq.verdicts, each once."""
    names = ("case_id", "office_id", "encounter_id", "requirement", "occurrence", "verdict", "at")
    decoded = [codec.decode(message.value()) for message in records_of(bootstrap, [VERDICTS])]
    return {tuple(d.fields[name] for name in names) for d in decoded if d.schema.name == "Verdict"}


def _logs(parts: dict[str, Part]) -> str:
    return "\n".join(f"{name}: …{p.log()[-1500:]}" for name, p in parts.items() if isinstance(p, Process))
