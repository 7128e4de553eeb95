"""What headquarters says outside: verdicts and findings as records, and verdicts as rows for people and audits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from muster_contract.codec import encode
from muster_contract.times import format_instant
from muster_contract.topics import MAX_VALUE_BYTES, VERDICTS, receipts
from muster_hq.entries import FindingRow, QuarantinedRecord
from muster_hq.receipts import Receipt
from muster_hq.verdicts import REMINDED, Evidence, Handed, Obligation, Verdict, id_of, verdict_id

_NOTICES = {"OPEN": "OPENED", REMINDED: "REMINDER"}
"""What an office is told of an obligation that has come to a state."""

# A value of a union goes with the name of its branch: the writer need not try the value against each.


def verdict_record(case_id: str, verdict: Verdict) -> bytes:
    """Encode a verdict for ``hq.verdicts``."""
    office_id, encounter_id, requirement, occurrence, kind, at, due_at, received_at, policy, evidence = verdict
    return encode(
        "Verdict",
        {
            "verdict_id": verdict_id(case_id, verdict),
            "case_id": case_id,
            "encounter_id": encounter_id,
            "office_id": office_id,
            "requirement": requirement,
            "occurrence": occurrence,
            "verdict": kind,
            "at": at,
            "due_at": due_at,
            "received_at": None if received_at is None else ("long", received_at),
            "policy": policy,
            "evidence": [_evidence_fields(e) for e in evidence],
        },
    )


def finding_record(finding: FindingRow) -> bytes:
    """Encode a finding for ``hq.verdicts``."""
    name = "/".join((finding.kind, finding.stream, str(finding.at), finding.detail))
    fields = finding._asdict() | {
        "finding_id": id_of(name),
        "evidence": [_evidence_fields(e) for e in finding.evidence],
    }
    return encode("Finding", fields)


def judged_out(
    case_id: str, verdicts: Iterable[Verdict], opened: Iterable[Obligation], handed: Iterable[Handed] = ()
) -> Iterator[tuple[str, bytes]]:
    """Give what is said of a case as (topic, value): its verdicts to all, and to the office what concerns it.

    An office that obligations were moved to is told what is open of them whenever the case is judged.
    """
    for verdict in verdicts:
        value = verdict_record(case_id, verdict)
        yield VERDICTS, value
        yield receipts(verdict.office_id), value
    for obligation in opened:
        kind = _NOTICES.get(obligation.state)
        if kind is not None:
            yield receipts(obligation.office_id), notice_record(kind, case_id, obligation)
    for office, said in handed:
        if isinstance(said, Verdict):
            yield receipts(office), verdict_record(case_id, said)
        elif said.state in _NOTICES:
            yield receipts(office), notice_record(_NOTICES[said.state], case_id, said)


def receipt_record(receipt: Receipt) -> bytes:
    """Encode a receipt for its office's topic."""
    return encode(
        "Receipt",
        {
            "event_id": _uuid(receipt.event_id),
            "office_id": receipt.office_id,
            "epoch": _uuid(receipt.epoch),
            "sequence": receipt.sequence,
            "outcome": receipt.outcome,
            "reason": receipt.reason,
            "at": receipt.at,
            "topic": receipt.stream,
            "offset": receipt.offset,
            "through_sequence": receipt.through,
        },
    )


def notice_record(kind: str, case_id: str, obligation: Obligation) -> bytes:
    """Encode what an office is told of an obligation before it is judged."""
    return encode(
        "Notice",
        {
            "kind": kind,
            "office_id": obligation.office_id,
            "case_id": case_id,
            "encounter_id": obligation.encounter_id,
            "requirement": obligation.requirement,
            "occurrence": obligation.occurrence,
            "policy": obligation.policy,
            "due_at": obligation.due_at,
        },
    )


def quarantined_record(record: QuarantinedRecord) -> bytes:
    """Encode a quarantined record for ``hq.quarantine``: with its bytes, unless a label or their size forbids it."""
    fields = {
        "topic": record.stream,
        "partition": 0,
        "offset": record.offset,
        "appended_at": record.received_at,
        "reason": record.reason,
        "detail": record.detail,
        "size": record.size,
        "sha256": record.sha256,
        "value": record.value if record.size <= MAX_VALUE_BYTES else None,
        "epoch": record.epoch.bytes if record.epoch else None,
        "sequence": record.sequence,
    }
    return encode("Quarantined", fields)


def verdict_row(case_id: str, verdict: Verdict) -> dict[str, Any]:
    """Give a verdict in the audit's form (DESIGN section 8), keys in its order."""
    return {
        "case_id": case_id,
        "encounter_id": verdict.encounter_id,
        "office_id": verdict.office_id,
        "requirement": verdict.requirement,
        "occurrence": verdict.occurrence,
        "verdict": verdict.verdict,
        "at": format_instant(verdict.at),
        "due_at": format_instant(verdict.due_at),
        "received_at": None if verdict.received_at is None else format_instant(verdict.received_at),
        "policy": verdict.policy,
        "evidence": [evidence_row(e) for e in verdict.evidence],
    }


def finding_row(finding: FindingRow) -> dict[str, Any]:
    """Give a finding as the audit prints it."""
    return {
        "kind": finding.kind,
        "office_id": finding.office_id,
        "stream": finding.stream,
        "at": format_instant(finding.at),
        "detail": finding.detail,
        "evidence": [evidence_row(e) for e in finding.evidence],
    }


def evidence_row(evidence: Evidence) -> dict[str, Any]:
    """Give evidence as people read it: where the record stands, and when it arrived."""
    return {
        "topic": evidence.stream,
        "partition": 0,
        "offset": evidence.offset,
        "appended_at": format_instant(evidence.received_at),
        "event_id": str(UUID(bytes=evidence.event_id)) if evidence.event_id else None,
    }


def _evidence_fields(evidence: Evidence) -> dict[str, Any]:
    received_at, stream, offset, event_id = evidence
    return {
        "topic": stream,
        "partition": 0,
        "offset": offset,
        "appended_at": received_at,
        "event_id": _uuid(event_id),
    }


def _uuid(value: bytes | None) -> tuple[str, bytes] | None:
    return None if value is None else ("muster.Uuid", value)
