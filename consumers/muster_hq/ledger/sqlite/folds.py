"""Folded cases on SQLite: facts that are put away, and taken back."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence

import apsw

from muster_hq.case_files import CaseChange
from muster_hq.folds import Fold, fold_from
from muster_hq.ledger.ids import pack_one
from muster_hq.ledger.sqlite.words import Words

_FACT = 'case_no, received_at, stream_no, "offset", event_id, shape_no, encounter_id, own_at, names'


def folds_of(cursor: apsw.Cursor, taken: tuple[object]) -> Mapping[int, Fold]:
    """Give the folds of those of these cases that are folded."""
    select = "select case_no, fold from folds where case_no in carray(?)"
    return {case_no: fold_from(text) for case_no, text in cursor.execute(select, taken)}


def write_folds(cursor: apsw.Cursor, words: Words, changes: Sequence[CaseChange]) -> None:
    """Keep folds, and put away the facts that they do without."""
    folded = [(change.case_no, change.fold, change.away) for change in changes if change.fold is not None]
    if not folded:
        return
    streams = words.of("stream")
    cursor.executemany("insert or replace into folds values (?, ?)", [(no, fold.text) for no, fold, _ in folded])
    places = [
        (no, fact.received_at, streams[fact.stream], fact.offset, is_local)
        for no, _, away in folded
        for fact, is_local in away
    ]
    this = 'case_no = ?1 and received_at = ?2 and stream_no = ?3 and "offset" = ?4'
    put_away = f"insert into put_away ({_FACT}, is_local) select {_FACT}, ?5 from facts where {this}"  # noqa: S608 - texts of ours
    cursor.executemany(put_away, places)
    cursor.executemany(f"delete from facts where {this}", [place[:4] for place in places])  # noqa: S608 - the same


def any_away(cursor: apsw.Cursor, asked: Iterable[tuple[int, str]]) -> set[int]:
    """Give those of these cases of which a local fact of the encounter was put away."""
    select = "select case_no from put_away where case_no = ? and encounter_id = ? and is_local limit 1"
    pairs = [(case_no, pack_one(encounter)) for case_no, encounter in asked]
    return {case_no for (case_no,) in cursor.executemany(select, pairs)}


def take_back(cursor: apsw.Cursor, case_numbers: Sequence[int]) -> None:
    """Take back all that was put away of these cases."""
    taken = (apsw.carray(array("q", case_numbers)),)
    cursor.execute(f"insert into facts select {_FACT} from put_away where case_no in carray(?)", taken)  # noqa: S608 - a text of ours
    cursor.execute("delete from put_away where case_no in carray(?)", taken)
    cursor.execute("delete from folds where case_no in carray(?)", taken)
