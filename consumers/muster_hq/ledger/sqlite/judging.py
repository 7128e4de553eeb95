"""The judging transaction on SQLite."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import apsw

from muster_contract.topics import parse_stream
from muster_hq.facts import Fact
from muster_hq.ledger.port import CaseChange, CaseFile
from muster_hq.ledger.sqlite.clocks import read_clocks
from muster_hq.ledger.sqlite.database import Words, pack_evidence, rows
from muster_hq.ledger.sqlite.shapes import Shapes
from muster_hq.verdicts import Clocks, Outage, Outages


class SqliteJudging:
    """See JudgingTransaction."""

    def __init__(self, cursor: apsw.Cursor, words: Words, shapes: Shapes) -> None:
        self._cursor = cursor
        self._words = words
        self._shapes = shapes

    def clocks(self) -> dict[str, int]:
        """Give the intake clock of each registered office, and of ALL_OFFICES."""
        return read_clocks(self._cursor, self._words)

    def due_cases(self, clocks: Clocks, limit: int) -> list[CaseFile]:
        """Take up to ``limit`` cases off the list of those that are due by these clocks."""
        taken: dict[int, None] = {}
        for name, clock in clocks.items():
            clock_no = self._words.clock_number(name)
            room = limit - len(taken)
            select = "select past, case_no from due where clock_no = ? and past < ? order by past, case_no limit ?"
            found = rows(self._cursor, select, (clock_no, clock, room))
            if not found:
                continue
            taken.update((case_no, None) for _, case_no in found)
            self._cursor.execute(
                "delete from due where clock_no = ? and (past, case_no) <= (?, ?)", (clock_no, *found[-1])
            )
            if len(taken) >= limit:
                break
        return self._load(sorted(taken)) if taken else []

    def outages(self) -> Outages:
        """Give the stretches without records of each office."""
        found: defaultdict[str, list[Outage]] = defaultdict(list)
        for office_no, start, end in self._cursor.execute("select * from gaps"):
            found[self._words.word(office_no)].append(Outage(start, end))
        return found

    def record(self, changes: Sequence[CaseChange]) -> None:
        """Append new verdicts, and bring the derived tables up to date."""
        self._append_verdicts(changes)
        self._change_obligations(changes)
        clock = self._words.clock_number
        self._cursor.executemany(
            "delete from due where clock_no = ? and past = ? and case_no = ?",
            [(clock(name), past, change.case_no) for change in changes for name, past in change.stale],
        )
        self._cursor.executemany(
            "insert or ignore into due values (?, ?, ?)",
            [(clock(name), past, change.case_no) for change in changes for name, past in change.due],
        )

    def publish(self, records: Iterable[tuple[str, bytes]]) -> None:
        """Queue (topic, value) records for publishing."""
        self._cursor.executemany("insert into outgoing (topic, value) values (?, ?)", records)

    def _load(self, case_numbers: list[int]) -> list[CaseFile]:
        self._cursor.execute("create temp table if not exists batch (case_no integer primary key, case_id text)")
        self._cursor.execute("delete from batch")
        self._cursor.executemany("insert into batch (case_no) values (?)", [(n,) for n in case_numbers])
        case_ids = dict(
            self._cursor.execute("select case_no, c.case_id from batch b cross join cases c using (case_no)")
        )
        facts = self._by_case("select f.* from batch b cross join facts f using (case_no)")
        given = self._by_case(
            "select v.case_no, office_no, encounter_id, requirement_no, occurrence, verdict_no, at"
            " from batch b cross join verdicts v using (case_no)"
        )
        obligations = self._by_case(
            "select o.case_no, office_no, encounter_id, requirement_no, occurrence, policy_no, due_at, state_no,"
            " next_at, clock_no from batch b cross join obligations o using (case_no)"
        )
        word, clock_name = self._words.word, self._words.clock_name
        return [
            CaseFile(
                no,
                case_ids[no],
                self._facts(facts[no]),
                {(word(o), e, word(r), n, word(v), at) for _, o, e, r, n, v, at in given.get(no, ())},
                {
                    (word(o), e, word(r), n, word(p), due, word(s), next_at, clock_name(c))
                    for _, o, e, r, n, p, due, s, next_at, c in obligations.get(no, ())
                },
            )
            for no in case_numbers
        ]

    def _by_case(self, select: str) -> dict[int, list[tuple[Any, ...]]]:
        # The cross join walks the batch in order of case_no, so the rows of a case come together.
        return {no: list(group) for no, group in groupby(self._cursor.execute(select), key=itemgetter(0))}

    def _facts(self, found: list[tuple[Any, ...]]) -> list[Fact]:
        word, shape = self._words.word, self._shapes.shape
        facts = []
        for _, received_at, stream_no, offset, event_id, shape_no, encounter_id, own_at, names in found:
            stream = word(stream_no)
            office = parse_stream(stream).office  # type: ignore[union-attr]  # facts stand on streams of offices
            facts.append(
                Fact(received_at, stream, offset, office, event_id, shape(shape_no), encounter_id, own_at, names)  # type: ignore[arg-type]  # the same
            )
        facts.sort()  # stream numbers need not stand in the order of stream names
        return facts

    def _append_verdicts(self, changes: Sequence[CaseChange]) -> None:
        number = self._words.number
        appended = []
        tally: Counter[tuple[int, int, int]] = Counter()
        for change in changes:
            for v in change.verdicts:
                office, requirement = number("office", v.office_id), number("requirement", v.requirement)
                kind, policy = number("verdict", v.verdict), number("policy", v.policy)
                key = (change.case_no, office, v.encounter_id, requirement, v.occurrence, kind, v.at)
                appended.append((*key, v.due_at, v.received_at, policy, pack_evidence(v.evidence, self._words)))
                tally[office, requirement, kind] += 1
        self._cursor.executemany("insert into verdicts values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", appended)
        self._count("verdict_tally", tally)

    def _change_obligations(self, changes: Sequence[CaseChange]) -> None:
        number = self._words.number
        closed, opened = [], []
        tally: Counter[tuple[int, int, int]] = Counter()
        for change in changes:
            for row in change.closed:
                office, requirement = number("office", row[0]), number("requirement", row[2])
                closed.append((change.case_no, office, row[1], requirement, row[3]))
                tally[office, requirement, number("state", row[6])] -= 1
            for o in change.opened:
                office, requirement = number("office", o.office_id), number("requirement", o.requirement)
                state, policy = number("state", o.state), number("policy", o.policy)
                opening = (o.opening.received_at, number("stream", o.opening.stream), o.opening.offset)
                clock = self._words.clock_number(o.clock)
                key = (change.case_no, office, o.encounter_id, requirement, o.occurrence)
                opened.append((*key, policy, o.due_at, state, o.next_at, clock, *opening))
                tally[office, requirement, state] += 1
        self._cursor.executemany(
            "delete from obligations where case_no = ? and office_no = ? and encounter_id = ?"
            " and requirement_no = ? and occurrence = ?",
            closed,
        )
        self._cursor.executemany("insert into obligations values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", opened)
        self._count("obligation_tally", tally)

    def _count(self, table: str, tally: Counter[tuple[int, int, int]]) -> None:
        self._cursor.executemany(
            f"insert into {table} values (?, ?, ?, ?) on conflict do update set n = n + excluded.n",  # noqa: S608 - two names of ours
            [(*key, n) for key, n in tally.items() if n],
        )
