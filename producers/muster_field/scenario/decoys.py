"""Cases that a wrong program judges wrongly: an instant to each side of due, equal times, clocks, duplicates."""

# ruff: noqa: D401 - a story has its docstring tell it
from __future__ import annotations

from itertools import pairwise
from zoneinfo import ZoneInfo

from muster_contract.times import to_datetime
from muster_field.scenario.case_file import INITIAL, ORPHAN, WITHIN, WRITTEN, CaseFile
from muster_field.scenario.passages import initial_in_time, open_case, written_in_time
from muster_field.scenario.script import DAY, HOUR, MINUTE, Record
from muster_field.scenario.stories import Story, prompt

LONGEST_WAIT = 240 * DAY
"""How long after its drawn time a decoy may begin: from March to November, clocks do not change."""


def at_due(case: CaseFile) -> None:
    """Both reports at the very millisecond at which they are due."""
    initial = case.report(open_case(case))
    case.expect(INITIAL, "ON_TIME", initial.at)
    written = case.report(initial.at + WITHIN[WRITTEN], "FOLLOW_UP")
    case.expect(WRITTEN, "ON_TIME", written.at)


def after_due(case: CaseFile) -> None:
    """Both reports a millisecond too late."""
    due = open_case(case)
    initial = case.report(due + 1)
    case.expect(INITIAL, "MISSED", due)
    case.expect(INITIAL, "LATE", initial.at)
    written = case.report(initial.at + WITHIN[WRITTEN] + 1, "FOLLOW_UP")
    case.expect(WRITTEN, "MISSED", initial.at + WITHIN[WRITTEN])
    case.expect(WRITTEN, "LATE", written.at)


def waived_at_due(case: CaseFile) -> None:
    """Not a match, and known at the very millisecond at which the report is due."""
    resolved = case.resolve(open_case(case), "NOT_A_MATCH")
    case.expect(INITIAL, "WAIVED", resolved.at)


def cleared_after_due(case: CaseFile) -> None:
    """Not a match, and known a millisecond after the report is due."""
    due = open_case(case)
    resolved = case.resolve(due + 1, "NOT_A_MATCH")
    case.expect(INITIAL, "MISSED", due)
    case.expect(INITIAL, "CLEARED", resolved.at)


def report_meets_waiver(case: CaseFile) -> None:
    """The report and the waiver arrive in one millisecond: the report decides, and the waiver what follows it."""
    due = open_case(case)
    case.resolve(due, "NOT_A_MATCH")
    case.report(due)
    case.expect(INITIAL, "ON_TIME", due)
    case.expect(WRITTEN, "WAIVED", due)


def report_meets_void(case: CaseFile) -> None:
    """The report and the void arrive in one millisecond: the report decides, and the void what follows it."""
    due = open_case(case)
    case.void(due, case.records[0])
    case.report(due)
    case.expect(INITIAL, "ON_TIME", due)
    case.expect(WRITTEN, "VOIDED", due)


def equal_times(case: CaseFile) -> None:
    """The encounter and its report arrive in one millisecond, on two streams."""
    encounter = case.meet()
    report = case.report(encounter.at)
    case.expect(INITIAL, "ON_TIME", encounter.at)
    written_in_time(case, report)


def early_report(case: CaseFile) -> None:
    """The report arrives before its encounter."""
    report = case.report(case.met_at + 10 * MINUTE)
    encounter = case.meet(case.met_at + 3 * HOUR)
    case.expect(INITIAL, "ON_TIME", encounter.at)
    written_in_time(case, report)


def clock_ahead(case: CaseFile) -> None:
    """The encounter claims a time to come, which buys no time: the report is due a day after its arrival."""
    encounter = case.meet(case.met_at, own=case.met_at + 3 * DAY)
    written_in_time(case, _report_at(case, encounter.at + WITHIN[INITIAL], 0))


def clock_ahead_after_due(case: CaseFile) -> None:
    """The same, and the report a millisecond later."""
    encounter = case.meet(case.met_at, own=case.met_at + 3 * DAY)
    written_in_time(case, _report_at(case, encounter.at + WITHIN[INITIAL], 1))


def clocks_change(case: CaseFile) -> None:
    """The office's clocks change half an hour after the encounter: a day is still twenty-four hours."""
    case.met_at = _next_change(case.met_at, case.office.zone) - 30 * MINUTE
    written_in_time(case, _report_at(case, open_case(case), 0))


