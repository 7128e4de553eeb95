"""Intake and judging over a ledger: what is due is judged, once and in time, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from muster_contract.codec import decode
from muster_contract.topics import QUARANTINE, VERDICTS, receipts, streams_of
from muster_hq.entries import Counts, FindingRow
from muster_hq.intake import DELAY_BOUNDS, Intake, delay_bounds
from muster_hq.judging import Judging
from muster_hq.ledger.sqlite import SqliteLedger
from muster_hq.ledger_port import Outrun
from muster_hq.policies import Policies
from muster_hq.sorting import MAX_BROKER_SKEW
from tests.builders import policies_of, records_of
from tests.cases.builders import SECOND, T0, Event, confirmed, encounter, pulse, raw, report, retract
from tests.cases.policies import REPORT, REPORT_BY_ANY

ORPHAN_AFTER_5 = 'orphan_after = "PT0.005S"\n' + REPORT
A = "field.a.encounters"


class Headquarters:
    """Intake and judging of offices a and b over a new ledger; times are milliseconds after T0."""

    def __init__(self, path: Path, policy: str = REPORT, offices: str = "ab") -> None:
        self.policies: Policies = policies_of(policy)
        self.ledger = SqliteLedger(path)
        self.offices = offices
        self.intake = Intake(self.ledger, self.policies, list(offices))
        self.judging = Judging(self.ledger, self.policies)

    def take(self, *events: Event) -> None:
        """Take records in."""
        self.intake.take(records_of(*events), now=None)

    def clock(self, at: int) -> int:
        """Let the intake clocks stand at an instant, and judge; give how many cases were due."""
        self.intake.pass_time(streams_of(self.offices), T0 + at + 1)
        return self.judging.run_dry(10)

    def said(self) -> list[tuple[str, str, int]]:
        """Give requirement, verdict and instant of every verdict."""
        return [(v.requirement, v.verdict, v.at - T0) for _, v in self.ledger.verdicts()]


Start = Callable[..., Headquarters]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Give what starts headquarters over one ledger file, again if need be."""
    running: list[Headquarters] = []

    def start(policy: str = REPORT, offices: str = "ab") -> Headquarters:
        for earlier in running:
            earlier.ledger.close()
        running.append(Headquarters(tmp_path / "ledger.db", policy, offices))
        return running[-1]

    yield start
    running[-1].ledger.close()


def test_a_miss_is_said_once_the_clock_has_passed_due(start: Start) -> None:
    """Not while it stands at it, and once."""
    hq = start()
    hq.take(encounter("E", 0))
    assert (hq.clock(10), hq.said()) == (1, [])
    assert (hq.clock(11), hq.said()) == (1, [("report", "MISSED", 10)])
    assert hq.clock(99) == 0


def test_a_case_that_is_settled_is_not_judged_again(start: Start) -> None:
    """The due time of a report that came is taken off the list."""
    hq = start()
    hq.take(encounter("E", 0), report("S", 5))
    assert (hq.clock(5), hq.clock(99)) == (1, 0)
    assert hq.ledger.next_due() == {}


def test_a_report_that_waits_alone_is_an_orphan_in_time(start: Start) -> None:
    """No obligation keeps its case in mind: only the wait does."""
    hq = start(ORPHAN_AFTER_5)
    hq.take(report("S", 1))
    assert (hq.clock(6), hq.said()) == (1, [])
    assert (hq.clock(7), hq.said()) == (1, [("orphan-report", "ORPHANED", 6)])
    assert hq.ledger.next_due() == {}


def test_an_orphan_s_wait_does_not_hide_the_due_time_of_an_obligation(start: Start) -> None:
    """Found by random logs: the wait passed first, and the miss after it was never said."""
    hq = start(ORPHAN_AFTER_5)
    hq.take(confirmed("E", 0), report("S", 1, stage="FINAL"))
    hq.clock(2)
    hq.clock(7)
    assert hq.said() == [("orphan-report", "ORPHANED", 6)]
    hq.clock(11)
    assert hq.said() == [("orphan-report", "ORPHANED", 6), ("report", "MISSED", 10)]


def test_an_orphan_s_wait_does_not_hide_a_due_time_that_was_announced_before(start: Start) -> None:
    """The same, with the report a batch later."""
    hq = start(ORPHAN_AFTER_5)
    hq.take(confirmed("E", 0))
    hq.clock(0)
    hq.take(report("S", 1, stage="FINAL"))
    for at in (2, 7, 11):
        hq.clock(at)
    assert ("report", "MISSED", 10) in hq.said()


