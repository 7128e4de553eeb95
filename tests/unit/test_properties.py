"""Whatever the log, the policy and the way in which it is read: the live engine says what the audit says."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from muster_contract.topics import streams_of
from muster_hq.audit import Audit, audit
from muster_hq.calling import Calling
from muster_hq.comparing import settled_findings
from muster_hq.entries import Counts
from muster_hq.folding import When
from muster_hq.intake import Intake
from muster_hq.judge import judge
from muster_hq.judging import Judging
from muster_hq.ledger.sqlite import SqliteLedger
from muster_hq.ledger_port import LedgerReader
from muster_hq.orders import activations_by
from muster_hq.outages import Outages
from muster_hq.policies import Policies
from muster_hq.published import verdict_row
from muster_hq.records import Record
from muster_hq.verdicts import Obligation, Verdict
from tests.builders import clocks_at, read_log, records_of, silences_of
from tests.cases.builders import T0, pulse
from tests.older_program import UNREAD, older_program
from tests.random_directives import directed_logs
from tests.random_logs import OFFICES, STREAMS, Dice, Log, dice, interleaved, long_logs


class Headquarters:
    """The live engine over a ledger file, which may be stopped and started again at any time."""

    def __init__(self, path: Path, log: Log) -> None:
        self._path = path
        self._log = log
        self.taken: list[Record] = []
        self._start()

    def _start(self) -> None:
        self.ledger = SqliteLedger(self._path)
        self._intake = Intake(self.ledger, self._log.policies, OFFICES)
        self._judging = Judging(self.ledger, self._log.policies, until=self._log.as_of, folding=When(2, 1, 3))
        self._calling = Calling(self.ledger, self._log.policies, until=self._log.as_of)

    def restart(self) -> None:
        """Stop, and begin again with what the ledger holds."""
        self.ledger.close()
        self._start()

    def take(self, records: list[Record]) -> None:
        """Take a batch in."""
        self._intake.take(records, now=None)
        self.taken += records

    def judge(self, steps: int, limit: int) -> None:
        """Judge a few cases."""
        for _ in range(steps):
            self._judging.step(limit)

    def call_the_roll(self) -> None:
        """Call every roll that is due."""
        self._calling.step()

    def judge_all(self) -> None:
        """Judge until nothing is due."""
        self._judging.run_dry(2)
        self.call_the_roll()

    def finish(self) -> None:
        """Let time pass on all streams, and judge what is due then."""
        self._intake.pass_time(streams_of(OFFICES), self._log.as_of + 1)
        self.judge_all()


def audited_at(log: Log, instant: int) -> Audit:
    """Audit a log, with the ledger's word for what could not be read."""
    return audit(log.records, log.policies, OFFICES, instant, dict.fromkeys(log.unread, UNREAD))


@contextmanager
def headquarters(log: Log) -> Iterator[Headquarters]:
    """Run headquarters over a ledger of its own."""
    with tempfile.TemporaryDirectory() as folder, older_program(log.unread):
        running = Headquarters(Path(folder, "ledger.db"), log)
        try:
            yield running
        finally:
            running.ledger.close()


def read_somehow(hq: Headquarters, records: list[Record], choices: Dice) -> Iterator[None]:
    """Take the records in by batches of any size; judge some, all or nothing between them, and restart.

    As in a worker's turn, taking in and judging may be committed together.
    """
    records = interleaved(records, choices)
    while records:
        size = 1 + choices.throw(6)
        with hq.ledger.together() if choices.throw(2) else nullcontext():
            hq.take(records[:size])
            if choices.throw(2):
                hq.judge(choices.throw(3), 1 + choices.throw(2))
            if choices.throw(3):
                hq.call_the_roll()
        records = records[size:]
        if choices.throw(4) == 1:
            hq.restart()
        yield
    hq.finish()


def rows_in(ledger: LedgerReader) -> list[dict[str, Any]]:
    """Give the ledger's verdicts in the audit's form."""
    return [verdict_row(case_id, verdict) for case_id, verdict in ledger.verdicts()]


