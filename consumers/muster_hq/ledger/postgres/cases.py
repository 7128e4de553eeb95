"""Taking cases up on PostgreSQL: those that are due and that no other worker judges, with all that is theirs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import Cursor

from muster_hq.case_files import CaseFile, ObligationRow
from muster_hq.facts import Fact, make
from muster_hq.ledger.postgres.binary import int2s, int4s, int8s
from muster_hq.ledger.postgres.folds import folds_of
from muster_hq.ledger.postgres.stored_ids import apart, name_of, text_of
from muster_hq.ledger.postgres.words import Words
from muster_hq.memo import Memo
from muster_hq.verdicts import Clocks, VerdictKey

# "is true" has the last list hashed, not walked once for each row.
_TAKE = """
    with wanted as materialized (select * from unnest(%(clocks)s, %(nows)s) as w(clock, now)),
    came as materialized (
      select place, case_no from wanted cross join lateral (
        select ctid as place, case_no from arrivals where clock_no = clock and past < now
        order by past limit %(limit)s for update skip locked) d limit %(limit)s),
    ripe as materialized (
      select place, case_no from wanted cross join lateral (
        select ctid as place, case_no from due where clock_no = clock and past < now
        order by past limit %(limit)s for update skip locked) d
      limit %(limit)s - (select count(*) from came)),
    run_out as materialized (
      select place, case_no from wanted cross join lateral (
        select ctid as place, case_no from obligations where listed and clock_no = clock and next_at < now
        order by next_at limit %(limit)s for update skip locked) o
      limit %(limit)s - (select count(*) from came) - (select count(*) from ripe)),
    mine as materialized (
      select case_no, case_id, case_text from cases
      where case_no = any(array(
        select case_no from came union select case_no from ripe union select case_no from run_out))
      order by case_no for update skip locked),
    gone as (
      delete from arrivals where ctid = any(array(
        select place from came where (case_no in (select case_no from mine)) is true))),
    gone_too as (
      delete from due where ctid = any(array(
        select place from ripe where (case_no in (select case_no from mine)) is true))),
    unlisted as (
      update obligations set listed = false where ctid = any(array(
        select place from run_out where (case_no in (select case_no from mine)) is true)))
    select case_no, case_id, case_text from mine"""
_FACT = 'case_no, received_at, stream_no, "offset", event_id, shape_no, encounter_id, own_at, names'
_FACTS = f"select {_FACT} from facts where case_no = any(%s)"  # noqa: S608 - a text of ours
_ALL_FACTS = f"{_FACTS} union all select {_FACT} from put_away where case_no = any(%s)"  # noqa: S608 - the same
_GIVEN = """
    select case_no, office_no, encounter_id, requirement_no, occurrence, verdict_no, at
    from verdicts where case_no = any(%s)"""
_OBLIGATIONS = """
    select case_no, opening_stream_no, opening_offset, requirement_no, occurrence, policy_no, due_at,
      ascii(state_no::text), next_at, clock_no
    from obligations where case_no = any(%s)"""
_NOTHING: frozenset[Any] = frozenset()


def lock_due(cursor: Cursor[Any], words: Words, clocks: Clocks, limit: int) -> list[tuple[int, str]]:
    """Lock up to ``limit`` cases that are due by these clocks, and take them off the lists; give number and id.

    Cases are locked in the order of their numbers. Those that another worker has are left, and stay on the list.
    """
    numbers = words.clocks()
    wanted = {"clocks": int2s([numbers[name] for name in clocks]), "nows": int8s(clocks.values()), "limit": limit}
    return [(no, name_of(case_id, text)) for no, case_id, text in cursor.execute(_TAKE, wanted).fetchall()]


def number_of(cursor: Cursor[Any], case_id: str) -> int | None:
    """Give the number of a case; None for one that was never heard of."""
    packed, _ = apart([case_id])
    column = "case_id" if packed else "case_text"
    select = f"select case_no from cases where {column} = %s"  # noqa: S608 - a name of ours
    found = cursor.execute(select.encode(), (UUID(bytes=packed[0]) if packed else case_id,)).fetchone()
    return found and found[0]


def facts_of(cursor: Cursor[Any], words: Words, case_no: int) -> list[Fact]:
    """Give the facts of one case in fact order: for those who only read."""
    numbers = int4s([case_no])
    return _facts(words, Memo(text_of), cursor.execute(_ALL_FACTS.encode(), (numbers, numbers)).fetchall())[case_no]


def load(cursor: Cursor[Any], words: Words, locked: Sequence[tuple[int, str]]) -> list[CaseFile]:
    """Load all that is known of cases that are locked."""
    texts = Memo(text_of)  # one encounter has several facts, verdicts, obligations
    numbers = int4s([case_no for case_no, _ in locked])
    facts = _facts(words, texts, cursor.execute(_FACTS.encode(), (numbers,)).fetchall())
    folds, obligations = folds_of(cursor, numbers), _obligations(cursor, words, facts, numbers)
    others = int4s([case_no for case_no, _ in locked if case_no not in folds]) if folds else numbers
    given = {**_given(cursor, words, texts, others), **{no: fold.given for no, fold in folds.items()}}
    return [
        make(CaseFile, (no, case_id, facts[no], given.get(no, _NOTHING), obligations.get(no, _NOTHING), folds.get(no)))
        for no, case_id in locked
    ]


def _facts(words: Words, texts: Memo[bytes, str], rows: Iterable[tuple[Any, ...]]) -> Mapping[int, list[Fact]]:
    streams, shapes = words.streams, words.shapes
    found: defaultdict[int, list[Fact]] = defaultdict(list)
    for no, received_at, stream_no, offset, event_id, shape_no, encounter, own_at, names in rows:
        stream, office = streams[stream_no]
        shape = shapes[shape_no]
        found[no].append(
            make(Fact, (received_at, stream, offset, office, event_id, shape, texts[encounter], own_at, names or None))
        )
    for facts in found.values():
        if len(facts) > 1:
            facts.sort()
    return found


def _given(cursor: Cursor[Any], words: Words, texts: Memo[bytes, str], numbers: bytes) -> Mapping[int, set[VerdictKey]]:
    offices, requirements, kinds = words.text("office"), words.text("requirement"), words.text("verdict")
    found: defaultdict[int, set[VerdictKey]] = defaultdict(set)
    for no, office, encounter, requirement, number, verdict, at in cursor.execute(_GIVEN, (numbers,)).fetchall():
        found[no].add((offices[office], texts[encounter], requirements[requirement], number, kinds[verdict], at))
    return found


def _obligations(
    cursor: Cursor[Any], words: Words, facts: Mapping[int, list[Fact]], numbers: bytes
) -> Mapping[int, set[ObligationRow]]:
    """Give obligations: each is its opening event's office's, and concerns that event's encounter."""
    requirements, policies, states = words.text("requirement"), words.text("policy"), words.text("state")
    streams, clocks = words.streams, words.clock_names()
    openings: dict[int, dict[tuple[str, int], str]] = {}
    found: defaultdict[int, set[ObligationRow]] = defaultdict(set)
    for no, stream_no, offset, requirement, number, policy, due_at, state, next_at, clock_no in cursor.execute(
        _OBLIGATIONS, (numbers,)
    ).fetchall():
        if no not in openings:
            openings[no] = {(fact.stream, fact.offset): fact.encounter_id for fact in facts[no]}
        stream, office = streams[stream_no]
        key = office, openings[no][stream, offset], requirements[requirement], number
        found[no].add((*key, policies[policy], due_at, states[state], next_at, clocks[clock_no]))
    return found