def test_a_fact_that_arrives_right_after_an_instant_that_no_longer_matters_is_judged(start: Start) -> None:
    """Found by random logs: the due time was taken off the list, and with it the fact that shares its place there."""
    hq = start()
    hq.take(encounter("E", 0))
    hq.clock(0)
    hq.take(report("S", 5), retract("R", 11, "S"))  # due is 10; what arrives at 11 is due past 10 as well
    hq.clock(5)
    assert hq.said() == [("report", "ON_TIME", 5)]
    hq.clock(20)
    assert ("report", "RETRACTED", 11) in hq.said()


def test_a_report_of_any_office_waits_for_the_clock_over_all(start: Start) -> None:
    """Office b has been read up to 3 only: it may still hold the report."""
    hq = start(REPORT_BY_ANY)
    hq.take(encounter("E", 0), *(pulse(50, stream) for stream in streams_of("a")), pulse(3, "field.b.incidents"))
    hq.judging.run_dry(10)
    assert hq.said() == []
    hq.intake.pass_time(streams_of("b"), T0 + 12)
    hq.judging.run_dry(10)
    assert hq.said() == [("report", "MISSED", 10)]


def test_judging_up_to_an_instant_leaves_the_rest_for_later(start: Start) -> None:
    """A replay judges as of a time, whatever the log holds after it."""
    hq = start()
    hq.take(encounter("E", 0), report("S", 50))
    hq.judging = Judging(hq.ledger, hq.policies, until=T0 + 10)
    assert (hq.clock(99), hq.said()) == (1, [])
    hq.judging = Judging(hq.ledger, hq.policies, until=T0 + 11)
    assert (hq.clock(99), hq.said()) == (1, [("report", "MISSED", 10)])


def test_a_step_judges_no_more_cases_than_it_may(start: Start) -> None:
    """The rest is due in the next."""
    hq = start()
    hq.take(*(encounter(str(n), 0, case=str(n)) for n in range(5)))
    hq.intake.pass_time(streams_of("ab"), T0 + 1)
    assert [hq.judging.step(2) for _ in range(4)] == [2, 2, 1, 0]


def test_verdicts_wait_to_be_published_in_the_transaction_that_gives_them(start: Start) -> None:
    """Each once, as a record of the contract."""
    hq = start()
    hq.take(encounter("E", 0))
    hq.clock(11)
    hq.clock(99)
    said = [(outgoing.topic, *decode(outgoing.value)) for outgoing in hq.ledger.outgoing(0, 9)]
    ((topic, _, fields),) = [one for one in said if one[0] == VERDICTS]
    assert (topic, fields["verdict"], fields["case_id"]) == (VERDICTS, "MISSED", "c")


def test_the_office_is_told_what_is_due_of_it_and_how_it_was_judged(start: Start) -> None:
    """On its own topic, in that order, and once: other offices are told nothing."""
    hq = start(REPORT.replace('within = "PT0.010S"', 'within = "PT0.010S"\nremind_before = "PT0.004S"'))
    hq.take(encounter("E", 0))
    told = []
    for clock in (5, 6, 7, 10, 11, 99):  # reminded once the clock has passed 6, judged once it has passed 10
        hq.clock(clock)
        said = [decode(o.value) for o in hq.ledger.outgoing(0, 9) if o.topic == receipts("a")]
        told.append([fields.get("kind") or fields["verdict"] for _, fields in said])
    opened, reminded = ["OPENED"], ["OPENED", "REMINDER"]
    assert told == [opened, opened, reminded, reminded, [*reminded, "MISSED"], [*reminded, "MISSED"]]
    assert not [o for o in hq.ledger.outgoing(0, 9) if o.topic == receipts("b")]


def test_what_is_opened_late_is_a_reminder_at_once(start: Start) -> None:
    """Little time is left."""
    hq = start(REPORT.replace('within = "PT0.010S"', 'within = "PT0.010S"\nremind_before = "PT0.004S"'))
    hq.take(encounter("E", 8, own=0))
    hq.clock(9)
    ((_, notice),) = [decode(o.value) for o in hq.ledger.outgoing(0, 9)]
    assert (notice["kind"], notice["due_at"]) == ("REMINDER", T0 + 10)


def test_an_office_that_leaves_the_register_keeps_what_was_said_of_it(start: Start) -> None:
    """Its case is judged no further, not even when another office makes it due; nor is it forgotten."""
    ours, later = encounter("F", 0, office="b", enc="f"), encounter("G", 12, office="b", enc="g")
    hq = start(offices="ab")
    hq.take(encounter("E", 0), ours)
    hq.clock(11)
    hq = start(offices="b")
    hq.take(ours, later)
    hq.clock(30)
    missed = [(o.office_id, o.encounter_id) for _, o in hq.ledger.outstanding()]
    assert sorted(missed) == [("a", "e"), ("b", "f"), ("b", "g")]
    assert start(offices="ab").clock(99) == 0


