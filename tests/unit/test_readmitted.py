"""What an older program could not read, and a newer one can: readmitted, it is a fact from the directive's time on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from muster_contract.codec import decode
from muster_hq.audit import audit
from muster_hq.ledger.sqlite import SqliteLedger
from muster_hq.published import verdict_row
from muster_hq.replay import replay
from tests.cases.builders import Case, Event, directive, encounter, raw, report, retract
from tests.cases.outages import DUE, END, MISSED, UNDETERMINED, on_report
from tests.cases.policies import OUTAGE
from tests.cases.quarantined import JUNK, log, readmit, reject
from tests.older_program import UNREAD, older_program

Place = tuple[str, int]
REPORT: Place = ("field.a.incidents", 3)


@contextmanager
def replayed(case: Case, unread: Sequence[Place], path: Path, batch: int = 2) -> Iterator[SqliteLedger]:
    """Give the ledger of a program that could not read these records."""
    ledger = SqliteLedger(path / f"ledger-{batch}.db")
    try:
        with older_program(unread):
            replay(case.records, case.policies, ["a", "b"], ledger, case.instant, batch=batch)
        yield ledger
    finally:
        ledger.close()


S = report("S", 50_000)
AGAIN = report("S", 65_000, own=50_000)
"""The same bytes, sent once more."""

CASES = (
    Case("excused at the directive's time, in the grace that begins then", OUTAGE, log(S, readmit(80_000)), [
        UNDETERMINED, on_report("EXCUSED", 80_000, 80_000, "E S"),
    ]),
    Case("in time, when the directive came by then", OUTAGE, log(S, readmit(DUE)), [
        on_report("ON_TIME", DUE, DUE, "E S"),
    ]),
    Case("excused, when it came a millisecond later", OUTAGE, log(S, readmit(DUE + 1)), [
        UNDETERMINED, on_report("EXCUSED", DUE + 1, DUE + 1, "E S"),
    ]),
    Case("rejected, it never counts", OUTAGE, log(S, reject(80_000)), [
        UNDETERMINED, on_report("MISSED", 90_000),
    ]),
    Case("rejected and then readmitted, it never counts", OUTAGE, log(S, reject(70_000), readmit(75_000)), [
        UNDETERMINED, on_report("MISSED", 80_000),
    ]),
    Case("sent again before, it counts from then, and the other is no fact", OUTAGE, log(S, AGAIN, readmit(80_000)), [
        UNDETERMINED, on_report("EXCUSED", 65_000, 65_000, "E S"),
    ]),
    Case("sent again later, that one is no fact", OUTAGE, log(S, readmit(62_000), AGAIN), [
        UNDETERMINED, on_report("EXCUSED", 62_000, 62_000, "E S"),
    ]),
    Case(
        "a retraction withdraws it",
        OUTAGE,
        log(S, readmit(80_000), retract("R", 85_000, "S")),
        [
            UNDETERMINED,
            on_report("EXCUSED", 80_000, 80_000, "E S"),
            on_report("RETRACTED", 85_000, 85_000, "E S R"),
            on_report("MISSED", 90_000),
        ],
    ),
    Case(
        "without an outage in the policy it is late",
        OUTAGE.replace('outage_after = "PT20S"\n', ""),
        log(S, readmit(80_000)),
        [MISSED, on_report("LATE", 80_000, 80_000, "E S")],
    ),
)  # fmt: skip


@pytest.mark.parametrize("batch", [1, 3, 100])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_report_that_is_readmitted(case: Case, batch: int, tmp_path: Path) -> None:
    """Both programs say so, whatever the batches."""
    case = Case(case.name, case.policy, case.events, case.verdicts, as_of=END)
    audited = audit(case.records, case.policies, ["a", "b"], case.instant, {REPORT: UNREAD})
    assert [case.compact(row) for row in audited.verdicts] == case.expected()
    with replayed(case, [REPORT], tmp_path, batch) as ledger:
        rows = [verdict_row(case_id, verdict) for case_id, verdict in ledger.verdicts()]
    assert rows == audited.verdicts


@pytest.mark.parametrize("directives_first", [True, False])
def test_the_order_in_which_record_and_directive_are_read_changes_nothing(
    directives_first: bool,  # noqa: FBT001 - a parameter of the test
    tmp_path: Path,
) -> None:
    """Whichever comes second brings it about."""
    case = Case("", OUTAGE, log(S, readmit(80_000)), as_of=END)
    records = sorted(case.records, key=lambda r: (r.stream == "hq.directives") != directives_first)
    ledger = SqliteLedger(tmp_path / "ledger.db")
    with older_program([REPORT]):
        replay(records, case.policies, ["a"], ledger, case.instant, batch=1)
    assert [(v.verdict, v.at) for _, v in ledger.verdicts()] == [
        (v.verdict, v.at + case.instant - END) for v in (UNDETERMINED, on_report("EXCUSED", 80_000, 80_000, "E S"))
    ]
    ledger.close()


def test_the_evidence_names_the_record_where_it_stands(tmp_path: Path) -> None:
    """Its own topic and offset; received when the directive was."""
    case = Case("", OUTAGE, log(S, readmit(80_000)), as_of=END)
    with replayed(case, [REPORT], tmp_path) as ledger:
        excused = [v for _, v in ledger.verdicts() if v.verdict == "EXCUSED"]
    (_, behind) = excused[0].evidence
    assert (behind.stream, behind.offset, behind.received_at - case.instant + END) == (*REPORT, 80_000)


def test_an_encounter_that_is_readmitted_opens_as_one_that_came_late(tmp_path: Path) -> None:
    """Its own time is its anchor; what was due meanwhile is undetermined, and missed when the grace is over."""
    events = [
        encounter("E", 1_000),
        *[event for event in log() if event.name != "E"],
        readmit(80_000, "field.a.encounters@0"),
    ]
    case = Case("", OUTAGE, events, as_of=END)
    with replayed(case, [("field.a.encounters", 0)], tmp_path) as ledger:
        said = [case.compact(verdict_row(case_id, v)) for case_id, v in ledger.verdicts()]
    due = 61_000
    assert [(v.verdict, v.at, v.due) for v in said] == [("UNDETERMINED", due, due), ("MISSED", 90_000, due)]


def test_what_waits_and_what_was_decided_can_be_told_apart(tmp_path: Path) -> None:
    """A record that waits is counted by office; one that was decided knows when, and by which directive."""
    decided = directive("D", 70_000, "REJECT", JUNK)
    case = Case("", OUTAGE, log(raw(b"junk", 50_000, REPORT[0]), raw(b"more", 51_000, REPORT[0]), decided), as_of=END)
    with replayed(case, [], tmp_path) as ledger:
        records = list(ledger.quarantined())
        assert [(r.offset, r.ended_at and r.ended_at - case.instant + END, r.ended_by) for r in records] == [
            (3, 70_000, 0),
            (4, None, None),
        ]
        assert ledger.quarantine_waiting() == {"a": 1}
        assert [(order.action, order.target, order.ignored) for order in ledger.directives()] == [
            ("REJECT", JUNK, None)
        ]


@pytest.mark.parametrize(
    ("decided", "told"), [(readmit(80_000), ["QUARANTINED", "ACCEPTED"]), (reject(80_000), ["QUARANTINED"])]
)
@pytest.mark.parametrize("directives_first", [True, False])
def test_an_office_is_told_that_its_event_counts_after_all(
    decided: Event,
    told: list[str],
    directives_first: bool,  # noqa: FBT001 - a parameter of the test
    tmp_path: Path,
) -> None:
    """By the number that the headers say: or it would record again what is here, as it was told to."""
    case = Case("", OUTAGE, log(S, decided), as_of=END)
    number = [("epoch", str(UUID(int=7)).encode()), ("sequence", b"4")]
    records = [r._replace(headers=lambda: number) if (r.stream, r.offset) == REPORT else r for r in case.records]
    records.sort(key=lambda r: (r.stream == "hq.directives") != directives_first)
    with closing(SqliteLedger(tmp_path / "ledger.db")) as ledger:
        with older_program([REPORT]):
            replay(records, case.policies, ["a"], ledger, case.instant, batch=1)
        sent = [decode(out.value) for out in ledger.outgoing(0, 1_000) if out.topic == "hq.receipts.a"]
    receipts = [fields for schema, fields in sent if schema.name == "Receipt" and fields["sequence"] == 4]
    assert [fields["outcome"] for fields in receipts] == told
    assert {(fields["topic"], fields["offset"], fields["epoch"]) for fields in receipts} == {
        (*REPORT, UUID(int=7).bytes)
    }
