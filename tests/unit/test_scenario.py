"""The scenarios against the auditor and the live engine: what was planted is found, all of it and nothing else."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import muster_hq
from muster_contract.register import Office, load_register, load_registers
from muster_contract.shell.running import run_command
from muster_contract.times import parse_instant
from muster_contract.topics import DIRECTIVES
from muster_field.scenario import oig_18_36, outage
from muster_field.scenario.case_file import INITIAL
from muster_field.scenario.log_file import LogFile
from muster_field.scenario.oig_18_36 import Parameters
from muster_field.scenario.player import play
from muster_field.scenario.script import CaseTruth, Ours, Scenario
from muster_field.scenario.truth import truth_of
from muster_hq.audit import Audit, audit
from muster_hq.commands.sample import sample
from muster_hq.comparing import settled_findings
from muster_hq.ledger.opening import open_ledger
from muster_hq.ledger_port import Ledger
from muster_hq.logfile import read_lines
from muster_hq.policies import Policies
from muster_hq.policy_reader import at_offices, load_policies
from muster_hq.published import verdict_row
from muster_hq.records import Record
from muster_hq.replay import replay

DEMO = Path(str(files(muster_hq))) / "demo"
REGISTER = load_register(DEMO / "offices.toml")
REGISTERS = load_registers([DEMO / "offices.toml"])
SINCE = parse_instant("2016-01-01T00:00:00Z")
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a new folder in it, with a name of its own
MEMORY = _SHARED_MEMORY if Path(_SHARED_MEMORY).is_dir() else None
"""Where outboxes need not wait for a disk, which is no matter here."""
PLANTED = [(0, 2), (7, 3), (19, 1), (40, 4)]

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Played:
    """A scenario, the log that it left, and what the auditor found in it."""

    scenario: Scenario
    log: str
    policies: Policies

    @cached_property
    def records(self) -> list[Record]:
        """Read the log."""
        return list(read_lines(self.log.encode().splitlines(), "log"))

    @cached_property
    def audited(self) -> Audit:
        """Audit the log."""
        offices = [office.id for office in REGISTER]
        return audit(self.records, self.policies, offices, self.scenario.end - 1)

    @property
    def rows(self) -> Sequence[Row]:
        """Give the auditor's verdicts."""
        return self.audited.verdicts


@cache
def audited_years(untransmitted: int, seed: int) -> Played:
    """Play the years of the audit through outboxes and relays into a log."""
    scenario = oig_18_36.generate(Parameters(REGISTER, untransmitted=untransmitted, seed=seed))
    return Played(scenario, log_of(scenario), load_policies([DEMO / "demo-kstep.toml"]))


def log_of(scenario: Scenario, *, by_period: bool = False, register: tuple[Office, ...] = REGISTER) -> str:
    """Play a scenario, at once or period by period, and give its log."""
    log, text = LogFile(), io.StringIO()
    parts = [scenario.between(*period[1:]) for period in scenario.periods] if by_period else [list(scenario.steps)]
    with TemporaryDirectory(dir=MEMORY) as folder:
        for steps in parts:
            play(scenario, steps, register=register, folder=Path(folder), connect=log.connect)
    for step in scenario.steps:
        if isinstance(step, Ours):
            log.say(step)
    log.write(text)
    return text.getvalue()


def found(rows: Sequence[Row]) -> Mapping[str, Sequence[tuple[str, int, str, int]]]:
    """Give what was found, by case, in the form of the truth."""
    cases = defaultdict(list)
    for row in rows:
        at = parse_instant(row["at"])
        cases[row["case_id"]].append((row["requirement"], row["occurrence"], row["verdict"], at))
    return {case: sorted(verdicts) for case, verdicts in cases.items()}


def planted(cases: tuple[CaseTruth, ...]) -> Mapping[str, Sequence[tuple[str, int, str, int]]]:
    """Give what must be found, by case."""
    return {case.case_id: sorted(case.verdicts) for case in cases if case.verdicts}


@contextmanager
def replayed(played: Played, folder: Path) -> Iterator[Ledger]:
    """Replay a log through the live engine into a ledger."""
    with closing(open_ledger(f"sqlite:///{folder / 'ledger.db'}")) as ledger:
        offices = [office.id for office in REGISTER]
        replay(played.records, played.policies, offices, ledger, played.scenario.end - 1)
        yield ledger


@pytest.mark.parametrize(("untransmitted", "seed"), PLANTED)
def test_the_auditor_finds_every_verdict_that_was_planted_and_no_other(untransmitted: int, seed: int) -> None:
    """The truth file was written before anybody looked, to the millisecond."""
    played = audited_years(untransmitted, seed)
    assert found(played.rows) == planted(played.scenario.cases)


