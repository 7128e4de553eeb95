"""What judging says: verdicts, and the obligations that are not settled yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha1
from typing import NamedTuple
from uuid import UUID

from muster_contract.topics import DIRECTIVES
from muster_hq.facts import Fact
from muster_hq.lodgings import Lodging
from muster_hq.orders import Order

ALL_OFFICES = ""
"""The name of the clock over all offices, beside one named after each office."""

NEVER = 1 << 62
"""The instant of what has not come, and of an excuse that nobody has ended yet."""

VERDICT_SPACE = UUID("6f0f6a86-5b0c-5f0e-9d0a-6d7573746572")
"""The namespace of verdict and finding ids (UUIDv5)."""

KINDS = (
    "ON_TIME",
    "LATE",
    "MISSED",
    "UNDETERMINED",
    "EXCUSED",
    "WAIVED",
    "CLEARED",
    "VOIDED",
    "ENDED",
    "RETRACTED",
    "ORPHANED",
)


REMINDED = "DUE_SOON"
"""The state of an obligation that is open, and of which its office has been reminded (policy: remind_before)."""


class Evidence(NamedTuple):
    """A record behind a verdict or a finding: where it stands in the log, when it arrived, and its id."""

    received_at: int
    stream: str
    offset: int
    event_id: bytes | None


def evidence_of(fact: Fact) -> Evidence:
    """Point at the record that a fact came from."""
    return Evidence(fact.received_at, fact.stream, fact.offset, fact.event_id)


def evidence_of_order(order: Order) -> Evidence:
    """Point at a directive's record."""
    return Evidence(order.received_at, DIRECTIVES, order.offset, order.event_id)


class Verdict(NamedTuple):
    """An appended, never edited, judgement on one obligation of a case. Instants are UTC milliseconds.

    ``received_at`` is the deciding fact's; ``evidence`` is in fact order.
    """

    office_id: str
    encounter_id: str
    requirement: str
    occurrence: int
    verdict: str
    at: int
    due_at: int
    received_at: int | None
    policy: str
    evidence: tuple[Evidence, ...]


VerdictKey = tuple[str, str, str, int, str, int]
"""The first six values of a Verdict: what makes a verdict of a case the same one."""


class Obligation(NamedTuple):
    """An obligation that is open, undetermined or outstanding. Instants are UTC milliseconds.

    ``next_at`` is the instant past which time alone changes it; None for an outstanding one, and NEVER for one that
    waits for a directive.
    ``clock`` names the intake clock that counts: an office's, or ALL_OFFICES.
    """

    office_id: str
    encounter_id: str
    requirement: str
    occurrence: int
    policy: str
    due_at: int
    state: str
    next_at: int | None
    clock: str
    opening: Fact


class Astray(NamedTuple):
    """A verdict that a report decided which went by another channel than its requirement asks for."""

    verdict: Verdict
    report: Fact
    channel: str


class Handed(NamedTuple):
    """What another office is told of an obligation, since the case was moved there."""

    office_id: str
    said: Verdict | Obligation


class Mismatch(NamedTuple):
    """A report of whose reference another text lies at headquarters, since ``at`` (UTC milliseconds)."""

    report: Fact
    lodging: Lodging
    at: int


class Judgement(NamedTuple):
    """All that can be said of a case up to the clocks.

    ``waits`` are (clock, instant) pairs past which the case is due again though no obligation says so:
    reports whose encounter has not come.
    """

    verdicts: list[Verdict]
    obligations: list[Obligation]
    waits: list[tuple[str, int]]
    astray: Sequence[Astray] = ()
    handed: Sequence[Handed] = ()
    mismatched: Sequence[Mismatch] = ()


class Outage(NamedTuple):
    """A stretch without records on a stream of an office, both ends records (UTC milliseconds).

    ``unread`` for one that a quarantined record is, which counts whatever its length, to a directive or to NEVER.
    """

    start: int
    end: int
    unread: bool = False


def open_by_office(counts: Mapping[tuple[str, str, str], int]) -> Counter[str]:
    """Sum a ledger's counts by (office, requirement, state) to what is open or undetermined, by office."""
    found: Counter[str] = Counter()
    for (office, _, state), n in counts.items():
        if state != "OUTSTANDING":
            found[office] += n
    return found


Stretches = Mapping[str, list[Outage]]
Clocks = Mapping[str, int]


def verdict_id(case_id: str, verdict: Verdict) -> bytes:
    """Give the id of a verdict: a UUIDv5 of obligation, verdict and instant, the same on every replay."""
    office_id, encounter_id, requirement, occurrence, kind, at, *_ = verdict
    return id_of(f"{case_id}/{office_id}/{encounter_id}/{requirement}/{occurrence}/{kind}/{at}")


def id_of(name: str) -> bytes:
    """Give the 16 bytes of a name's UUIDv5 (RFC 9562, 5.5) in our namespace; ``uuid.uuid5`` takes thrice as long."""
    digest = bytearray(sha1(VERDICT_SPACE.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return bytes(digest)
