"""What anybody may ask of a PostgreSQL ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from uuid import UUID

from muster_hq.case_files import AsideCase, CaseHistory
from muster_hq.entries import Counts, FindingRow, Heartbeat, QuarantinedRecord, StreamState
from muster_hq.facts import Fact
from muster_hq.ledger.clocks import STREAM_CLOCKS, intake_clocks
from muster_hq.ledger.evidence import unpack_evidence
from muster_hq.ledger.postgres.cases import facts_of, number_of
from muster_hq.ledger.postgres.database import Database
from muster_hq.ledger.postgres.directives import ORDER, RECORD, count_waiting, order_of, record_of
from muster_hq.ledger.postgres.rolls import read_calls, read_rolls
from muster_hq.ledger.postgres.stored_ids import name_of, text_of
from muster_hq.ledger.postgres.words import Texts
from muster_hq.orders import Order
from muster_hq.roll import Roll
from muster_hq.verdicts import NEVER, Obligation, Verdict

_VERDICTS = """
    select c.case_id, c.case_text, o.name, encounter_id, r.name, occurrence, k.name, at, due_at, received_at, p.name,
      evidence
    from verdicts v join cases c using (case_no)
    join names o on o.kind = 'office' and o.no = office_no
    join names r on r.kind = 'requirement' and r.no = requirement_no
    join names k on k.kind = 'verdict' and k.no = verdict_no
    join names p on p.kind = 'policy' and p.no = policy_no """
_AS_AUDITED = """
    order by coalesce(c.case_id::text, c.case_text) collate "C", o.name collate "C", id_text(encounter_id) collate "C",
      r.name collate "C", occurrence, at, k.name collate "C" """
_OF_CASE = """
    where v.case_no = %s order by at, o.name collate "C", r.name collate "C", id_text(encounter_id) collate "C",
      occurrence, k.name collate "C" """
_OBLIGATIONS = """
    select c.case_id, c.case_text, id_text(f.encounter_id), requirement_no, occurrence, policy_no, due_at,
      ascii(state_no::text), next_at, clock_no, f.received_at, opening_stream_no, opening_offset, event_id, shape_no,
      own_at
    from {among} o join cases c using (case_no)
    join facts f on f.case_no = o.case_no and f.stream_no = opening_stream_no and f."offset" = opening_offset """
_OUTSTANDING = """
    where next_at is null and due_at >= %s
    order by due_at, coalesce(c.case_id::text, c.case_text) collate "C", requirement_no, occurrence"""
# No index is in this order: one walk over all obligations, of which PostgreSQL keeps as many as are asked for.
_STILL_OPEN = """(
      select * from obligations
      where next_at is not null and due_at <= %s and opening_stream_no in (
        select stream_no from streams join names on kind = 'office' and no = office_no
        where coalesce(name = any(%s::text[]), true))
      order by due_at, case_no, requirement_no, occurrence, opening_stream_no, opening_offset limit %s)"""
_EARLIEST_FIRST = "order by due_at, o.case_no, requirement_no, occurrence, opening_stream_no, opening_offset"
_FIRST_SEEN = """
    select min(received_at), case_id, case_text
    from (select case_no, received_at, shape_no from facts
      union all select case_no, received_at, shape_no from put_away) f join cases using (case_no)
    where shape_no in (select no from names where kind = 'shape' and name like '["EncounterReported",%%')
    group by case_no, case_id, case_text having min(received_at) >= %s and min(received_at) < %s
    order by 1, coalesce(case_id::text, case_text) collate "C" """
# Of no more than so many cases, and all that there is of each. A walk in the index's order for each clock, for the
# number of rows in between decides nothing then: with a plan that holds for any instants, all cases would be read.
_DUE_BETWEEN = """
    select opening_stream_no, requirement_no, next_at
    from (
      select distinct case_no from (select 0 as clock union select office_no from streams) c
      cross join lateral (
        select case_no from obligations where listed and clock_no = clock and next_at between %s and %s
        order by next_at limit %s) o
      limit %s) d
    join obligations using (case_no) where next_at between %s and %s"""
_FINDINGS = """
    select f.kind, office_id, stream_no, at, detail, evidence
    from findings f join names n on n.kind = 'stream' and n.no = stream_no
    order by at, f.kind collate "C", name collate "C", detail collate "C" """
_DIRECTIVES = f'select {ORDER} from directives order by "offset"'  # noqa: S608 - a text of ours
_QUARANTINED = f"""
    select {RECORD} from quarantine join names n on n.kind = 'stream' and n.no = stream_no
    order by name collate "C", "offset" """  # noqa: S608 - the same


class PostgresReader:
    """See LedgerReader. Opened on its own it never writes; what it reads outside a snapshot is the latest."""

    def __init__(self, url: str, *, write: bool = False) -> None:
        self._database = Database(url, write=write)

    def close(self) -> None:
        """Close it."""
        self._database.close()

    def snapshot(self) -> AbstractContextManager[None]:
        """Hold one state of the ledger for all that is read within."""
        return self._database.snapshot()

    def streams(self) -> dict[str, tuple[StreamState, Counts]]:
        """Give where each known stream stands, and what became of its records."""
        select = """select stream_no, next_offset, clock, topic_id, newest_id, applied, duplicate, pulse, quarantined
            from streams"""
        names = self._texts("stream")
        return {names[no]: (StreamState(*rest[:4]), Counts(*rest[4:])) for no, *rest in self._database.fetch(select)}

    def clocks(self) -> dict[str, int]:
        """Give the intake clock of each registered office, and of ALL_OFFICES."""
        return intake_clocks(self._database.fetch(STREAM_CLOCKS), self._texts("office"))

    def next_due(self) -> dict[str, int]:
        """Give, by clock, the earliest instant that waits for it to pass: of a case, or of an office's roll."""
        # One step into the index a clock: asked every second, whatever the number of cases that wait.
        found = self._database.fetch("""
            select clock, past
            from (select 0 as clock union select office_no from streams where office_no is not null) c
            cross join lateral (
              select least((select next_at from obligations where listed and clock_no = clock order by next_at limit 1),
                (select past from due where clock_no = clock order by past limit 1),
                (select past from arrivals where clock_no = clock order by past limit 1)) as past) d
            where past is not null""")
        names = self._database.words.clock_names()
        due = {names[no]: past for no, past in found}
        calls = read_calls(self._database.fetch, self._database.words, heard=False)
        return due | {office: min(past, due.get(office, past)) for office, past in calls.items()}

    def next_call(self) -> dict[str, int]:
        """Give, by office, the instant past which its roll is to be called, what was heard meanwhile included."""
        return read_calls(self._database.fetch, self._database.words, heard=True)

    def verdicts(self) -> Iterator[tuple[str, Verdict]]:
        """Give every verdict with its case_id, in the audit's order."""
        return self._verdicts(_AS_AUDITED)

    def outstanding(self, since: int | None = None) -> Iterator[tuple[str, Obligation]]:
        """Give outstanding obligations with their case_id, oldest due first; due at or after ``since``."""
        return self._obligations(_OUTSTANDING, (since or 0,))

    def still_open(
        self, limit: int, by: int | None = None, offices: Collection[str] | None = None
    ) -> Iterator[tuple[str, Obligation]]:
        """Give the first obligations that are open or undetermined with their case_id, earliest due first."""
        bindings = (NEVER if by is None else by, None if offices is None else [*offices], limit)
        return self._obligations(_EARLIEST_FIRST, bindings, among=_STILL_OPEN)

    def case(self, case_id: str) -> CaseHistory | None:
        """Give all of one case; None for one that was never heard of."""
        with self._database.cursor() as cursor:
            case_no = number_of(cursor, case_id)
            if case_no is None:
                return None
            facts = facts_of(cursor, self._database.words, case_no)
        verdicts = [verdict for _, verdict in self._verdicts(_OF_CASE, (case_no,))]
        obligations = [obligation for _, obligation in self._obligations("where c.case_no = %s", (case_no,))]
        obligations.sort(key=lambda o: (o.due_at, o.requirement, o.office_id, o.encounter_id, o.occurrence))
        return CaseHistory(case_id, facts, verdicts, obligations)

    def cases_first_seen(self, start: int, end: int) -> Iterator[tuple[int, str]]:
        """Give (received_at, case_id), sorted, of cases whose first EncounterReported came in that time."""
        return ((at, name_of(*case)) for at, *case in self._database.stream(_FIRST_SEEN, (start, end)))

    def declined_counts(self) -> Mapping[tuple[str, str], int]:
        """Count the transfers that were declined by (office, jurisdiction)."""
        offices = self._texts("office")
        select = "select office_no, jurisdiction, sum(n)::bigint from declined group by 1, 2"
        return {(offices[no], jurisdiction): n for no, jurisdiction, n in self._database.fetch(select)}

    def verdict_counts(self) -> Mapping[tuple[str, str, str], int]:
        """Count verdicts by (office, requirement, verdict)."""
        return self._tally("verdict_tally", "verdict")

    def obligation_counts(self) -> Mapping[tuple[str, str, str], int]:
        """Count unsettled obligations by (office, requirement, state)."""
        return self._tally("obligation_tally", "state")

    def oldest_outstanding(self) -> Mapping[str, int]:
        """Give, by office, the due time of its oldest outstanding obligation."""
        # One step into the index a stream: a scrape must not cost more when more is outstanding.
        found = self._database.fetch("""
            select office_no, min(due_at) from streams cross join lateral (
              select due_at from obligations where opening_stream_no = stream_no and next_at is null
              order by due_at limit 1) o
            where office_no is not null group by office_no""")
        offices = self._texts("office")
        return {offices[no]: due_at for no, due_at in found}

    def due_between(self, start: int, end: int, limit: int) -> list[tuple[str, str, int]]:
        """Give (office, requirement, instant) of obligations that are due, or whose excuse ends, from start to end."""
        streams, requirements = self._database.words.streams, self._texts("requirement")
        found = self._database.fetch(_DUE_BETWEEN, (start, end, limit, limit, start, end))
        return [(streams[stream_no][1], requirements[requirement_no], at) for stream_no, requirement_no, at in found]

    def cases_aside(self) -> list[AsideCase]:
        """Give the cases that could not be judged, the oldest first."""
        select = """
            select case_id, case_text, reason, at, tries from set_aside join cases using (case_no)
            order by at, coalesce(case_id::text, case_text) collate "C" """
        return [AsideCase(name_of(case_id, text), *rest) for case_id, text, *rest in self._database.fetch(select)]

    def findings(self) -> list[FindingRow]:
        """Give every finding, in order of ``at``, kind, stream and detail."""
        streams = self._texts("stream")
        return [
            FindingRow(kind, office, streams[no], at, detail, unpack_evidence(evidence, self._texts("stream")))
            for kind, office, no, at, detail, evidence in self._database.fetch(_FINDINGS)
        ]

    def finding_counts(self) -> Mapping[str, int]:
        """Count findings by kind."""
        return dict(self._database.fetch("select kind, sum(n)::bigint from finding_tally group by kind"))

    def quarantined(self) -> Iterator[QuarantinedRecord]:
        """Give every quarantined record, by stream and offset."""
        for row in self._database.stream(_QUARANTINED):
            yield record_of(row, self._database.words)

    def quarantine_counts(self) -> Mapping[str, int]:
        """Count quarantined records by reason."""
        return dict(self._database.fetch("select reason, sum(n)::bigint from quarantine_tally group by reason"))

    def quarantine_waiting(self) -> Mapping[str, int]:
        """Count the quarantined records of offices' streams that wait for a directive, by office."""
        return count_waiting(self._database.fetch, self._database.words)

    def directives(self) -> Iterator[Order]:
        """Give every directive, as they stand in the log."""
        return map(order_of, self._database.stream(_DIRECTIVES))

    def rolls(self) -> Mapping[str, Roll]:
        """Give the roll of each office, as of its last call."""
        return read_rolls(self._database.fetch, self._database.words)

    def heartbeats(self) -> Mapping[str, Heartbeat]:
        """Give the latest heartbeat of each office."""
        offices = self._texts("office")
        select = """select office_no, received_at, epoch, last_encounter_sequence, last_incident_sequence, pending
            from heartbeats"""
        return {
            (office := offices[no]): Heartbeat(office, received_at, UUID(bytes=epoch), *numbers)
            for no, received_at, epoch, *numbers in self._database.fetch(select)
        }

    def delays(self) -> tuple[Mapping[float, int], float]:
        """Give the histogram of transmission delays: counts by upper bound in seconds, and their sum."""
        found = dict(self._database.fetch("select bound, sum(n) from delays group by bound"))
        total = found.pop(-1.0, 0.0)
        return {bound: int(n) for bound, n in found.items()}, total

    def _verdicts(self, those: str, bindings: tuple[object, ...] = ()) -> Iterator[tuple[str, Verdict]]:
        for case_id, text, office, encounter, *row, evidence in self._database.stream(_VERDICTS + those, bindings):
            behind = unpack_evidence(evidence, self._texts("stream"))
            yield name_of(case_id, text), Verdict._make((office, text_of(encounter), *row, behind))

    def _obligations(
        self, those: str, bindings: tuple[object, ...], among: str = "obligations"
    ) -> Iterator[tuple[str, Obligation]]:
        words = self._database.words
        clocks = words.clock_names()
        select = _OBLIGATIONS.format(among=among) + those
        requirements, policies, states = self._texts("requirement"), self._texts("policy"), self._texts("state")
        for case_id, text, encounter, requirement, *row in self._database.stream(select, bindings):
            occurrence, policy, due_at, state, next_at, clock_no, at, stream_no, offset, event_id, shape, own_at = row
            stream, office = words.streams[stream_no]
            opening = Fact(at, stream, offset, office, event_id, words.shapes[shape], encounter, own_at, None)
            names = (requirements[requirement], occurrence, policies[policy], due_at, states[state])
            yield name_of(case_id, text), Obligation(office, encounter, *names, next_at, clocks[clock_no], opening)

    def _texts(self, kind: str) -> Texts:
        return self._database.words.text(kind)

    def _tally(self, table: str, kind: str) -> Mapping[tuple[str, str, str], int]:
        offices, requirements, kinds = self._texts("office"), self._texts("requirement"), self._texts(kind)
        found = self._database.fetch(
            f"select office_no, requirement_no, {kind}_no, sum(n)::bigint from {table} group by 1, 2, 3"  # noqa: S608 - names of ours
        )
        return {(offices[a], requirements[b], kinds[c]): n for a, b, c, n in found if n}