@pytest.mark.parametrize(("untransmitted", "seed"), PLANTED)
def test_the_live_engine_lists_as_many_as_were_never_transmitted(untransmitted: int, seed: int, tmp_path: Path) -> None:
    """Since 2016, whatever the number is; and nothing of the years before is left."""
    with replayed(audited_years(untransmitted, seed), tmp_path) as ledger:
        initial = [o for _, o in ledger.outstanding() if o.requirement == INITIAL]
    assert len(initial) == untransmitted
    assert all(obligation.due_at >= SINCE for obligation in initial)


def test_every_sampled_case_fails() -> None:
    """As in that audit: forty of forty missed a deadline at least once."""
    played = audited_years(19, 1)
    failing = {row["case_id"] for row in played.rows if row["verdict"] == "MISSED"}
    assert len(played.scenario.sample) == 40
    assert failing.issuperset(played.scenario.sample)


@pytest.mark.parametrize(("untransmitted", "seed"), PLANTED)
def test_what_a_case_misses_of_the_whole_protocol_is_found(untransmitted: int, seed: int) -> None:
    """Under the protocol's policy each step is a requirement; every early case misses one at least."""
    played = audited_years(untransmitted, seed)
    policies = at_offices(load_policies([DEMO / "demo-protocol.toml"]), REGISTERS)
    missed: defaultdict[str, set[str]] = defaultdict(set)
    for row in audit(played.records, policies, [office.id for office in REGISTER], played.scenario.end - 1).verdicts:
        if row["verdict"] == "MISSED":
            missed[row["case_id"]].add(row["requirement"])
    told = [case for case in played.scenario.cases if case.noncompliance is not None]
    assert {case.case_id: missed[case.case_id] for case in told} == {
        case.case_id: set(case.noncompliance or ()) for case in told
    }
    assert all(case.noncompliance for case in played.scenario.cases[:142])
    required = {line.id for line in policies.versions[0].requirements}
    assert {name for case in told for name in case.noncompliance or ()} == required


def test_what_was_sent_is_not_always_what_lies_there(tmp_path: Path) -> None:
    """Some reports of which the office says that it sent them in time are not lodged; and some went by a courier."""
    played = audited_years(19, 1)
    protocol = Played(played.scenario, played.log, at_offices(load_policies([DEMO / "demo-protocol.toml"]), REGISTERS))
    kinds: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in protocol.rows:
        kinds[row["case_id"]].add((row["requirement"], row["verdict"]))
    sent = [of_case for of_case in kinds.values() if (INITIAL, "ON_TIME") in of_case]
    assert any(("report-lodged", "MISSED") in of_case for of_case in sent)
    assert any(("report-lodged", "ON_TIME") in of_case for of_case in sent)
    with replayed(protocol, tmp_path) as ledger:
        assert settled_findings(ledger, ledger.clocks()) == protocol.audited.findings
        assert [verdict_row(case_id, verdict) for case_id, verdict in ledger.verdicts()] == protocol.rows
        assert ledger.finding_counts()["WRONG_CHANNEL"] > 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_inspectors_sample_finds_forty_of_forty(seed: int, tmp_path: Path) -> None:
    """Whichever forty of the early years' cases are drawn; the page and the table say so, and list each instance."""
    played = audited_years(19, 1)
    protocol = Played(played.scenario, played.log, at_offices(load_policies([DEMO / "demo-protocol.toml"]), REGISTERS))
    with replayed(protocol, tmp_path):
        pass
    page, table = tmp_path / "findings.html", tmp_path / "findings.csv"
    options = ["--from", "2012-10-01", "--to", "2015-10-01", "--size", "40", "--seed", str(seed)]
    app = typer.Typer()
    app.command()(run_command(sample))
    ledger = f"sqlite:///{tmp_path / 'ledger.db'}"
    done = CliRunner().invoke(app, ["--ledger", ledger, *options, "--html", str(page), "--csv", str(table)])
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"40 of 142 cases first seen from 2012-10-01 to 2015-10-01, seed {seed}" in done.stdout
    assert done.stdout.endswith("40 of 40 files have at least one instance of noncompliance\n")
    assert "<strong>40 of 40</strong>" in page.read_text("utf-8")
    noncompliance = {case.case_id: case.noncompliance for case in played.scenario.cases[:142]}
    instances = defaultdict(set)
    for row in csv.DictReader(table.read_text("utf-8").splitlines()):
        assert row["evidence"].startswith(f"field.{row['office_id']}.")
        instances[row["case_id"]].add(row["requirement"])
    assert len(instances) == 40
    assert instances == {case_id: set(noncompliance[case_id] or ()) for case_id in instances}


