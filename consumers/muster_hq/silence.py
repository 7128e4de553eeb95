"""When an office was heard, and since when it is silent: the roll call's ear (docs/findings.md). Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from operator import itemgetter

from muster_contract.times import format_instant
from muster_contract.topics import encounters
from muster_hq.entries import FindingRow
from muster_hq.heard import HeardRows, Kind, each, last_of
from muster_hq.policies import Policies
from muster_hq.policy import Policy
from muster_hq.roll import Roll
from muster_hq.verdicts import Evidence, Outage


class Ear:
    """Hears an office: brings its roll up to date, and gathers what is found."""

    def __init__(self, office: str, roll: Roll, policies: Policies, outages: Sequence[Outage], clock: int) -> None:
        self._office = office
        self._roll = roll
        self._policies = policies
        self._outages = outages
        self._waits_off: dict[Policy, list[tuple[int, int]]] = {}
        self._clock = clock
        self.findings: list[FindingRow] = []

    def listen(self, settled: Collection[HeardRows]) -> None:
        """Hear all that was said; in the usual case, all but the last of it changes nothing."""
        spoken = [item for item in settled if item.kind != Kind.UNREAD]
        if self._may_be_silent(spoken):
            for said in each(spoken):
                self._hear(said.place, begun=said.kind == Kind.BEGUN)
        else:
            heard = [last_of(item) for item in spoken if item.kind != Kind.BEGUN]
            begun = [last_of(item) for item in spoken if item.kind == Kind.BEGUN]
            before = self._roll.heard or min(begun, default=None)
            self._roll.heard = max([*heard, before] if before else heard, key=lambda place: place[:3], default=None)
        self._pass_time(self._clock)

    def silence_at(self) -> int | None:
        """Give the instant past which the office is silent, if nothing is heard by then."""
        heard, silent = self._roll.heard, self._roll.silent
        policy = None if heard is None else self._policies.at(heard.received_at)
        if heard is None or policy is None or policy.silent_after is None or silent is not None:
            return None
        return self._waiting_since(heard.received_at, policy, policy.silent_after) + policy.silent_after

    def _waiting_since(self, heard_at: int, policy: Policy, silent_after: int) -> int:
        """Give from when an office is waited for: anew from the end of each outage that comes before it is silent."""
        if policy.outage_after is None:
            return heard_at
        stretches = self._waits_off.get(policy)
        if stretches is None:
            long = [outage[:2] for outage in self._outages if outage.end - outage.start > policy.outage_after]
            stretches = self._waits_off[policy] = _joined(sorted(long), silent_after)
        first = bisect_right(stretches, heard_at, key=itemgetter(1))
        if first == len(stretches) or stretches[first][0] >= heard_at + silent_after:
            return heard_at
        return stretches[first][1]

    def _may_be_silent(self, spoken: Collection[HeardRows]) -> bool:
        shortest = self._policies.shortest_silence
        if shortest is None or not spoken:
            return self._roll.silent is not None
        if self._roll.silent is not None or self._roll.heard is None:
            return True
        return max(last_of(item).received_at for item in spoken) - self._roll.heard.received_at > shortest

    def _hear(self, place: Evidence, *, begun: bool) -> None:
        roll = self._roll
        if begun and roll.heard is not None:
            return
        self._pass_time(place.received_at)
        if roll.silent is not None and roll.heard is not None:
            self._find(f"closed: since {format_instant(roll.heard.received_at)}", place.received_at, place)
            roll.silent = None
        roll.heard = place

    def _pass_time(self, instant: int) -> None:
        at, heard = self.silence_at(), self._roll.heard
        if at is not None and heard is not None and at < instant:
            self._roll.silent = at
            self._find(f"open: since {format_instant(heard.received_at)}", at, heard)

    def _find(self, detail: str, at: int, evidence: Evidence) -> None:
        stream = encounters(self._office)
        self.findings.append(FindingRow("OFFICE_SILENT", self._office, stream, at, detail, (evidence,)))


def _joined(stretches: Iterable[tuple[int, int]], silent_after: int) -> list[tuple[int, int]]:
    """Join outages, in order, where the next begins before the office would be silent after those before it."""
    found: list[tuple[int, int]] = []
    for start, end in stretches:
        if found and start < found[-1][1] + silent_after:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found
