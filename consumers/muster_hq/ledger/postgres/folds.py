"""Folded cases on PostgreSQL: facts that are put away, and taken back. The cases are locked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg import Cursor

from muster_hq.case_files import CaseChange
from muster_hq.folds import Fold, fold_from
from muster_hq.ledger.postgres.binary import byteas, int2s, int4s, int8s
from muster_hq.ledger.postgres.stored_ids import stored
from muster_hq.ledger.postgres.words import Words

_FACT = 'received_at, "offset", own_at, digest, event_id, case_no, shape_no, stream_no, encounter_id, names'
_FOLDS = "select case_no, fold from folds where case_no = any(%s)"
_WRITE = """
    insert into folds select * from unnest(%s, %s::text[])
    on conflict (case_no) do update set fold = excluded.fold"""
# "is true" has the lists hashed, not walked once for each row. Who looks for duplicates looks at facts first, and then
# at what is noted: a fact that is put away meanwhile is found, and one that was taken back is noted still.
_PUT_AWAY = f"""
    with gone as (
      delete from facts where case_no = any(%s)
        and ((case_no, stream_no, "offset") in (select * from unnest(%s, %s, %s))) is true
      returning {_FACT}),
    known as (insert into noted select stream_no, event_id, digest from gone on conflict do nothing)
    insert into put_away ({_FACT}, is_local)
    select {_FACT}, ((case_no, stream_no, "offset") in (select * from unnest(%s, %s, %s))) is true from gone"""  # noqa: S608 - a text of ours
_ANY_AWAY = """
    select distinct case_no from unnest(%s, %s) as asked(the_case, encounter)
    join put_away on case_no = the_case and encounter_id = encounter where is_local"""
_TAKE_BACK = f"""
    with gone as (delete from put_away where case_no = any(%s) returning {_FACT}),
    unfolded as (delete from folds where case_no = any(%s))
    insert into facts ({_FACT}) select {_FACT} from gone"""  # noqa: S608 - the same


def folds_of(cursor: Cursor[Any], numbers: bytes) -> Mapping[int, Fold]:
    """Give the folds of those of these cases that are folded."""
    return {case_no: fold_from(text) for case_no, text in cursor.execute(_FOLDS, (numbers,)).fetchall()}


def write_folds(cursor: Cursor[Any], words: Words, changes: Sequence[CaseChange]) -> None:
    """Keep folds, and put away the facts that they do without."""
    folded = [(change.case_no, change.fold, change.away) for change in changes if change.fold is not None]
    if not folded:
        return
    cursor.execute(_WRITE, (int4s([no for no, _, _ in folded]), [fold.text for _, fold, _ in folded]))
    streams = words.of("stream")
    places = [(no, streams[fact.stream], fact.offset, is_local) for no, _, away in folded for fact, is_local in away]
    if places:
        cases = int4s(sorted({place[0] for place in places}))
        local = _columns([place[:3] for place in places if place[3]])
        cursor.execute(_PUT_AWAY.encode(), (cases, *_columns([place[:3] for place in places]), *local))


def any_away(cursor: Cursor[Any], asked: Iterable[tuple[int, str]]) -> set[int]:
    """Give those of these cases of which a local fact of the encounter was put away."""
    pairs = list(asked)
    if not pairs:
        return set()
    columns = int4s([no for no, _ in pairs]), byteas(stored([encounter for _, encounter in pairs]))
    return {case_no for (case_no,) in cursor.execute(_ANY_AWAY, columns).fetchall()}


def take_back(cursor: Cursor[Any], case_numbers: Sequence[int]) -> None:
    """Take back all that was put away of these cases."""
    numbers = int4s(case_numbers)
    cursor.execute(_TAKE_BACK.encode(), (numbers, numbers))


def _columns(places: Sequence[tuple[int, int, int]]) -> tuple[bytes, bytes, bytes]:
    cases, streams, offsets = zip(*places, strict=True) if places else ((), (), ())
    return int4s(cases), int2s(streams), int8s(offsets)
