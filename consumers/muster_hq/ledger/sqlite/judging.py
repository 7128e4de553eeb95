"""The judging transaction on SQLite."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import apsw

from muster_hq.case_files import CaseChange, CaseFile, ObligationRow, RollChange, RollFile
from muster_hq.entries import FindingRow
from muster_hq.facts import Fact, make
from muster_hq.folds import Fold
from muster_hq.ledger.clocks import STREAM_CLOCKS, intake_clocks
from muster_hq.ledger.evidence import pack_evidence
from muster_hq.ledger.ids import StoredId, pack, pack_one, unpack
from muster_hq.ledger.sqlite.database import insert, rows
from muster_hq.ledger.sqlite.directives import activations, orders_of, read_unread
from muster_hq.ledger.sqlite.folds import any_away, folds_of, take_back, write_folds
from muster_hq.ledger.sqlite.lodgings import claims_of
from muster_hq.ledger.sqlite.rolls import append_findings, take_due_rolls, write_rolls
from muster_hq.ledger.sqlite.words import Words
from muster_hq.lodgings import Claim
from muster_hq.memo import Memo
from muster_hq.orders import Order
from muster_hq.verdicts import Clocks, Outage, Stretches, VerdictKey

_NOTHING: frozenset[Any] = frozenset()


class SqliteJudging:
    """See JudgingTransaction."""

    def __init__(self, cursor: apsw.Cursor, words: Words) -> None:
        self._cursor = cursor
        self._words = words
        self._texts: Memo[StoredId, str] = Memo(unpack)  # one encounter has several facts, verdicts, obligations

    def clocks(self) -> dict[str, int]:
        """Give the intake clock of each registered office, and of ALL_OFFICES."""
        return intake_clocks(self._cursor.execute(STREAM_CLOCKS), self._words.text)

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

    def outages(self) -> Stretches:
        """Give the stretches without records of each office."""
        found: defaultdict[str, list[Outage]] = defaultdict(list)
        for office_no, start, end in self._cursor.execute("select * from gaps"):
            found[self._words.text[office_no]].append(Outage(start, end))
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
        return self._load(sorted(case_numbers))

    def record(self, changes: Sequence[CaseChange]) -> None:
        """Append new verdicts, and bring the derived tables up to date."""
        self._append_verdicts(changes)
        self._change_obligations(changes)
        clocks = self._words.clocks()
        self._cursor.executemany(
            "delete from due where clock_no = ? and past = ? and case_no = ?",
            [(clocks[name], past, change.case_no) for change in changes for name, past in change.stale],
        )
        due = [(clocks[name], past, change.case_no) for change in changes for name, past in change.due]
        insert(self._cursor, "insert or ignore into due", sorted(due))  # an index is filled fastest in its own order
        write_folds(self._cursor, self._words, changes)

    def set_aside(self, case_no: int, reason: str, at: int) -> int:
        """Note that a case could not be judged, and why; give how often in a row that was."""
        keep = """
            insert into set_aside values (?, ?, ?, 1) on conflict do update set
              reason = excluded.reason, at = excluded.at, tries = tries + 1 returning tries"""
        tries: int = self._cursor.execute(keep, (case_no, reason, at)).get
        return tries

    def aside(self) -> set[int]:
        """Give the numbers of the cases that were set aside."""
        return {case_no for (case_no,) in self._cursor.execute("select case_no from set_aside")}

    def take_back(self, case_numbers: set[int]) -> None:
        """Note that these can be judged again."""
        self._cursor.executemany("delete from set_aside where case_no = ?", [(no,) for no in case_numbers])

    def due_rolls(self, clocks: Clocks) -> list[RollFile]:
        """Take up the offices whose roll is due by these clocks, with what was heard up to them, taken off its list."""
        return take_due_rolls(self._cursor, self._words, clocks)

    def record_rolls(self, changes: Sequence[RollChange]) -> None:
        """Keep the rolls of offices, as called."""
        write_rolls(self._cursor, self._words, changes)

    def find(self, findings: Iterable[FindingRow]) -> list[FindingRow]:
        """Append findings, and give those that are new."""
        return append_findings(self._cursor, self._words, findings)

    def publish(self, records: Iterable[tuple[str, bytes]]) -> None:
        """Queue (topic, value) records for publishing."""
        insert(self._cursor, "insert or fail into outgoing (topic, value)", list(records))

    def _load(self, case_numbers: list[int]) -> list[CaseFile]:
        """Load cases, in walks over as many tables; an array of numbers drives each."""
        taken = (apsw.carray(array("q", case_numbers)),)
        self._texts.clear()
        facts = _facts(self._cursor, self._words, self._texts, taken)
        folds, obligations = folds_of(self._cursor, taken), self._obligations(taken)
        given = self._given(taken) if not folds else self._given_beside(folds, case_numbers)
        return [
            make(
                CaseFile,
                (no, unpack(case_id), facts[no], given.get(no, _NOTHING), obligations.get(no, _NOTHING), folds.get(no)),
            )
            for no, case_id in self._cursor.execute(
                "select case_no, case_id from cases where case_no in carray(?)", taken
            )
        ]

    def _given_beside(
        self, folds: Mapping[int, Fold], case_numbers: list[int]
    ) -> Mapping[int, AbstractSet[VerdictKey]]:
        """Give what was said of cases, some of them folded: then the fold knows as much of it as judging asks for."""
        others = array("q", [no for no in case_numbers if no not in folds])
        said = self._given((apsw.carray(others),)) if others else {}
        return {**said, **{no: fold.given for no, fold in folds.items()}}

    def _given(self, taken: tuple[object]) -> Mapping[int, AbstractSet[VerdictKey]]:
        text, texts = self._words.text, self._texts
        found: defaultdict[int, set[VerdictKey]] = defaultdict(set)
        select = """
            select v.case_no, office_no, encounter_id, requirement_no, occurrence, verdict_no, at
            from carray(?) t cross join verdicts v on v.case_no = t.value"""
        for no, office, encounter, requirement, number, verdict, at in self._cursor.execute(select, taken):
            found[no].add((text[office], texts[encounter], text[requirement], number, text[verdict], at))
        return found

    def _obligations(self, taken: tuple[object]) -> Mapping[int, set[ObligationRow]]:
        text, texts = self._words.text, self._texts
        found: defaultdict[int, set[ObligationRow]] = defaultdict(set)
        select = """
            select o.case_no, office_no, f.encounter_id, requirement_no, occurrence, policy_no, due_at, state_no,
              next_at, clock_no
            from carray(?) t cross join obligations o on o.case_no = t.value
            cross join facts f on f.case_no = o.case_no and f.received_at = opening_at
              and f.stream_no = opening_stream_no and f."offset" = opening_offset"""
        for no, office, encounter, requirement, number, policy, due_at, state, next_at, clock in self._cursor.execute(
            select, taken
        ):
            key = text[office], texts[encounter], text[requirement], number
            found[no].add((*key, text[policy], due_at, text[state], next_at, text[clock]))
        return found

    def _append_verdicts(self, changes: Sequence[CaseChange]) -> None:
        offices, requirements = self._words.of("office"), self._words.of("requirement")
        kinds, policies, streams = self._words.of("verdict"), self._words.of("policy"), self._words.of("stream")
        encounters = iter(pack([verdict.encounter_id for change in changes for verdict in change.verdicts]))
        appended = []
        tally: Counter[tuple[int, int, int]] = Counter()
        for case_no, verdicts, *_ in changes:
            for office, _, requirement, number, kind, at, due_at, received_at, policy, behind in verdicts:
                office_no, requirement_no, kind_no = offices[office], requirements[requirement], kinds[kind]
                key = case_no, office_no, next(encounters), requirement_no, number, kind_no, at
                appended.append((*key, due_at, received_at, policies[policy], pack_evidence(behind, streams)))
                tally[office_no, requirement_no, kind_no] += 1
        insert(self._cursor, "insert or fail into verdicts", appended)
        self._count("verdict_tally", tally)

    def _change_obligations(self, changes: Sequence[CaseChange]) -> None:
        words = self._words
        offices, requirements, streams = words.of("office"), words.of("requirement"), words.of("stream")
        states, policies, clocks = words.of("state"), words.of("policy"), words.clocks()
        tally: Counter[tuple[int, int, int]] = Counter()
        closed_rows, opened_rows = [], []
        for case_no, _, opened, closed, *_ in changes:
            for office, encounter, requirement, number, _, _, state, _, _ in closed:
                office_no, requirement_no = offices[office], requirements[requirement]
                closed_rows.append((case_no, requirement_no, number, office_no, case_no, pack_one(encounter)))
                tally[office_no, requirement_no, states[state]] -= 1
            for office, _, requirement, number, policy, due_at, state, next_at, clock, opening in opened:
                office_no, requirement_no, state_no = offices[office], requirements[requirement], states[state]
                key = case_no, requirement_no, number, streams[opening.stream], opening.offset, opening.received_at
                opened_rows.append((*key, office_no, policies[policy], due_at, state_no, next_at, clocks[clock]))
                tally[office_no, requirement_no, state_no] += 1
        self._cursor.executemany(
            "delete from obligations where case_no = ? and requirement_no = ? and occurrence = ? and office_no = ?"
            " and (opening_at, opening_stream_no, opening_offset) in"
            ' (select received_at, stream_no, "offset" from facts where case_no = ? and encounter_id = ?)',
            closed_rows,
        )
        insert(self._cursor, "insert or fail into obligations", opened_rows)
        self._count("obligation_tally", tally)

    def _count(self, table: str, tally: Counter[tuple[int, int, int]]) -> None:
        self._cursor.executemany(
            f"insert into {table} values (?, ?, ?, ?) on conflict do update set n = n + excluded.n",  # noqa: S608 - two names of ours
            [(*key, n) for key, n in tally.items() if n],
        )


def facts_of_case(cursor: apsw.Cursor, words: Words, case_no: int) -> list[Fact]:
    """Give the facts of one case in fact order: for those who only read."""
    taken, texts = (apsw.carray(array("q", [case_no])),), Memo(unpack)
    return sorted(
        [*_facts(cursor, words, texts, taken)[case_no], *_facts(cursor, words, texts, taken, "put_away")[case_no]]
    )


def _facts(
    cursor: apsw.Cursor, words: Words, texts: Memo[StoredId, str], taken: tuple[object], table: str = "facts"
) -> Mapping[int, list[Fact]]:
    streams, shapes = words.streams, words.shapes
    found: defaultdict[int, list[Fact]] = defaultdict(list)
    select = f"""
        select f.case_no, received_at, stream_no, "offset", event_id, shape_no, encounter_id, own_at, names
        from carray(?) t cross join {table} f on f.case_no = t.value"""  # noqa: S608 - a name of ours
    for no, received_at, stream_no, offset, event_id, shape_no, encounter, own_at, names in cursor.execute(
        select, taken
    ):
        stream, office = streams[stream_no]
        shape = shapes[shape_no]
        found[no].append(
            make(Fact, (received_at, stream, offset, office, event_id, shape, texts[encounter], own_at, names))
        )
    for facts in found.values():
        facts.sort()  # stream numbers need not stand in the order of stream names
    return found
