"""What anybody may ask of a SQLite ledger."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from muster_hq.case_files import AsideCase, CaseHistory
from muster_hq.entries import Counts, FindingRow, Heartbeat, QuarantinedRecord, StreamState
from muster_hq.facts import Fact
from muster_hq.ledger.clocks import STREAM_CLOCKS, intake_clocks
from muster_hq.ledger.evidence import unpack_evidence
from muster_hq.ledger.ids import pack_one, unpack
from muster_hq.ledger.sqlite.database import Database, rows
from muster_hq.ledger.sqlite.directives import all_orders, count_waiting, record_of
from muster_hq.ledger.sqlite.judging import facts_of_case
from muster_hq.ledger.sqlite.rolls import read_calls, read_rolls
from muster_hq.orders import Order
from muster_hq.roll import Roll
from muster_hq.verdicts import NEVER, Obligation, Verdict

_IN_ORDER_OF_AT = "where c.case_id = ? order by at, o.name, r.name, id_text(encounter_id), occurrence, k.name"
# No index is in this order: one walk over all obligations, of which SQLite keeps as many as are asked for.
_STILL_OPEN = """(
      select * from obligations
      where next_at is not null and due_at <= ?1 and office_no in (
        select no from names where kind = 'office' and (?2 is null or name in (select value from json_each(?2))))
      order by due_at, case_no, requirement_no, occurrence, opening_stream_no, opening_offset limit ?3)"""


class SqliteReader:
    """See LedgerReader. Opened on its own it never writes, and may be used beside the writer."""

    def __init__(self, path: Path, *, write: bool = False) -> None:
        self._database = Database(path, write=write)

    def close(self) -> None:
        """Close it."""
        self._database.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Hold one state of the ledger for all that is read within."""
        with self._database.reading() as cursor:
            cursor.execute("begin")
        try:
            yield
        finally:
            self._database.connection.execute("commit")

    def streams(self) -> dict[str, tuple[StreamState, Counts]]:
        """Give where each known stream stands, and what became of its records."""
        select = """select stream_no, next_offset, clock, topic_id, newest_id, applied, duplicate, pulse, quarantined
            from streams"""
        return {self._word(no): (StreamState(*rest[:4]), Counts(*rest[4:])) for no, *rest in self._rows(select)}

    def clocks(self) -> dict[str, int]:
        """Give the intake clock of each registered office, and of ALL_OFFICES."""
        with self._database.reading() as cursor:
            return intake_clocks(cursor.execute(STREAM_CLOCKS), self._database.words.text)

    def next_due(self) -> dict[str, int]:
        """Give, by clock, the earliest instant that waits for it to pass: of a case, or of an office's roll."""
        # One step into the index a clock: asked every second, whatever the number of cases that wait.
        found = self._rows("""
            select clock_no, (select min(past) from due d where d.clock_no = c.clock_no) as past
            from (select 0 as clock_no union select office_no from streams where office_no is not null) c
            where past is not null""")
        due = {self._word(no): past for no, past in found}
        with self._database.reading() as cursor:
            calls = read_calls(cursor, self._database.words, heard=False)
        return due | {office: min(past, due.get(office, past)) for office, past in calls.items()}

    def next_call(self) -> dict[str, int]:
        """Give, by office, the instant past which its roll is to be called, what was heard meanwhile included."""
        with self._database.reading() as cursor:
            return read_calls(cursor, self._database.words, heard=True)

    def verdicts(self) -> Iterator[tuple[str, Verdict]]:
        """Give every verdict with its case_id, in the audit's order."""
        return self._verdicts(
            "order by id_text(c.case_id), o.name, id_text(encounter_id), r.name, occurrence, at, k.name"
        )

    def outstanding(self, since: int | None = None) -> Iterator[tuple[str, Obligation]]:
        """Give outstanding obligations with their case_id, oldest due first; due at or after ``since``."""
        those = (
            "where o.next_at is null and due_at >= ? order by due_at, id_text(c.case_id), requirement_no, occurrence"
        )
        return self._obligations(those, (since or 0,))

    def still_open(
        self, limit: int, by: int | None = None, offices: Collection[str] | None = None
    ) -> Iterator[tuple[str, Obligation]]:
        """Give the first obligations that are open or undetermined with their case_id, earliest due first."""
        those = "order by due_at, o.case_no, requirement_no, occurrence, opening_stream_no, opening_offset"
        chosen = None if offices is None else json.dumps([*offices])
        return self._obligations(those, (NEVER if by is None else by, chosen, limit), among=_STILL_OPEN)

    def case(self, case_id: str) -> CaseHistory | None:
        """Give all of one case; None for one that was never heard of."""
        stored = pack_one(case_id)
        with self._database.reading() as cursor:
            case_no = cursor.execute("select case_no from cases where case_id = ?", (stored,)).get
            if case_no is None:
                return None
            facts = facts_of_case(cursor, self._database.words, case_no)
        verdicts = self._verdicts(_IN_ORDER_OF_AT, (stored,))
        obligations = [obligation for _, obligation in self._obligations("where c.case_id = ?", (stored,))]
        obligations.sort(key=lambda o: (o.due_at, o.requirement, o.office_id, o.encounter_id, o.occurrence))
        return CaseHistory(case_id, facts, [verdict for _, verdict in verdicts], obligations)

    def cases_first_seen(self, start: int, end: int) -> Iterator[tuple[int, str]]:
        """Give (received_at, case_id), sorted, of cases whose first EncounterReported came in that time."""
        select = """
            select first_at, id_text(case_id) from cases join (
              select case_no, min(received_at) as first_at
              from (select case_no, received_at, shape_no from facts
                union all select case_no, received_at, shape_no from put_away)
              where shape_no in (select no from names where kind = 'shape' and name like '["EncounterReported",%')
              group by case_no having first_at >= ? and first_at < ?
            ) using (case_no) order by 1, 2"""
        with self._database.reading() as cursor:
            yield from cursor.execute(select, (start, end))

    def declined_counts(self) -> Mapping[tuple[str, str], int]:
        """Count the transfers that were declined by (office, jurisdiction)."""
        found = self._rows("select office_no, jurisdiction, n from declined")
        return {(self._word(office_no), jurisdiction): n for office_no, jurisdiction, n in found}

    def verdict_counts(self) -> Mapping[tuple[str, str, str], int]:
        """Count verdicts by (office, requirement, verdict)."""
        return self._tally("select office_no, requirement_no, verdict_no, n from verdict_tally")

    def obligation_counts(self) -> Mapping[tuple[str, str, str], int]:
        """Count unsettled obligations by (office, requirement, state)."""
        return self._tally("select office_no, requirement_no, state_no, n from obligation_tally")

    def oldest_outstanding(self) -> Mapping[str, int]:
        """Give, by office, the due time of its oldest outstanding obligation."""
        # One step into the index an office: a scrape must not cost more when more is outstanding.
        select = """
            select office_no,
              (select min(due_at) from obligations o where o.office_no = s.office_no and next_at is null) as oldest
            from (select distinct office_no from streams where office_no is not null) s where oldest is not null"""
        return {self._word(no): due_at for no, due_at in self._rows(select)}

    def due_between(self, start: int, end: int, limit: int) -> list[tuple[str, str, int]]:
        """Give (office, requirement, instant) of obligations that are due, or whose excuse ends, from start to end."""
        # A case stands in due with the first instant of all its obligations: its others may lie in between as well.
        select = """
            select office_no, requirement_no, next_at
            from (
              select distinct case_no from due
              where clock_no in (select 0 union select office_no from streams) and past between ?1 and ?2 limit ?3) d
            cross join obligations o on o.case_no = d.case_no and next_at between ?1 and ?2"""
        found = self._rows(select, (start, end, limit))
        return [(self._word(office), self._word(requirement), at) for office, requirement, at in found]

    def cases_aside(self) -> list[AsideCase]:
        """Give the cases that could not be judged, the oldest first."""
        select = """
            select id_text(case_id), reason, at, tries from set_aside join cases using (case_no)
            order by at, id_text(case_id)"""
        return [AsideCase._make(row) for row in self._rows(select)]

    def findings(self) -> list[FindingRow]:
        """Give every finding, in order of ``at``, kind, stream and detail."""
        select = """select findings.kind, office_id, stream_no, at, detail, evidence
            from findings join names on no = stream_no order by at, findings.kind, name, detail"""
        return [
            FindingRow(kind, office, self._word(no), at, detail, unpack_evidence(evidence, self._database.words.text))
            for kind, office, no, at, detail, evidence in self._rows(select)
        ]

    def finding_counts(self) -> Mapping[str, int]:
        """Count findings by kind."""
        return dict(self._rows("select kind, n from finding_tally"))

    def quarantined(self) -> Iterator[QuarantinedRecord]:
        """Give every quarantined record, by stream and offset."""
        select = 'select q.* from quarantine q join names on no = stream_no order by name, "offset"'
        for row in self._rows(select):
            yield record_of(row, self._database.words)

    def quarantine_counts(self) -> Mapping[str, int]:
        """Count quarantined records by reason."""
        return dict(self._rows("select reason, n from quarantine_tally"))

    def quarantine_waiting(self) -> Mapping[str, int]:
        """Count the quarantined records of offices' streams that wait for a directive, by office."""
        with self._database.reading() as cursor:
            return count_waiting(cursor, self._database.words)

    def directives(self) -> Iterator[Order]:
        """Give every directive, as they stand in the log."""
        with self._database.reading() as cursor:
            yield from all_orders(cursor)

    def rolls(self) -> Mapping[str, Roll]:
        """Give the roll of each office, as of its last call."""
        with self._database.reading() as cursor:
            return read_rolls(cursor, self._database.words)

    def heartbeats(self) -> Mapping[str, Heartbeat]:
        """Give the latest heartbeat of each office."""
        found = self._rows("select * from heartbeats")
        return {
            (office := self._word(no)): Heartbeat(office, received_at, UUID(bytes=epoch), *numbers)
            for no, received_at, epoch, *numbers in found
        }

    def delays(self) -> tuple[Mapping[float, int], float]:
        """Give the histogram of transmission delays: counts by upper bound in seconds, and their sum."""
        found = dict(self._rows("select bound, n from delays"))
        total = found.pop(-1.0, 0.0)
        return found, total

    def _verdicts(self, those: str, bindings: tuple[object, ...] = ()) -> Iterator[tuple[str, Verdict]]:
        select = f"""
            select c.case_id, o.name, encounter_id, r.name, occurrence, k.name, at, due_at, received_at,
              p.name, evidence
            from verdicts v join cases c using (case_no) join names o on o.no = office_no
            join names r on r.no = requirement_no join names k on k.no = verdict_no join names p on p.no = policy_no
            {those}"""  # noqa: S608 - a clause of ours
        with self._database.reading() as cursor:
            for case_id, office, encounter, *row, evidence in cursor.execute(select, bindings):
                behind = unpack_evidence(evidence, self._database.words.text)
                yield unpack(case_id), Verdict._make((office, unpack(encounter), *row, behind))

    def _obligations(
        self, those: str, bindings: tuple[object, ...], among: str = "obligations"
    ) -> Iterator[tuple[str, Obligation]]:
        select = f"""
            select id_text(c.case_id), o.office_no, id_text(f.encounter_id), requirement_no, occurrence, policy_no,
              due_at, state_no, next_at, clock_no, opening_at, opening_stream_no, opening_offset, event_id, shape_no,
              own_at
            from {among} o join cases c using (case_no)
            join facts f on f.case_no = o.case_no and f.received_at = opening_at
              and f.stream_no = opening_stream_no and f."offset" = opening_offset
            {those}"""  # noqa: S608 - a clause of ours
        with self._database.reading() as cursor:
            for case_id, office_no, encounter, requirement_no, *row in cursor.execute(select, bindings):
                occurrence, policy_no, due_at, state_no, next_at, clock_no, at, stream_no, offset, *event = row
                event_id, shape_no, own_at = event
                office, shape = self._word(office_no), self._database.words.shapes[shape_no]
                opening = Fact(at, self._word(stream_no), offset, office, event_id, shape, encounter, own_at, None)
                names = (self._word(requirement_no), occurrence, self._word(policy_no), due_at, self._word(state_no))
                yield case_id, Obligation(office, encounter, *names, next_at, self._word(clock_no), opening)

    def _rows(self, select: str, bindings: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        with self._database.reading() as cursor:
            return rows(cursor, select, bindings)

    def _word(self, number: int) -> str:
        return self._database.words.text[number]

    def _tally(self, select: str) -> Mapping[tuple[str, str, str], int]:
        return {(self._word(a), self._word(b), self._word(c)): n for a, b, c, n in self._rows(select) if n}
