"""Passages that stories share: how a case opens, and how its reports and screenings come, in time or not."""

from __future__ import annotations

from muster_field.scenario.case_file import INITIAL, RESCREENING, WITHIN, WRITTEN, CaseFile
from muster_field.scenario.script import DAY, HOUR, MINUTE, Record

MOST_LATE = 40 * DAY
LONGEST = 2 * MOST_LATE + 5 * DAY
"""How long a story takes at most, supervision left out."""
LONGEST_SUPERVISED = 160 * DAY
"""How long one with supervision takes at most."""


def open_case(case: CaseFile) -> int:
    """Report and document an encounter; give the due time of its initial report."""
    encounter = case.meet()
    if case.draw.happens(0.6):
        case.document(encounter.at + case.draw.between(MINUTE, HOUR), "INITIAL_CHECK")
    else:
        case.truth.failings.append("documentation")
    return case.met_at + WITHIN[INITIAL]


def initial_in_time(case: CaseFile) -> Record:
    """Open the case, and send its initial report in time."""
    due = open_case(case)
    report = case.report(case.draw.between(case.steps[-1].at + MINUTE, due))
    case.expect(INITIAL, "ON_TIME", report.at)
    return report


def initial_late(case: CaseFile) -> Record:
    """Open the case, and send its initial report too late."""
    due = open_case(case)
    case.expect(INITIAL, "MISSED", due)
    report = case.report(some_time_after(case, due))
    case.expect(INITIAL, "LATE", report.at)
    return report


def written_in_time(case: CaseFile, initial: Record) -> None:
    """Send the written report in time after the initial one."""
    earliest = max(step.at for step in case.steps)
    written = case.report(case.draw.between(earliest + MINUTE, initial.at + WITHIN[WRITTEN]), "FOLLOW_UP")
    case.expect(WRITTEN, "ON_TIME", written.at)


def written_late(case: CaseFile, initial: Record) -> None:
    """Send the written report too late after the initial one."""
    due = initial.at + WITHIN[WRITTEN]
    case.expect(WRITTEN, "MISSED", due)
    written = case.report(some_time_after(case, due), "FOLLOW_UP")
    case.expect(WRITTEN, "LATE", written.at)


def screened_again(case: CaseFile) -> tuple[int, int]:
    """Release the person, and screen in time up to twice; give the number and the due time of what is due next."""
    if case.draw.happens(0.4):
        case.decline(case.met_at + 5 * DAY - HOUR)
    at = case.custody(case.met_at + case.draw.between(5 * DAY, 20 * DAY), "SUPERVISED").at
    times = case.draw.between(0, 2)
    for number in range(1, times + 1):
        at = case.screen(at + case.draw.between(20 * DAY, WITHIN[RESCREENING]), "RESCREEN").at
        case.expect(RESCREENING, "ON_TIME", at, number)
    return times + 1, at + WITHIN[RESCREENING]


def some_time_after(case: CaseFile, due: int) -> int:
    """Draw an instant after a due time: an hour to weeks."""
    return due + case.draw.between(HOUR, MOST_LATE)
