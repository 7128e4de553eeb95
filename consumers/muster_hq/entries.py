"""What intake enters into the ledger, as plain values that any ledger holds."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from muster_hq.facts import Fact
from muster_hq.lodged import evidence_of_lodging, report_of
from muster_hq.orders import Order
from muster_hq.verdicts import Astray, Evidence, Mismatch, evidence_of

NEVER_READ = 0
"""The clock of a registered stream that was never read: it holds every intake clock that counts it back."""


class StreamState(NamedTuple):
    """Where headquarters stands on a stream. ``clock`` is its stream clock, UTC milliseconds.

    ``newest_id`` is the greatest event_id seen: ids are time-ordered, so a greater one cannot be a duplicate.
    """

    next_offset: int = 0
    clock: int = NEVER_READ
    topic_id: str | None = None
    newest_id: bytes = b""


class Counts(NamedTuple):
    """What became of the records of a stream: every one is exactly one of these four."""

    applied: int = 0
    duplicate: int = 0
    pulse: int = 0
    quarantined: int = 0

    def plus(self, other: Counts) -> Counts:
        """Add two counts."""
        return Counts(*(a + b for a, b in zip(self, other, strict=True)))


class Move(NamedTuple):
    """A compare-and-set of one stream's position: it holds only if the position still is ``start``."""

    stream: str
    start: int
    state: StreamState
    counts: Counts


class NewFact(NamedTuple):
    """A fact to append, with the digest of the record's bytes that tells a duplicate from a conflict."""

    case_id: str
    fact: Fact
    digest: bytes


class Heartbeat(NamedTuple):
    """What an office last said of itself. Instants are UTC milliseconds."""

    office_id: str
    received_at: int
    epoch: UUID
    last_encounter_sequence: int
    last_incident_sequence: int
    pending: int


class QuarantinedRecord(NamedTuple):
    """A record that could not be applied: kept with its bytes, but for those that a label forbids.

    ``ended_at`` is when a directive readmitted or rejected it, which stands at ``ended_by`` of ``hq.directives``;
    None as long as it waits for one.
    """

    stream: str
    offset: int
    received_at: int
    reason: str
    detail: str
    value: bytes | None
    size: int
    sha256: bytes
    epoch: UUID | None
    sequence: int | None
    ended_at: int | None = None
    ended_by: int | None = None


class Settled(NamedTuple):
    """A quarantined record that a directive readmits or rejects: ``fact`` is what comes of it, if anything."""

    record: QuarantinedRecord
    order: Order
    fact: tuple[str, Fact] | None
    filed: tuple[str, bytes] | None = None


class FiledReport(NamedTuple):
    """What a report names, by its case and its fact: kept where a policy asks what truly lies at headquarters."""

    case_id: str
    fact: Fact
    reference: str
    sha256: bytes


class FindingRow(NamedTuple):
    """An appended judgement on transmission itself; ``detail`` holds numbers and codes only."""

    kind: str
    office_id: str
    stream: str
    at: int
    detail: str
    evidence: tuple[Evidence, ...]


def wrong_channel(astray: Astray) -> FindingRow:
    """Word the finding on a report that came by the wrong channel (docs/findings.md)."""
    (office, _, requirement, number, _, at, *_), report, channel = astray
    report = report_of(report)
    detail = f"{requirement} {number} of {office} by {channel}, offset {report.offset}"
    return FindingRow("WRONG_CHANNEL", office, report.stream, at, detail, (evidence_of(report),))


def digest_mismatch(mismatch: Mismatch) -> FindingRow:
    """Word the finding on a report of whose reference another text is lodged (docs/findings.md)."""
    report, lodging, at = mismatch
    detail = f"offset {report.offset}, lodging {lodging.offset}"
    evidence = tuple(sorted([evidence_of(report), evidence_of_lodging(lodging)]))
    return FindingRow("DIGEST_MISMATCH", report.office, report.stream, at, detail, evidence)
