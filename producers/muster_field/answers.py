"""What headquarters answers an office, as the office keeps it: receipts by number, obligations by what is due. Pure."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from muster_contract.codec import Undecodable, decode

_KINDS = {"encounters", "incidents"}
_SETTLING = frozenset({"ON_TIME", "LATE", "EXCUSED", "WAIVED", "CLEARED", "VOIDED", "ENDED"})


class Received(NamedTuple):
    """Headquarters has these numbers of an epoch and stream; ``refused`` names the reason when it applied none."""

    kind: str
    epoch: bytes
    first: int
    last: int
    at: int
    refused: str | None


class DueState(StrEnum):
    """How far an obligation has come, as headquarters last said."""

    OPEN = "OPEN"
    REMINDED = "REMINDED"
    UNDETERMINED = "UNDETERMINED"
    MISSED = "MISSED"


class Due(NamedTuple):
    """An obligation of this office. ``state`` None: it is settled, and due no more. Instants are UTC milliseconds.

    ``moved_from`` is the office that it was opened by, when headquarters moved the case here.
    """

    case_id: str
    encounter_id: str
    requirement: str
    occurrence: int
    due_at: int
    policy: str
    state: DueState | None
    moved_from: str = ""


Answer = Received | Due


class Refused(NamedTuple):
    """A number that headquarters could not apply, and why."""

    kind: str
    epoch: bytes
    sequence: int
    reason: str
    at: int


class InboxState(NamedTuple):
    """What the answers come to. ``received`` counts an epoch's numbers that headquarters has, by kind of stream."""

    received: dict[str, int]
    refused: list[Refused]
    next_offset: int
    answered_at: int | None


NOT_ANSWERED = InboxState({}, [], 0, None)
"""What there is before the first answer."""


def is_overdue(due: Due, now: int) -> bool:
    """Tell whether its time is over: by headquarters' word, or by this office's clock (UTC milliseconds)."""
    return due.due_at < now or due.state in {DueState.MISSED, DueState.UNDETERMINED}


def read_answer(value: bytes | None, office: str) -> Answer | None:
    """Read a record of the receipts topic; None for one that says nothing to keep, Undecodable for one of no use.

    A receipt without a number says only that a record could not be read at all, and a verdict on an orphan
    report is no obligation: both stand on the topic for whoever looks there.
    """
    schema, fields = decode(value)
    reader: Callable[[dict[str, Any]], Answer | None] | None = {
        "Receipt": _receipt,
        "Notice": _notice,
        "Verdict": _verdict,
    }.get(schema.name)
    if reader is None:
        raise Undecodable("WRONG_STREAM", f"{schema.name} is no answer")
    answer, whose = reader(fields), fields["office_id"]
    if whose == office:
        return answer
    if schema.name == "Receipt":
        raise Undecodable("WRONG_OFFICE", "the answer is another office's")
    return answer._replace(moved_from=whose) if isinstance(answer, Due) else answer


def _receipt(fields: dict[str, Any]) -> Received | None:
    kind = str(fields["topic"]).rpartition(".")[2]
    first, epoch = fields["sequence"], fields["epoch"]
    if first is None or epoch is None or kind not in _KINDS:
        return None
    through = fields.get("through_sequence")
    refused = fields["reason"] or "UNKNOWN" if fields["outcome"] == "QUARANTINED" else None
    return Received(kind, epoch, first, first if through is None else through, fields["at"], refused)


def _notice(fields: dict[str, Any]) -> Due:
    return _due(fields, DueState.REMINDED if fields["kind"] == "REMINDER" else DueState.OPEN)


def _verdict(fields: dict[str, Any]) -> Due | None:
    """Read a verdict: it settles an obligation, or leaves it due (again)."""
    kind = fields["verdict"]
    if kind == "ORPHANED":
        return None
    if kind in _SETTLING:
        return _due(fields, None)
    states = {"MISSED": DueState.MISSED, "UNDETERMINED": DueState.UNDETERMINED}
    return _due(fields, states.get(kind, DueState.OPEN))


def _due(fields: dict[str, Any], state: DueState | None) -> Due:
    key = fields["case_id"], fields["encounter_id"], fields["requirement"], fields["occurrence"]
    return Due(*key, fields["due_at"], fields["policy"], state)
