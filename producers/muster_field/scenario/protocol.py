"""The other steps of the protocol, beside the reports that stories are about: done in time, late or never.

The time limits are those of the demonstration's protocol policy. The field does not read policies, so they stand
here once more; the tests hold the two together, case by case.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from muster_contract.events import (
    EncounterReported,
    EncounterVoided,
    FieldEvent,
    IncidentReported,
    IncidentRetracted,
    InformationShared,
    MatchResolved,
    StepDocumented,
    TransferDeclined,
)
from muster_field.scenario.case_file import INITIAL, RESCREENING, CaseFile
from muster_field.scenario.draw import Draw
from muster_field.scenario.script import DAY, HOUR, MINUTE, Lodging, Record

CHECK, DOCUMENTED, ORAL, SHARED = "initial-check", "documentation", "oral-report", "information-shared"
FOLLOW_UP, FINAL, DECLINED = "follow-up-report", "final-report", "declined-transfer"
LODGED = "report-lodged"
LIMITS = {CHECK: 12 * HOUR, DOCUMENTED: 24 * HOUR, ORAL: 8 * HOUR, SHARED: 5 * DAY}
LIMITS |= {FOLLOW_UP: 30 * DAY, FINAL: 60 * DAY, DECLINED: 7 * DAY, LODGED: 3 * DAY}
TRAVEL = 2 * DAY
"""How much longer an office has whose officers travel to the classified channel."""
NEVER = 1 << 62
"""The instant of what does not happen."""


def follow(case: CaseFile, end: int, lodging: Draw, *, failing: bool = False) -> None:
    """Add the protocol's other steps to a case that has been told, and note which requirements it misses by ``end``.

    Only to a case that began with its one encounter, a potential match. One that is to be ``failing`` misses at
    least one: its initial check, where chance would have it miss none. ``lodging`` is the chance by which
    headquarters' document system gets its reports.
    """
    encounters = _all(case, EncounterReported)
    if len(encounters) != 1 or encounters[0] != case.steps[0] or not _is_potential(encounters[0]):
        return
    check, oral = _check(case), _oral(case)
    _share(case)
    _answer_declined(case)
    _close(case)
    lodged = _lodge(case, end, lodging)
    missed = set(_missed(case, check, oral, end))
    if _never_lodged(case, lodged, end):
        missed.add(LODGED)
    if failing and not missed:
        check, missed = NEVER, {CHECK}
    if check != NEVER:
        case.screen(check, "INITIAL")
    case.truth.noncompliance = sorted(missed)


def _is_potential(record: Record) -> bool:
    return record.sent and isinstance(record.event, EncounterReported) and record.event.match == "POTENTIAL"


def _check(case: CaseFile) -> int:
    due = case.met_at + LIMITS[CHECK]
    in_time = case.draw.between(case.steps[0].at + MINUTE, due)
    return case.draw.one_of((in_time, due + case.draw.between(1, 5 * DAY), NEVER), (70, 15, 15))


def _oral(case: CaseFile) -> int:
    due = case.met_at + LIMITS[ORAL]
    in_time = case.draw.between(case.steps[0].at + MINUTE, due)
    at = case.draw.one_of((in_time, due + case.draw.between(1, DAY), NEVER), (60, 20, 20))
    if at != NEVER:
        case.report(at, "ORAL")
    return at


def _share(case: CaseFile) -> None:
    """Share what is known. Without a classified network, officers travel for days, or a courier has to do."""
    due = case.met_at + LIMITS[SHARED]
    in_time = case.draw.between(case.steps[0].at + 2 * HOUR, due)
    choices = (in_time, due + case.draw.between(1, 15 * DAY), NEVER)
    at = case.draw.one_of(choices, (75, 15, 10) if case.office.classified_network else (35, 25, 40))
    if at != NEVER:
        case.share(at, "CLASSIFIED")
    elif not case.office.classified_network and case.draw.happens(0.6):
        case.share(in_time, "COURIER")


def _answer_declined(case: CaseFile) -> None:
    """Follow up on a declined transfer, half of the time."""
    for declined in _all(case, TransferDeclined):
        if case.draw.happens(0.5):
            case.report(declined.at + case.draw.between(HOUR, LIMITS[DECLINED]), "FOLLOW_UP")


def _close(case: CaseFile) -> None:
    """Close the incident with a final report before another follow-up is due, more often than not."""
    initial = _first(_reports(case, "INITIAL"))
    if initial != NEVER and _resolved(case) == NEVER and case.draw.happens(0.6):
        last = max(_reports(case, "FOLLOW_UP"), default=initial)
        latest = min(initial + LIMITS[FINAL], last + LIMITS[FOLLOW_UP])
        case.report(case.draw.between(last + MINUTE, latest), "FINAL")


def _lodge(case: CaseFile, end: int, draw: Draw) -> Sequence[tuple[Record, int]]:
    """Have most reports lie in headquarters' document system some time after they were sent; give the initial ones."""
    found = []
    for record in case.records:
        if isinstance(record.event, IncidentReported) and record.sent:
            soon, late = draw.between(MINUTE, 2 * DAY), draw.between(3 * DAY + 1, 20 * DAY)
            at = record.at + draw.one_of((soon, late, NEVER), (88, 6, 6))
            if at < end:
                report = record.event.report_reference, record.event.report_sha256
                case.steps.append(Lodging(at, draw.id(at), *report))
                if record.event.stage == "INITIAL":
                    found.append((record, at))
    return found