def test_gaps_and_clocks_ahead_are_found_where_they_were_planted(tmp_path: Path) -> None:
    """What an office recorded and never sent is a gap; a claim from the future is a finding."""
    played = audited_years(19, 1)
    truth = truth_of(played.scenario)
    with replayed(played, tmp_path) as ledger:
        gaps = {office: roll.count_missing() for office, roll in ledger.rolls().items()}
        kinds = Counter(finding.kind for finding in ledger.findings())
        rows = settled_findings(ledger, ledger.clocks())
    assert rows == played.audited.findings
    assert kinds["SEQUENCE_GAP"] == sum(office["gaps"] for office in truth["offices"].values()) > 0
    assert {o: n for o, n in gaps.items() if n} == {o: t["gaps"] for o, t in truth["offices"].items() if t["gaps"]}
    assert kinds["CLOCK_AHEAD"] == truth["clocks_ahead"] > 0


def test_the_scenario_goes_to_both_sides_of_due() -> None:
    """Reports arrive at the very millisecond at which they are due, and a millisecond later."""
    rows = [row for row in audited_years(19, 1).rows if row["received_at"]]
    after = {(row["verdict"], parse_instant(row["received_at"]) - parse_instant(row["due_at"])) for row in rows}
    assert {("ON_TIME", 0), ("WAIVED", 0), ("LATE", 1), ("CLEARED", 1)} <= after
    assert not {("LATE", 0), ("ON_TIME", 1)} & after


def test_the_truth_counts_what_it_lists() -> None:
    """Its totals, by office and altogether, are those of its cases and of the log."""
    played = audited_years(7, 3)
    truth = truth_of(played.scenario)
    records = Counter(record.stream.split(".")[1] for record in played.records if record.stream != DIRECTIVES)
    assert truth["untransmitted"] == truth["totals"]["outstanding"][INITIAL] == 7
    assert records == {office: totals["records"] for office, totals in truth["offices"].items()}
    assert sum(sum(v.values()) for v in truth["totals"]["verdicts"].values()) == len(played.rows)


def test_the_same_seed_gives_the_same_bytes() -> None:
    """Ids, times and digests included; another seed gives another log."""
    first, again, other = (
        log_of(oig_18_36.generate(Parameters(REGISTER, cases=9, untransmitted=3, seed=seed, later=9)))
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_year_by_year_is_the_same_as_at_once() -> None:
    """Outboxes carry on where they were: numbers, epochs and what was left behind."""
    played = audited_years(19, 1)
    assert log_of(played.scenario, by_period=True) == played.log


@pytest.mark.parametrize("seed", range(10))
def test_all_that_happens_happens_within_the_years(seed: int) -> None:
    """Whatever is drawn: no step and no verdict lies outside, and nothing early lasts into 2016."""
    scenario = oig_18_36.generate(Parameters(REGISTER, seed=seed))
    start, end = scenario.periods[0][1], scenario.end
    assert all(start <= step.at < end for step in scenario.steps)
    assert all(start <= verdict.at < end for case in scenario.cases for verdict in case.verdicts)
    last_early = max(v.at for case in scenario.cases[:142] for v in case.verdicts)
    assert last_early < SINCE


@pytest.mark.parametrize("cases", [0, 1, 39])
def test_fewer_cases_than_a_sample_are_all_sampled(cases: int) -> None:
    """The number of early cases is a parameter."""
    scenario = oig_18_36.generate(Parameters(REGISTER, cases=cases))
    early = [case for case in scenario.cases if case.case_id in scenario.sample]
    assert len(early) == cases
    assert all(set(case.failings) - {"documentation"} for case in early)


def test_one_office_is_enough() -> None:
    """A register may be small; what was planted is still found."""
    register = (Office(id="dal", zone="America/Chicago"),)
    scenario = oig_18_36.generate(Parameters(register, cases=10, untransmitted=5, later=30))
    played = Played(scenario, log_of(scenario, register=register), load_policies([DEMO / "demo-kstep.toml"]))
    assert found(played.rows) == planted(scenario.cases)


def test_an_outage_excuses_what_was_due_in_it_and_nothing_else() -> None:
    """The small scenario, against its own truth; headquarters' pulses are in its log."""
    scenario = outage.generate(REGISTER, 1)
    played = Played(scenario, log_of(scenario), load_policies([DEMO / "demo-outage.toml"]))
    assert found(played.rows) == planted(scenario.cases)
    assert {"UNDETERMINED", "EXCUSED", "MISSED"} <= {row["verdict"] for row in played.rows}
    assert '"type": "ClockPulse"' in played.log


def test_headquarters_knows_none_of_the_numbers() -> None:
    """Neither 19 nor 142 stands anywhere in its code, its policies or its register."""
    known = re.compile(r"\b(19|142)\b")
    sources = [path for path in Path(str(files(muster_hq))).rglob("*") if path.suffix in {".py", ".toml", ".sql"}]
    assert sources
    assert [path.name for path in sources if known.search(path.read_text("utf-8"))] == []
