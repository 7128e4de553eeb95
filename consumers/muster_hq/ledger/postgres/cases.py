"""Taking cases up on PostgreSQL: those that are due and that no other worker judges, with all that is theirs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Cursor

from muster_hq.case_files import CaseFile, ObligationRow
from muster_hq.facts import Fact, make
from muster_hq.ledger.postgres.binary import int2s, int4s, int8s
from muster_hq.ledger.postgres.stored_ids import text_of
from muster_hq.ledger.postgres.words import Words
from muster_hq.memo import Memo
from muster_hq.verdicts import Clocks, VerdictKey

# "is true" has the last list hashed, not walked once for each row.
_TAKE = """
    with ripe as materialized (
      select place, case_no from unnest(%s, %s) as wanted(clock, now) cross join lateral (
        select ctid as place, case_no from due where clock_no = clock and past < now
        order by past limit %s for update skip locked) d limit %s),
    mine as materialized (
      select case_no, case_id from cases where case_no = any(array(select distinct case_no from ripe))
      order by case_no for update skip locked),
    gone as (
      delete from due where ctid = any(array(
        select place from ripe where (case_no in (select case_no from mine)) is true)))
    select case_no, case_id from mine"""
_FACTS = """
    select case_no, received_at, stream_no, "offset", event_id, shape_no, encounter_id, own_at, names
    from facts where case_no = any(%s)"""
_GIVEN = """
    select case_no, office_no, encounter_id, requirement_no, occurrence, verdict_no, at
    from verdicts where case_no = any(%s)"""
_OBLIGATIONS = """
    select case_no, opening_stream_no, opening_offset, requirement_no, occurrence, policy_no, due_at, state_no, next_at,
      clock_no
    from obligations where case_no = any(%s)"""
_NOTHING: frozenset[Any] = frozenset()


def lock_due(cursor: Cursor[Any], words: Words, clocks: Clocks, limit: int) -> list[tuple[int, bytes]]:
    """Lock up to ``limit`` cases that are due by these clocks, and take them off the list; give number and id.

    Cases are locked in the order of their numbers. Those that another worker has are left, and stay on the list.
    """
    numbers = words.clocks()
    wanted = int2s([numbers[name] for name in clocks]), int8s(clocks.values())
    found: list[tuple[int, bytes]] = cursor.execute(_TAKE, (*wanted, limit, limit)).fetchall()
    return found


def facts_of(cursor: Cursor[Any], words: Words, case_no: int) -> list[Fact]:
    """Give the facts of one case in fact order: for those who only read."""
    return _facts(cursor, words, Memo(text_of), int4s([case_no]))[case_no]


def load(cursor: Cursor[Any], words: Words, locked: Sequence[tuple[int, bytes]]) -> list[CaseFile]:
    """Load all that is known of cases that are locked."""
    texts = Memo(text_of)  # one encounter has several facts, verdicts, obligations
    numbers = int4s([case_no for case_no, _ in locked])
    facts = _facts(cursor, words, texts, numbers)
    given, obligations = _given(cursor, words, texts, numbers), _obligations(cursor, words, facts, numbers)
    return [
        make(CaseFile, (no, text_of(case_id), facts[no], given.get(no, _NOTHING), obligations.get(no, _NOTHING)))
        for no, case_id in locked
    ]


def _facts(cursor: Cursor[Any], words: Words, texts: Memo[bytes, str], numbers: bytes) -> Mapping[int, list[Fact]]:
    streams, shapes = words.streams, words.shapes
    found: defaultdict[int, list[Fact]] = defaultdict(list)
    for no, received_at, stream_no, offset, event_id, shape_no, encounter, own_at, names in cursor.execute(
        _FACTS, (numbers,)
    ).fetchall():
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
    clocks, streams = words.clock_names(), words.streams
    openings: dict[int, dict[tuple[str, int], str]] = {}
    found: defaultdict[int, set[ObligationRow]] = defaultdict(set)
    for no, stream_no, offset, requirement, number, policy, due_at, state, next_at, clock in cursor.execute(
        _OBLIGATIONS, (numbers,)
    ).fetchall():
        if no not in openings:
            openings[no] = {(fact.stream, fact.offset): fact.encounter_id for fact in facts[no]}
        stream, office = streams[stream_no]
        key = office, openings[no][stream, offset], requirements[requirement], number
        found[no].add((*key, policies[policy], due_at, states[state], next_at, clocks[clock]))
    return found