def _never_lodged(case: CaseFile, lodged: Sequence[tuple[Record, int]], end: int) -> bool:
    """Tell whether the initial report was not there three days after it came, or was withdrawn from there."""
    initial = _first(_reports(case, "INITIAL"))
    if initial == NEVER or initial + LIMITS[LODGED] >= end - 1:
        return False
    retracted = {record.event.retracts for record in case.records if isinstance(record.event, IncidentRetracted)}
    there = [at for record, at in lodged if record.event_id not in retracted]
    ended = [_resolved(case), *(record.at for record in _all(case, EncounterVoided))]
    return min([*there, *ended], default=NEVER) > initial + LIMITS[LODGED]


def _missed(case: CaseFile, check: int, oral: int, end: int) -> Iterator[str]:
    """Work out from the events alone what was not there when it was due."""
    waived, voided = _resolved(case), _first([record.at for record in _all(case, EncounterVoided)])
    documented = _first([record.at for record in _all(case, StepDocumented)])
    shared = _first([record.at for record in _all(case, InformationShared)])
    travel = 0 if case.office.classified_network else TRAVEL
    for name, done, excused, limit in (
        (CHECK, check, voided, LIMITS[CHECK]),
        (DOCUMENTED, documented, voided, LIMITS[DOCUMENTED]),
        (ORAL, oral, min(waived, voided), LIMITS[ORAL]),
        (SHARED, shared, min(waived, voided), LIMITS[SHARED] + travel),  # by whatever channel: another is a finding
    ):
        if min(done, excused) > case.met_at + limit:
            yield name
    initial, final = _first(_reports(case, "INITIAL")), _first(_reports(case, "FINAL"))
    follow_ups = sorted(_reports(case, "FOLLOW_UP"))
    if initial != NEVER:
        if initial + LIMITS[FINAL] < min(final, waived, end - 1):
            yield FINAL
        dues = [at + LIMITS[FOLLOW_UP] for at in (initial, *follow_ups)]
        if any(due < min(at, final, waived, end - 1) for due, at in zip(dues, (*follow_ups, NEVER), strict=True)):
            yield FOLLOW_UP
    for declined in _all(case, TransferDeclined):
        if not any(declined.at <= at <= declined.at + LIMITS[DECLINED] for at in follow_ups):
            yield DECLINED
    yield from (v.requirement for v in case.truth.verdicts if v.verdict == "MISSED" and v.requirement in _ALIKE)


_ALIKE = {INITIAL, RESCREENING}
"""What both demonstration policies require, word by word."""


def _all(case: CaseFile, event: type[FieldEvent]) -> Sequence[Record]:
    return [record for record in case.records if isinstance(record.event, event)]


def _reports(case: CaseFile, stage: str) -> Sequence[int]:
    return [
        record.at
        for record in case.records
        if isinstance(record.event, IncidentReported) and record.event.stage == stage and record.sent
    ]


def _resolved(case: CaseFile) -> int:
    """Give when it was resolved not to be a match."""
    return _first(
        [r.at for r in case.records if isinstance(r.event, MatchResolved) and r.event.outcome == "NOT_A_MATCH"]
    )


def _first(instants: Sequence[int]) -> int:
    return min(instants, default=NEVER)