@given(directed_logs(), dice)
def test_the_live_engine_and_the_audit_agree_row_by_row(log: Log, choices: Dice) -> None:
    """However the streams come in, in batches of any size, cut inside equal append times, with restarts."""
    with headquarters(log) as hq:
        for _ in read_somehow(hq, log.records, choices):
            pass
        audited = audited_at(log, log.as_of)
        assert rows_in(hq.ledger) == audited.verdicts
        assert settled_findings(hq.ledger, dict.fromkeys(OFFICES, log.as_of)) == audited.findings
        assert [(r.stream, r.offset, r.reason) for r in hq.ledger.quarantined()] == sorted(audited.quarantined)
        counts = Counts()
        for _, of_stream in hq.ledger.streams().values():
            counts = counts.plus(of_stream)
        assert counts._asdict() == audited.counts
        assert sum(counts) == len(log.records)


@given(long_logs(), dice)
@settings(max_examples=20)
def test_long_cases_that_are_folded_and_the_audit_agree_row_by_row(log: Log, choices: Dice) -> None:
    """The auditor always starts from the facts, all of them."""
    with headquarters(log) as hq:
        for _ in read_somehow(hq, log.records, choices):
            pass
        assert rows_in(hq.ledger) == audited_at(log, log.as_of).verdicts


class Said(NamedTuple):
    """What there is to say of a log, computed anew from its facts."""

    verdicts: set[tuple[str, Verdict]]
    obligations: list[tuple[str, Obligation]]


def said_of(records: list[Record], policies: Policies, clocks: Mapping[str, int], as_of: int) -> Said:
    """Judge each case once, from its facts."""
    said = Said(set(), [])
    log, silences = read_log(records, OFFICES), silences_of(records, as_of)
    outages = {office: [*silences.get(office, ()), *log.outages.get(office, ())] for office in OFFICES}
    in_force = policies.activated(activations_by(max(clocks.values()), log.activations))
    for case_id in log.facts.keys() | log.orders.keys():
        claims = log.claims.get(case_id, ()) if policies.lodging else ()
        orders = log.orders.get(case_id, ())
        judgement = judge(in_force, log.facts[case_id], Outages(outages), clocks, orders=orders, claims=claims)
        said.verdicts.update((case_id, verdict) for verdict in judgement.verdicts)
        said.obligations.extend((case_id, obligation) for obligation in judgement.obligations)
    return said


@given(directed_logs(), dice)
def test_whenever_nothing_is_due_the_ledger_says_all_there_is_to_say(log: Log, choices: Dice) -> None:
    """No miss is lost for a while: verdicts, tallies and obligations are those of a rebuild from the facts."""
    with headquarters(log) as hq:
        for _ in read_somehow(hq, log.records, choices):
            hq.judge_all()
            clocks = {name: min(clock, log.as_of) for name, clock in hq.ledger.clocks().items()}
            check(hq.ledger, said_of(hq.taken, log.policies, clocks, -1))
        check(hq.ledger, said_of(log.records, log.policies, clocks_at(log.as_of, OFFICES), log.as_of))


def check(ledger: LedgerReader, said: Said) -> None:
    """Compare verdicts, both tallies, and the outstanding list."""
    assert set(ledger.verdicts()) == said.verdicts
    assert ledger.verdict_counts() == Counter((v.office_id, v.requirement, v.verdict) for _, v in said.verdicts)
    assert ledger.obligation_counts() == Counter((o.office_id, o.requirement, o.state) for _, o in said.obligations)
    outstanding = {(case_id, o[:9]) for case_id, o in said.obligations if o.state == "OUTSTANDING"}
    assert {(case_id, o[:9]) for case_id, o in ledger.outstanding()} == outstanding


@given(directed_logs(), st.integers(0, 60))
def test_verdicts_at_an_earlier_clock_are_a_subset_of_those_at_a_later_one(log: Log, earlier: int) -> None:
    """Verdicts are only ever appended."""
    whole = audited_at(log, log.as_of).verdicts
    assert [row for row in audited_at(log, log.as_of - earlier).verdicts if row not in whole] == []


@given(directed_logs(), st.integers(0, 60))
def test_findings_at_an_earlier_clock_are_a_subset_of_those_at_a_later_one(log: Log, earlier: int) -> None:
    """Findings are only ever appended; here every stream goes on after the later clock, so that no pulse is made up."""
    pulses = [pulse(log.as_of + 1 - T0, stream) for stream in STREAMS]
    records = records_of(*log.events, *pulses)
    whole = audit(records, log.policies, OFFICES, log.as_of).findings
    assert [
        row for row in audit(records, log.policies, OFFICES, log.as_of - earlier).findings if row not in whole
    ] == []