def clocks_changed(case: CaseFile) -> None:
    """They changed half an hour before it, perhaps to an hour that was there already; the report is just too late."""
    case.met_at = _next_change(case.met_at, case.office.zone) + 30 * MINUTE
    written_in_time(case, _report_at(case, open_case(case), 1))


def sent_twice(case: CaseFile) -> None:
    """Every event reaches headquarters twice, the second time after the report was due."""
    written_in_time(case, initial_in_time(case))
    last = max(step.at for step in case.steps)
    for number, record in enumerate(case.records, 1):
        case.resend(last + WITHIN[INITIAL] + number * MINUTE, record)


def met_again(case: CaseFile) -> None:
    """A second encounter of the same case, all in time; the report of the first came late nevertheless."""
    due = open_case(case)
    case.expect(INITIAL, "MISSED", due)
    _all_in_time_again(case)
    late = case.report(max(step.at for step in case.steps) + DAY, encounter_id=case.records[0].event.encounter_id)
    case.expect(INITIAL, "LATE", late.at)
    case.expect_outstanding(WRITTEN, late.at + WITHIN[WRITTEN])


def oral_in_time(case: CaseFile) -> None:
    """An oral report in time, which is not the one that was required; that comes late."""
    due = open_case(case)
    case.report(case.met_at + 5 * HOUR, "ORAL")
    case.expect(INITIAL, "MISSED", due)
    report = case.report(due + case.draw.between(HOUR, DAY))
    case.expect(INITIAL, "LATE", report.at)
    written_in_time(case, report)


def silent(case: CaseFile) -> None:
    """The required report was never recorded."""
    case.expect_outstanding(INITIAL, open_case(case))


def oral_only(case: CaseFile) -> None:
    """An oral report, and never the one that was required."""
    case.expect_outstanding(INITIAL, open_case(case))
    case.report(case.met_at + 5 * HOUR, "ORAL")


def left_in_outbox(case: CaseFile) -> None:
    """The report was recorded in time, and never left the office: a gap among the reports."""
    due = open_case(case)
    case.report(case.draw.between(case.steps[-1].at, due), sent=False)
    case.expect_outstanding(INITIAL, due)


def misfiled(case: CaseFile) -> None:
    """The report was sent in time, under an encounter that nobody reported."""
    due = open_case(case)
    report = case.report(case.steps[-1].at + HOUR, encounter_id=str(case.draw.id(case.met_at)))
    case.expect(ORPHAN, "ORPHANED", report.at + WITHIN[ORPHAN])
    case.expect_outstanding(INITIAL, due)


def overtaken(case: CaseFile) -> None:
    """The report never came; a second encounter of the same case was reported in full, and hides nothing."""
    case.expect_outstanding(INITIAL, open_case(case))
    _all_in_time_again(case)


def _all_in_time_again(case: CaseFile) -> None:
    case.met_at += case.draw.between(5 * DAY, 20 * DAY)
    case.encounter_id = str(case.draw.id(case.met_at))
    prompt(case)


def _report_at(case: CaseFile, due: int, beyond: int) -> Record:
    """Send the initial report that many milliseconds after it is due."""
    report = case.report(due + beyond)
    if beyond:
        case.expect(INITIAL, "MISSED", due)
    case.expect(INITIAL, "LATE" if beyond else "ON_TIME", report.at)
    return report


def _next_change(at: int, zone: str) -> int:
    """Give the next hour at which the clocks of a zone change; the same instant where they do not for long."""
    hours = range(at - at % HOUR, at + LONGEST_WAIT, HOUR)
    offsets = ((hour, to_datetime(hour).astimezone(ZoneInfo(zone)).utcoffset()) for hour in hours)
    return next((hour for (_, before), (hour, after) in pairwise(offsets) if before != after), at)


DECOYS: tuple[Story, ...] = (
    at_due,
    after_due,
    waived_at_due,
    cleared_after_due,
    report_meets_waiver,
    report_meets_void,
    equal_times,
    early_report,
    clock_ahead,
    clock_ahead_after_due,
    clocks_change,
    clocks_changed,
    sent_twice,
    met_again,
    oral_in_time,
)
"""Each leaves nothing outstanding of the initial report."""

UNTRANSMITTED: tuple[Story, ...] = (silent, left_in_outbox, silent, oral_only, overtaken, silent, misfiled)
"""The ways in which a required report does not come, in turn; each leaves one initial report outstanding."""
