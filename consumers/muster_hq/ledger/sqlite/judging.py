"""The judging transaction on SQLite."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import apsw

from muster_contract.topics import parse_stream
from muster_hq.facts import Fact
from muster_hq.ledger.sqlite.clocks import read_clocks
from muster_hq.ledger.sqlite.database import Words, pack_evidence, rows
from muster_hq.ledger.sqlite.shapes import Shapes
from muster_hq.ledger_port import CaseChange, CaseFile
from muster_hq.verdicts import Clocks, Outage, Outages


class SqliteJudging:
    """See JudgingTransaction."""

    def __init__(self, cursor: apsw.Cursor, words: Words, shapes: Shapes) -> None:
        self._cursor = cursor
        self._words = words
        self._shapes = shapes
        self._streams = _Streams(words)

    def clocks(self) -> dict[str, int]:
        """Give the intake clock of each registered office, and of ALL_OFFICES."""
        return read_clocks(self._cursor, self._words)

    def due_cases(self, clocks: Clocks, limit: int) -> list[CaseFile]:
        """Take up to ``limit`` cases off the list of those that are due by these clocks."""
        taken: set[int] = set()
        for name, clock in clocks.items():
            clock_no = self._words.clocks()[name]
            select = "select past, case_no from due where clock_no = ? and past < ? order by past, case_no limit ?"
            found = rows(self._cursor, select, (clock_no, clock, limit - len(taken)))
            if found:
                taken.update([case_no for _, case_no in found])
                taken_off = "delete from due where clock_no = ? and (past, case_no) <= (?, ?)"
                self._cursor.execute(taken_off, (clock_no, *found[-1]))
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
        clocks = self._words.clocks()
        self._cursor.executemany(
            "delete from due where clock_no = ? and past = ? and case_no = ?",
            [(clocks[name], past, change.case_no) for change in changes for name, past in change.stale],
        )
        self._cursor.executemany(
            "insert or ignore into due values (?, ?, ?)",
            [(clocks[name], past, change.case_no) for change in changes for name, past in change.due],
        )

    def publish(self, records: Iterable[tuple[str, bytes]]) -> None:
        """Queue (topic, value) records for publishing."""
        self._cursor.executemany("insert into outgoing (topic, value) values (?, ?)", records)

    def _load(self, case_numbers: list[int]) -> list[CaseFile]:
        """Load cases, in three walks over as many tables; an array of numbers drives each."""
        taken = (apsw.carray(array("q", case_numbers)),)
        select = "select case_no, case_id from cases where case_no in carray(?)"
        cases = {no: CaseFile(no, case_id, [], set(), set()) for no, case_id in self._cursor.execute(select, taken)}
        streams, shapes, word = self._streams, self._shapes.shape, self._words.word
        new_fact = tuple.__new__  # as Fact._make, without its checks
        for no, received_at, stream_no, offset, event_id, shape_no, *rest in self._cursor.execute(
            "select f.* from carray(?) t cross join facts f on f.case_no = t.value", taken
        ):
            stream, office = streams[stream_no]
            fact = new_fact(Fact, (received_at, stream, offset, office, event_id, shapes(shape_no), *rest))
            cases[no].facts.append(fact)
        for no, office, encounter, requirement, number, verdict, at in self._cursor.execute(
            "select v.case_no, office_no, encounter_id, requirement_no, occurrence, verdict_no, at"
            " from carray(?) t cross join verdicts v on v.case_no = t.value",
            taken,
        ):
            cases[no].given.add((word(office), encounter, word(requirement), number, word(verdict), at))
        for no, office, encounter, requirement, number, policy, due_at, state, next_at, clock in self._cursor.execute(
            "select o.case_no, office_no, encounter_id, requirement_no, occurrence, policy_no, due_at, state_no,"
            " next_at, clock_no from carray(?) t cross join obligations o on o.case_no = t.value",
            taken,
        ):
            key = word(office), encounter, word(requirement), number
            cases[no].obligations.add((*key, word(policy), due_at, word(state), next_at, word(clock)))
        for case in cases.values():
            case.facts.sort()  # stream numbers need not stand in the order of stream names
        return list(cases.values())

    def _append_verdicts(self, changes: Sequence[CaseChange]) -> None:
        offices, requirements = self._words.of("office"), self._words.of("requirement")
        kinds, policies = self._words.of("verdict"), self._words.of("policy")
        appended = []
        tally: Counter[tuple[int, int, int]] = Counter()
        for change in changes:
            for (
                office_id,
                encounter_id,
                name,
                occurrence,
                kind,
                at,
                due_at,
                received_at,
                policy,
                found,
            ) in change.verdicts:
                office, requirement, verdict = offices[office_id], requirements[name], kinds[kind]
                key = (change.case_no, office, encounter_id, requirement, occurrence, verdict, at)
                evidence = pack_evidence(found, self._words)
                appended.append((*key, due_at, received_at, policies[policy], evidence))
                tally[office, requirement, verdict] += 1
        self._cursor.executemany("insert into verdicts values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", appended)
        self._count("verdict_tally", tally)

    def _change_obligations(self, changes: Sequence[CaseChange]) -> None:
        offices, requirements, streams = (
            self._words.of("office"),
            self._words.of("requirement"),
            self._words.of("stream"),
        )
        states, policies, clocks = self._words.of("state"), self._words.of("policy"), self._words.clocks()
        closed, opened = [], []
        tally: Counter[tuple[int, int, int]] = Counter()
        for change in changes:
            for office_id, encounter_id, name, occurrence, _, _, state, *_ in change.closed:
                office, requirement = offices[office_id], requirements[name]
                closed.append((change.case_no, office, encounter_id, requirement, occurrence))
                tally[office, requirement, states[state]] -= 1
            for (
                office_id,
                encounter_id,
                name,
                occurrence,
                policy,
                due_at,
                state,
                next_at,
                clock,
                opening,
            ) in change.opened:
                office, requirement, state_no = offices[office_id], requirements[name], states[state]
                key = (change.case_no, office, encounter_id, requirement, occurrence)
                place = (opening.received_at, streams[opening.stream], opening.offset)
                opened.append((*key, policies[policy], due_at, state_no, next_at, clocks[clock], *place))
                tally[office, requirement, state_no] += 1
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


class _Streams(dict[int, tuple[str, str]]):
    """The name and the office of each stream, by the stream's number."""

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words

    def __missing__(self, number: int) -> tuple[str, str]:
        """Look a stream up for the first time."""
        stream = parse_stream(self._words.word(number))
        if stream is None or stream.office is None:
            raise ValueError(f"stream {number} has no facts")
        return self.setdefault(number, (stream.name, stream.office))