def test_a_zombie_s_batch_is_thrown_away(start: Start) -> None:
    """Another intake has moved the position: reload, and go on from there."""
    hq = start()
    zombie = Intake(hq.ledger, hq.policies, ["a", "b"])
    hq.take(encounter("E", 0))
    with pytest.raises(Outrun):
        zombie.take(records_of(encounter("E", 0)), now=None)
    zombie.reload()
    assert zombie.state(A).next_offset == 1
    assert zombie.take(records_of(encounter("E", 0), encounter("F", 1)), now=None).counts == Counts(applied=1)


def test_a_batch_without_anything_new_changes_nothing(start: Start) -> None:
    """A rewound stream gives records again that were taken before."""
    hq = start()
    hq.take(encounter("E", 0), pulse(3, A))
    before = hq.ledger.streams()
    assert hq.intake.take(records_of(encounter("E", 0), pulse(3, A)), now=None).counts == Counts()
    assert hq.ledger.streams() == before


def test_a_quarantined_record_waits_to_be_published(start: Start) -> None:
    """With its reason and its bytes; and a finding of a wrong office beside it."""
    hq = start()
    hq.take(encounter("E", 0, office="b", stream=A), raw(b"junk", 1, A))
    published = [(outgoing.topic, decode(outgoing.value)) for outgoing in hq.ledger.outgoing(0, 9)]
    assert [(topic, found.schema.name) for topic, found in published] == [
        (QUARANTINE, "Quarantined"),
        (QUARANTINE, "Quarantined"),
        (receipts("a"), "Receipt"),
        (receipts("a"), "Receipt"),
        (VERDICTS, "Finding"),
    ]
    assert [found.fields["reason"] for _, found in published[:4]] == ["WRONG_OFFICE", "NOT_FRAMED"] * 2


def test_a_hole_in_the_log_is_found_and_the_stream_stands_still(start: Start) -> None:
    """The finding LOG_BROKEN, once, however often it is met."""
    hq = start()
    first, _, third = records_of(*(pulse(at, A) for at in (0, 1, 2)))
    for _ in range(2):
        taken = hq.intake.take([first, third], now=None)
        assert [halt.broken for halt in taken.halts] == [True]
    assert [(finding.kind, finding.office_id, finding.stream) for finding in hq.ledger.findings()] == [
        ("LOG_BROKEN", "a", A)
    ]
    assert hq.ledger.streams()[A][0].next_offset == 1


def test_a_broker_s_clock_that_is_ahead_is_no_finding(start: Start) -> None:
    """It may come right: the same records are taken a moment later."""
    hq = start()
    records = records_of(pulse(MAX_BROKER_SKEW + 1, A))
    assert [halt.broken for halt in hq.intake.take(records, now=T0).halts] == [False]
    assert (hq.ledger.findings(), hq.intake.take(records, now=T0 + 1).counts) == ([], Counts(pulse=1))


def test_the_topic_s_id_is_kept_with_the_position(start: Start) -> None:
    """And stays when a later batch does not tell."""
    hq = start()
    first, second = records_of(pulse(0, A), pulse(1, A))
    hq.intake.take([first], None, {A: "id"})
    hq.intake.take([second], None)
    assert hq.ledger.streams()[A][0].topic_id == "id"


def test_a_finding_that_concerns_no_record_is_appended(start: Start) -> None:
    """And waits to be published."""
    hq = start()
    hq.intake.find([FindingRow("LOG_BROKEN", "a", A, T0, "a new topic id", ())])
    assert (len(hq.ledger.findings()), len(hq.ledger.outgoing(0, 9))) == (1, 1)


def test_every_deadline_is_a_bucket_bound() -> None:
    """So that the share that came in time can be read off."""
    policies = policies_of(REPORT.replace("PT0.010S", "PT72H"))
    assert delay_bounds(policies) == sorted([*DELAY_BOUNDS, 72 * 3600.0])
    assert delay_bounds(policies_of(REPORT.replace("PT0.010S", "PT1S"))) == list(DELAY_BOUNDS)


def test_time_that_passes_ends_a_silence(start: Start) -> None:
    """As a pulse at that instant would."""
    hq = start('outage_after = "PT15S"\n' + REPORT)
    hq.take(pulse(0, A))
    hq.clock(15 * SECOND - 1)
    hq.clock(31 * SECOND)
    with hq.ledger.judging() as transaction:
        outages = {office: [o[:2] for o in found] for office, found in transaction.outages().items()}
    assert outages["a"][0] == (T0 + 15 * SECOND, T0 + 31 * SECOND + 1)
