"""One case as its office lives it: events at instants, and beside each what headquarters must find.

The time limits are the demonstration policy's. The field does not read policies, so they stand here once
more; the tests hold the two together, verdict by verdict.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from muster_contract.events import (
    CustodyChanged,
    EncounterReported,
    EncounterVoided,
    FieldEvent,
    IncidentReported,
    IncidentRetracted,
    InformationShared,
    MatchResolved,
    ScreeningCompleted,
    StepDocumented,
    TransferDeclined,
)
from muster_contract.register import Office
from muster_contract.times import to_datetime
from muster_field.scenario.draw import Draw
from muster_field.scenario.script import DAY, HOUR, MINUTE, CaseTruth, Expected, Record, Resend, Step

INITIAL, WRITTEN, RESCREENING, ORPHAN = "initial-report", "written-report", "rescreening", "orphan-report"
WITHIN = {INITIAL: 24 * HOUR, WRITTEN: 3 * DAY, RESCREENING: 30 * DAY, ORPHAN: DAY}


class CaseFile:
    """A case, its steps so far and its truth; ``met_at`` is when the encounter happened."""

    def __init__(self, draw: Draw, office: Office, story: str, met_at: int) -> None:
        self.draw, self.office, self.met_at = draw, office, met_at
        self.truth = CaseTruth(str(draw.id(met_at)), office.id, story)
        self.encounter_id = str(draw.id(met_at))
        self.steps: list[Step] = []

    @property
    def records(self) -> tuple[Record, ...]:
        """The events so far; the first is most often the encounter."""
        return tuple(step for step in self.steps if isinstance(step, Record))

    def meet(
        self, at: int | None = None, *, own: int | None = None, match: str = "POTENTIAL", sent: bool = True
    ) -> Record:
        """Report the encounter, minutes or hours after it happened unless told when."""
        own = self.met_at if own is None else own
        at = own + self.draw.between(5 * MINUTE, 4 * HOUR) if at is None else at
        custody = "SUPERVISED" if self.draw.happens(0.5) else "IN_CUSTODY"
        return self._record(at, EncounterReported, own=own, sent=sent, match=match, custody=custody)

    def report(self, at: int, stage: str = "INITIAL", *, encounter_id: str = "", sent: bool = True) -> Record:
        """Send an incident report; most offices have no classified network where they sit."""
        channel = "CLASSIFIED" if self.office.classified_network else self.draw.one_of(("UNCLASSIFIED", "COURIER"))
        fields: dict[str, Any] = {"report_reference": str(self.draw.id(at)), "report_sha256": self.draw.digest()}
        if encounter_id:
            fields["encounter_id"] = encounter_id
        return self._record(at, IncidentReported, sent=sent, stage=stage, channel=channel, **fields)

    def resolve(self, at: int, outcome: str) -> Record:
        """Resolve the match."""
        return self._record(at, MatchResolved, outcome=outcome)

    def custody(self, at: int, to: str) -> Record:
        """Change the person's custody."""
        return self._record(at, CustodyChanged, to=to)

    def screen(self, at: int, kind: str) -> Record:
        """Complete a screening."""
        return self._record(at, ScreeningCompleted, kind=kind, outcome=self.draw.one_of(("NO_MATCH", "POTENTIAL")))

    def document(self, at: int, step: str) -> Record:
        """Document a step in the case file."""
        return self._record(at, StepDocumented, step=step)

    def decline(self, at: int) -> Record:
        """Have a jurisdiction decline to transfer custody."""
        return self._record(at, TransferDeclined, jurisdiction=self.draw.one_of(("US-CA", "US-IL", "US-NY", "US-TX")))

    def share(self, at: int, channel: str = "") -> Record:
        """Share what is known over a channel, against a receipt: over the office's own unless told which."""
        channel = channel or ("CLASSIFIED" if self.office.classified_network else "COURIER")
        return self._record(at, InformationShared, channel=channel, receipt_reference=str(self.draw.id(at)))

    def void(self, at: int, voided: Record) -> Record:
        """Void an event that was entered in error."""
        return self._record(at, EncounterVoided, voids=voided.event_id, reason="ENTERED_IN_ERROR")

    def retract(self, at: int, report: Record) -> Record:
        """Withdraw a report."""
        return self._record(at, IncidentRetracted, retracts=report.event_id, reason="SENT_IN_ERROR")

    def resend(self, at: int, record: Record) -> None:
        """Send an event a second time."""
        self.steps.append(Resend(at, self.office.id, record.event_id))

    def expect(self, requirement: str, verdict: str, at: int, occurrence: int = 1) -> None:
        """Note a verdict that must be found; a MISSED one is a failing."""
        self.truth.verdicts.append(Expected(requirement, occurrence, verdict, at))
        if verdict == "MISSED":
            self.truth.failings.append(requirement)

    def expect_outstanding(self, requirement: str, due: int, occurrence: int = 1) -> None:
        """Note that a report is missed and never comes."""
        self.expect(requirement, "MISSED", due, occurrence)
        self.truth.outstanding.append(requirement)

    def _record(
        self,
        at: int,
        event: type[FieldEvent],
        *,
        own: int | None = None,
        sent: bool = True,
        **fields: Any,  # noqa: ANN401
    ) -> Record:
        common: dict[str, Any] = {
            "case_id": self.truth.case_id,
            "encounter_id": self.encounter_id,
            "occurred_at": self._local(at if own is None else own),
            "label": "CUI_LES",
        }
        record = Record(at, self.office.id, self.draw.id(at), event(**common | fields), sent)
        self.steps.append(record)
        return record

    def _local(self, at: int) -> datetime:
        """Give an instant as the office's own clock shows it, summer time and all."""
        return to_datetime(at).astimezone(ZoneInfo(self.office.zone))
