"""The judging transaction on PostgreSQL. A case that is taken up is locked until the transaction ends."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from struct import Struct
from typing import Any

from psycopg import Cursor

from muster_contract.topics import encounters, incidents
from muster_hq.case_files import CaseChange, CaseFile, RollChange, RollFile
from muster_hq.entries import FindingRow
from muster_hq.ledger.clocks import STREAM_CLOCKS, intake_clocks
from muster_hq.ledger.evidence import pack_evidence
from muster_hq.ledger.postgres.binary import NULL, SIZED, byteas, copy, int2s, int4s, int8s, sized
from muster_hq.ledger.postgres.cases import load, lock_due
from muster_hq.ledger.postgres.directives import activations, orders_of, read_unread
from muster_hq.ledger.postgres.folds import any_away, take_back, write_folds
from muster_hq.ledger.postgres.lodgings import claims_of
from muster_hq.ledger.postgres.outgoing import queue
from muster_hq.ledger.postgres.rolls import append_findings, take_due_rolls, write_rolls
from muster_hq.ledger.postgres.stored_ids import stored
from muster_hq.ledger.postgres.words import Words
from muster_hq.lodgings import Claim
from muster_hq.orders import Order
from muster_hq.verdicts import Clocks, Outage, Stretches

_NOT_DUE = """
    delete from due using unnest(%s, %s, %s) as stale(clock, instant, the_case)
    where clock_no = clock and past = instant and case_no = the_case"""
# What an obligation of the case says is not said twice. The select within has each looked up by its key.
_DUE = """
    insert into due (past, case_no, clock_no)
    select instant, the_case, clock from unnest(%s, %s, %s) as new(clock, instant, the_case)
    where (
      select listed from obligations
      where case_no = the_case and clock_no = clock and next_at = instant and listed limit 1) is null"""
_CLOSE = """
    delete from obligations o
    using unnest(%s, %s, %s, %s, %s, %s) as closed(the_case, requirement, number, one, other, encounter), facts f
    where o.case_no = the_case and o.requirement_no = requirement and o.occurrence = number
      and o.opening_stream_no in (one, other) and f.case_no = the_case and f.stream_no = o.opening_stream_no
      and f."offset" = o.opening_offset and f.encounter_id = encounter"""
_COUNT = """
    insert into {table} as t select %s, a, b, c, n from unnest(%s, %s, %s, %s) as new(a, b, c, n)
    on conflict (worker_no, office_no, requirement_no, {kind}) do update set n = t.n + excluded.n"""
_VERDICT = Struct(">hiqiqiiiiihihihih")
_VERDICTS = """verdicts
    (at, due_at, case_no, occurrence, office_no, requirement_no, verdict_no, policy_no, received_at, encounter_id,
    evidence)"""
_OBLIGATION = Struct(">hiqiqiiiiihihihihibi?")
_OBLIGATIONS = """obligations
    (due_at, opening_offset, case_no, occurrence, opening_stream_no, requirement_no, policy_no, clock_no, state_no,
    listed, next_at)"""


class PostgresJudging:
    """See JudgingTransaction."""

    def __init__(self, cursor: Cursor[Any], words: Words, worker_no: int) -> None:
        self._cursor = cursor
        self._words = words
        self._worker_no = worker_no
        self._settled: dict[str, int] | None = None
        self._locked: list[tuple[int, str]] = []

    def clocks(self) -> dict[str, int]:
        """Give the intake clock of each registered office, and of ALL_OFFICES; once cases are taken, as of then."""
        return self._settled or self._read_clocks()

    def due_cases(self, clocks: Clocks, limit: int) -> list[CaseFile]:
        """Take up to ``limit`` cases off the list of those that are due by these clocks.

        Another worker may have judged one of them meanwhile, by its own and later clocks. They are committed by the
        time that its lock is ours: so the clocks are read once more, after the locks and before the facts.
        """
        locked = lock_due(self._cursor, self._words, clocks, limit)
        if not locked:
            return []
        self._locked = locked
        self._settled = self._read_clocks()
        return load(self._cursor, self._words, locked)

    def outages(self) -> Stretches:
        """Give the stretches without records of each office."""
        offices = self._words.text("office")
        found: defaultdict[str, list[Outage]] = defaultdict(list)
        for office_no, start, end in self._fetch('select office_no, start, "end" from gaps order by 1, 2, 3'):
            found[offices[office_no]].append(Outage(start, end))
        return found

    def unread(self) -> Stretches:
        """Give the outages that quarantined records are, of each office."""
        return read_unread(self._cursor, self._words)

    def orders(self, case_numbers: Sequence[int]) -> Mapping[int, list[Order]]:
        """Give the directives that concern these cases, or readmitted a fact of theirs."""
        return orders_of(self._cursor, case_numbers)

    def claims(self, case_numbers: Sequence[int]) -> Mapping[int, list[Claim]]:
        """Give what the reports of these cases name that is lodged."""
        return claims_of(self._cursor, self._words, case_numbers)

    def activations(self) -> list[Order]:
        """Give the directives that put a version of the policy in force."""
        return activations(self._cursor)

    def put_away(self, asked: Iterable[tuple[int, str]]) -> set[int]:
        """Give those cases of these pairs of which a local fact was put away."""
        return any_away(self._cursor, asked)

    def unfold(self, case_numbers: Sequence[int]) -> list[CaseFile]:
        """Take back all that was put away of these cases, and give them whole."""
        take_back(self._cursor, case_numbers)
        return load(self._cursor, self._words, [one for one in self._locked if one[0] in set(case_numbers)])

    def record(self, changes: Sequence[CaseChange]) -> None:
        """Append new verdicts, and bring the derived tables up to date."""
        self._append_verdicts(changes)
        self._change_obligations(changes)
        clocks = self._words.clocks()
        stale = [(clocks[name], past, change.case_no) for change in changes for name, past in change.stale]
        if stale:
            numbers, instants, cases = zip(*stale, strict=True)
            self._cursor.execute(_NOT_DUE, (int2s(numbers), int8s(instants), int4s(cases)))
        due = [(clocks[name], past, change.case_no) for change in changes for name, past in _unsaid(change)]
        if due:
            numbers, instants, cases = zip(*due, strict=True)
            self._cursor.execute(_DUE, (int2s(numbers), int8s(instants), int4s(cases)))
        write_folds(self._cursor, self._words, changes)

    def set_aside(self, case_no: int, reason: str, at: int) -> int:
        """Note that a case could not be judged, and why; give how often in a row that was."""
        upsert = """
            insert into set_aside as s values (%s, %s, %s, 1) on conflict (case_no) do update set
              reason = excluded.reason, at = excluded.at, tries = s.tries + 1 returning tries"""
        ((tries,),) = self._cursor.execute(upsert, (case_no, reason, at)).fetchall()
        return int(tries)

    def aside(self) -> set[int]:
        """Give the numbers of the cases that were set aside."""
        return {case_no for (case_no,) in self._fetch("select case_no from set_aside")}

    def take_back(self, case_numbers: set[int]) -> None:
        """Note that these can be judged again."""
        if case_numbers:
            self._cursor.execute("delete from set_aside where case_no = any(%s)", (int4s(sorted(case_numbers)),))

    def due_rolls(self, clocks: Clocks) -> list[RollFile]:
        """Take up the offices whose roll is due by these clocks, with what was heard up to them, taken off its list."""
        return take_due_rolls(self._cursor, self._fetch, self._words, clocks)

    def record_rolls(self, changes: Sequence[RollChange]) -> None:
        """Keep the rolls of offices, as called."""
        write_rolls(self._cursor, self._words, changes)

    def find(self, findings: Iterable[FindingRow]) -> list[FindingRow]:
        """Append findings, and give those that are new."""
        return append_findings(self._cursor, self._words, self._worker_no, findings)

    def publish(self, records: Iterable[tuple[str, bytes]]) -> None:
        """Queue (topic, value) records for publishing."""
        queue(self._cursor, self._worker_no, records)

    def _read_clocks(self) -> dict[str, int]:
        return intake_clocks(self._fetch(STREAM_CLOCKS), self._words.text("office"))

    def _fetch(self, statement: str) -> list[tuple[Any, ...]]:
        return self._cursor.execute(statement.encode()).fetchall()

    def _append_verdicts(self, changes: Sequence[CaseChange]) -> None:
        offices, requirements = self._words.of("office"), self._words.of("requirement")
        kinds, policies, streams = self._words.of("verdict"), self._words.of("policy"), self._words.of("stream")
        ids = iter(stored([verdict.encounter_id for change in changes for verdict in change.verdicts]))
        rows = []
        tally: Counter[tuple[int, int, int]] = Counter()
        for case_no, verdicts, *_ in changes:
            for office, _, requirement, number, kind, at, due_at, received_at, policy, behind in verdicts:
                office_no, requirement_no, kind_no = offices[office], requirements[requirement], kinds[kind]
                fixed = 11, 8, at, 8, due_at, 4, case_no, 4, number, 2, office_no, 2, requirement_no, 2, kind_no
                received = NULL if received_at is None else SIZED[8] + received_at.to_bytes(8, "big", signed=True)
                encounter, evidence = next(ids), pack_evidence(behind, streams)
                head = _VERDICT.pack(*fixed, 2, policies[policy])
                rows.append(head + received + SIZED[len(encounter)] + encounter + sized(evidence))
                tally[office_no, requirement_no, kind_no] += 1
        copy(self._cursor, _VERDICTS, rows)
        self._count("verdict_tally", "verdict_no", tally)

    def _change_obligations(self, changes: Sequence[CaseChange]) -> None:
        words = self._words
        offices, requirements, streams = words.of("office"), words.of("requirement"), words.of("stream")
        states, policies, clocks = words.of("state"), words.of("policy"), words.clocks()
        tally: Counter[tuple[int, int, int]] = Counter()
        closed_rows, opened_rows = [], []
        for case_no, _, opened, closed, *_ in changes:
            for office, encounter, requirement, number, _, _, state, _, _ in closed:
                requirement_no, pair = (
                    requirements[requirement],
                    (streams[encounters(office)], streams[incidents(office)]),
                )
                closed_rows.append((case_no, requirement_no, number, *pair, encounter))
                tally[offices[office], requirement_no, states[state]] -= 1
            for office, _, requirement, number, policy, due_at, state, next_at, clock, opening in opened:
                requirement_no, state_no = requirements[requirement], states[state]
                fixed = 11, 8, due_at, 8, opening.offset, 4, case_no, 4, number, 2, streams[opening.stream]
                kinds = 2, requirement_no, 2, policies[policy], 2, clocks[clock], 1, state_no
                head = _OBLIGATION.pack(*fixed, *kinds, 1, next_at is not None)
                row = head + (NULL if next_at is None else SIZED[8] + next_at.to_bytes(8, "big", signed=True))
                opened_rows.append((clocks[clock], next_at or 0, row))
                tally[offices[office], requirement_no, state_no] += 1
        if closed_rows:
            cases, numbers, occurrences, ones, others, ids = zip(*closed_rows, strict=True)
            where = int4s(cases), int2s(numbers), int4s(occurrences), int2s(ones), int2s(others), byteas(stored(ids))
            self._cursor.execute(_CLOSE, where)
        opened_rows.sort()  # an index is filled fastest in its own order
        copy(self._cursor, _OBLIGATIONS, [row for _, _, row in opened_rows])
        self._count("obligation_tally", "state_no", tally)

    def _count(self, table: str, kind: str, tally: Counter[tuple[int, int, int]]) -> None:
        rows = [(*key, n) for key, n in sorted(tally.items()) if n]
        if rows:
            one, two, three, numbers = zip(*rows, strict=True)
            counts = int2s(one), int2s(two), int2s(three), int8s(numbers)
            self._cursor.execute(_COUNT.format(table=table, kind=kind).encode(), (self._worker_no, *counts))


def _unsaid(change: CaseChange) -> list[tuple[str, int]]:
    """Give the instants past which a case is due again that none of the obligations opened with them says."""
    said = {(clock, next_at) for _, _, _, _, _, _, _, next_at, clock, _ in change.opened}
    return [pair for pair in change.due if pair not in said]
