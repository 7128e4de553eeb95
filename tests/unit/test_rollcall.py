"""Findings by the text (docs/findings.md): each small log through the live engine and through the auditor."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_contract.times import format_instant, parse_instant
from muster_contract.topics import encounters, incidents, streams_of
from muster_hq.audit import audit
from muster_hq.comparing import settled_findings
from muster_hq.heard import HeardRows, Kind, cut, each, pack, rows_of
from muster_hq.ledger.opening import open_ledger
from muster_hq.policies import Policies
from muster_hq.replay import replay
from muster_hq.roll import Roll, dump, load
from muster_hq.rollcall import call
from tests.builders import policies_of, records_of
from tests.cases.bad_records import heartbeat
from tests.cases.builders import T0, Event, encounter, pulse, raw, report
from tests.cases.policies import REPORT

ONE, TWO = UUID(int=1), UUID(int=2)
STREAM = encounters("a")
POLICIES = Policies([replace(policy, gap_after=10) for policy in policies_of(REPORT).versions])
LISTENING = Policies([replace(policy, silent_after=20) for policy in POLICIES.versions])
WITH_OUTAGES = Policies([replace(policy, outage_after=15) for policy in LISTENING.versions])


def e(number: int, at: int, *, epoch: UUID = ONE, name: str = "", **fields: Any) -> Event:  # noqa: ANN401 - any field
    """Build an encounter with a number."""
    return encounter(name or f"E{epoch.int}-{number}", at, sequence=number, epoch=epoch.bytes, **fields)


def s(number: int, at: int, epoch: UUID = ONE) -> Event:
    """Build a report with a number."""
    return report(f"S{epoch.int}-{number}", at, sequence=number, epoch=epoch.bytes)


def beat(
    at: int, last: tuple[int, int] = (0, 0), low: tuple[int | None, int | None] = (None, None), epoch: UUID = ONE
) -> Event:
    """Build a heartbeat: the last numbers of both streams, and the lowest pending ones."""
    numbers = {"last_encounter_sequence": last[0], "last_incident_sequence": last[1]}
    lowest = {"lowest_pending_encounter_sequence": low[0], "lowest_pending_incident_sequence": low[1]}
    return raw(heartbeat(epoch=epoch.bytes, **numbers, **lowest), at, STREAM)


def found(*events: Event, as_of: int = 500, policies: Policies = POLICIES) -> list[tuple[int, str, str]]:
    """Give at, stream and detail of every finding, on which both programs must agree, however the log is cut."""
    records = records_of(*events)
    audited = audit(records, policies, ["a"], T0 + as_of).findings
    for batch in (1, 2, 100):
        with tempfile.TemporaryDirectory() as folder, closing(open_ledger(f"sqlite:///{folder}/l.db")) as ledger:
            replay(records, policies, ["a"], ledger, T0 + as_of, batch=batch)
            assert settled_findings(ledger, {"a": T0 + as_of}) == audited
    assert all(len(row["evidence"]) == 1 and row["office_id"] == "a" for row in audited)
    return [(parse_instant(r["at"]) - T0, r["stream"].rpartition(".")[2], r["detail"]) for r in audited]


def gap(
    at: int, numbers: str, state: str = "open", kind: str = "encounters", epoch: UUID = ONE
) -> tuple[int, str, str]:
    """Say what a gap looks like."""
    return at, kind, f"{state}: {numbers} of {epoch}"


def silence(at: int, since: int, state: str = "open") -> tuple[int, str, str]:
    """Say what silence looks like."""
    return at, "encounters", f"{state}: since {format_instant(T0 + since)}"


@pytest.mark.parametrize(("came", "missing"), [(15, False), (16, True)])
def test_a_number_may_come_up_to_gap_after_later(*, came: int, missing: bool) -> None:
    """Counted from the record that announced it: inclusive, by its own arrival."""
    gaps = found(e(1, 0), e(3, 5), e(2, came))
    assert gaps == ([gap(15, "2"), gap(16, "2", "closed")] if missing else [])


@pytest.mark.parametrize(("as_of", "gaps"), [(15, []), (16, [gap(15, "2-4")])])
def test_a_gap_is_found_once_the_clock_is_past_it(as_of: int, gaps: list[Any]) -> None:
    """At the instant by which the numbers should have come."""
    assert found(e(1, 0), e(5, 5), pulse(100, STREAM), as_of=as_of) == gaps


def test_numbers_before_the_first_that_came_are_missing_too() -> None:
    """An office's numbers begin with 1."""
    assert found(e(3, 0)) == [gap(10, "1-2")]


def test_a_gap_closes_with_its_last_number() -> None:
    """Whatever came of it before, and in whatever order."""
    assert found(e(1, 0), e(5, 1), e(4, 20), e(2, 21), e(3, 22)) == [gap(11, "2-4"), gap(22, "2-4", "closed")]


def test_what_came_in_time_parts_a_gap_in_runs() -> None:
    """Each is a finding, which ends for itself."""
    assert found(e(5, 0), e(3, 10), e(1, 11), e(2, 12)) == [
        gap(10, "1-2"),
        gap(10, "4"),
        gap(12, "1-2", "closed"),
    ]


def test_what_two_records_announced_is_two_findings() -> None:
    """Though the numbers follow one another."""
    assert found(e(2, 0), beat(1, (4, 0))) == [gap(10, "1"), gap(11, "3-4")]


def test_a_heartbeat_announces_the_tail_of_both_streams() -> None:
    """Of which nothing may ever have come."""
    assert found(e(1, 0), beat(5, (3, 2))) == [gap(15, "1-2", kind="incidents"), gap(15, "2-3")][::-1]


def test_what_is_pending_is_not_announced() -> None:
    """From the lowest pending number on; what lies below it is."""
    assert found(e(1, 0), beat(5, (9, 9), (3, 1))) == [gap(15, "2")]


def test_the_first_to_announce_a_number_counts() -> None:
    """A later heartbeat that says the same gives no more time, and no second finding."""
    assert found(beat(0, (1, 0)), beat(5, (1, 0)), e(1, 11)) == [gap(10, "1"), gap(11, "1", "closed")]


@pytest.mark.parametrize(("came", "late"), [(10, False), (11, True)])
def test_a_report_may_have_been_read_long_before_the_heartbeat_that_announces_it(*, came: int, late: bool) -> None:
    """The order in which streams are read changes nothing: here the incidents are read first."""
    gaps = found(s(1, came), s(2, came), beat(0, (0, 2)))
    closed = [gap(10, "1-2", kind="incidents"), gap(11, "1-2", "closed", kind="incidents")]
    assert gaps == (closed if late else [])


def test_a_duplicate_brings_no_number() -> None:
    """It was received before."""
    assert found(e(1, 0), e(3, 1), e(3, 2), e(1, 3)) == [gap(11, "2")]


def test_one_number_for_two_events_is_a_reuse() -> None:
    """Each further event with it; a copy of the first is none."""
    assert found(e(1, 0), e(1, 1, name="X"), e(1, 2), e(1, 3, name="Y")) == [
        (1, "encounters", f"1 of {ONE}, offset 1"),
        (3, "encounters", f"1 of {ONE}, offset 3"),
    ]


def test_each_stream_and_epoch_has_numbers_of_its_own() -> None:
    """No reuse, no gap; a new epoch is a finding for itself."""
    rows = found(e(1, 0), s(1, 0), e(1, 1, epoch=TWO), s(1, 1, epoch=TWO))
    assert [detail[:36] for _, _, detail in rows] == [str(TWO)]


def test_a_new_epoch_names_what_the_old_one_never_delivered() -> None:
    """Gaps, and what was pending: nobody will send that any more."""
    events = [e(1, 0), beat(1, (7, 2), (6, 1)), e(3, 2), e(5, 3), beat(4, (0, 0), epoch=TWO)]
    (change,) = [row for row in found(*events) if "after" in row[2]]
    left = "never delivered: encounters 4 (2, 4, 6-7), incidents 2 (1-2)"
    assert change == (4, "encounters", f"{TWO} after {ONE}; {left}")


def test_an_epoch_that_comes_back_is_no_change() -> None:
    """It was seen before."""
    rows = found(e(1, 0), e(1, 1, epoch=TWO), e(2, 2), e(2, 3, epoch=TWO))
    assert [row[0] for row in rows] == [1]


@pytest.mark.parametrize(("heard_again", "silent"), [(20, False), (21, True)])
def test_an_office_is_silent_when_nothing_is_heard_for_so_long(*, heard_again: int, silent: bool) -> None:
    """Up to that instant, inclusive; until it is heard again."""
    rows = found(beat(0), beat(heard_again), as_of=heard_again + 5, policies=LISTENING)
    assert rows == ([silence(20, 0), silence(heard_again, 0, "closed")] if silent else [])


@pytest.mark.parametrize(("as_of", "rows"), [(20, []), (21, [silence(20, 0)])])
def test_silence_is_found_once_the_clock_is_past_it(as_of: int, rows: list[Any]) -> None:
    """Pulses are headquarters' own: they make no office heard."""
    assert found(beat(0), pulse(10, STREAM), pulse(100, STREAM), as_of=as_of, policies=LISTENING) == rows


def test_an_event_on_either_stream_is_heard() -> None:
    """A heartbeat is not needed for that; what is not readable does not count."""
    junk = raw(b"junk", 25, STREAM)
    assert found(beat(0), s(1, 15), junk, as_of=40, policies=LISTENING) == [silence(35, 15)]


def test_an_office_that_was_never_heard_is_silent_since_its_streams_began() -> None:
    """There was somebody to listen from the first pulse on."""
    events = [pulse(at, stream) for at in (3, 9) for stream in streams_of(["a"])]
    assert found(*events, as_of=30, policies=LISTENING) == [silence(23, 3)]


def test_nobody_is_silent_while_headquarters_does_not_listen() -> None:
    """After an outage the time begins anew: here it ends at 17, and silence begins at 37."""
    events = [beat(0), pulse(1, incidents("a")), pulse(17, STREAM), pulse(17, incidents("a"))]
    later = [pulse(at, stream) for at in (30, 40) for stream in (STREAM, incidents("a"))]
    assert found(*events, *later, as_of=39, policies=WITH_OUTAGES) == [silence(37, 0)]
    assert found(*events, *later, as_of=39, policies=LISTENING) == [silence(20, 0)]


def test_a_record_of_another_office_or_of_the_future_is_found() -> None:
    """With its place; neither tells more."""
    astray = encounter("X", 5, office="b", stream=STREAM)
    assert found(e(1, 0, own=7), astray) == [(0, "encounters", "offset 0, 7 ms ahead"), (5, "encounters", "offset 1")]


def test_what_hangs_on_a_later_record_is_not_settled() -> None:
    """It was read, and stands beyond the clock."""
    assert found(e(1, 0), e(1, 30, name="X"), e(9, 31), as_of=29) == []
    assert len(found(e(1, 0), e(1, 30, name="X"), e(9, 31), as_of=30)) == 1


def test_before_a_first_version_is_effective_its_times_count() -> None:
    """There is no other."""
    late = Policies([replace(policy, effective=T0 + 1_000) for policy in POLICIES.versions])
    assert found(e(2, 0), policies=late) == [gap(10, "1")]


def test_a_later_version_has_times_of_its_own() -> None:
    """The one in force when the announcing record came counts."""
    (first,) = POLICIES.versions
    both = Policies([first, replace(first, version=2, effective=T0 + 5, gap_after=3)])
    assert found(e(2, 4), e(4, 5), policies=both) == [gap(8, "3"), gap(14, "1")]


numbers = st.lists(
    st.tuples(st.sampled_from([1, 2, -1, 1, 1, 3, 0]), st.sampled_from([11, 0, 1])), min_size=2, max_size=9
)
beats_at = st.lists(st.tuples(st.sampled_from([0, 1, 12, 30]), st.integers(0, 7)), min_size=1, max_size=3)


@given(numbers, beats_at, st.integers(1, 6), st.sampled_from([99, 40, 11]))
def test_numbers_in_order_are_accounted_for_as_one_by_one(
    steps: Sequence[tuple[int, int]], beats: Sequence[tuple[int, int]], size: int, clock: int
) -> None:
    """The short way through a batch is the long way's result: findings, roll, and what is left for later."""
    rows, number, at = [], 0, 0
    for offset, (step, pause) in enumerate(steps):
        number, at = max(1, number + step), at + pause
        rows.append((at, offset, number, bytes([offset] * 16)))
    said = [(at, n, bytes(16), 0, last, 0, last) for n, (at, last) in enumerate(sorted(beats))]
    heard = [pack("a", incidents("a"), Kind.EVENTS, ONE.bytes, rows[n : n + size]) for n in range(0, len(rows), size)]
    heard += [pack("a", STREAM, Kind.BEATS, ONE.bytes, said)] if said else []
    whole, single = begun(), begun()
    called = call("a", whole, heard, POLICIES, outages=[], clock=clock)
    alone = call("a", single, one_by_one(heard), POLICIES, outages=[], clock=clock)
    assert sorted(called.findings) == sorted(alone.findings)
    assert (waiting_for(whole), called.past) == (waiting_for(single), alone.past)
    assert len(each(called.rest)) == sum(1 for place, *_ in each(heard) if place.received_at > clock) - later(
        heard, clock
    )
    assert load(dump(whole)) == whole


def begun() -> Roll:
    """Make a roll on which the epoch is known."""
    roll = Roll()
    start = pack("a", STREAM, Kind.BEATS, ONE.bytes, [(0, 0, bytes(16), 0, 0, 0, 0)])
    call("a", roll, [start], POLICIES, outages=[], clock=0)
    return roll


def waiting_for(roll: Roll) -> object:
    """Give what can still be told of a roll: where a gap that nobody has found yet began is forgotten."""
    series = {
        key: (s.announced, s.named, s.unread, [(g.by, g.announced, g.missing, part) for g in s.gaps for part in g.left])
        for key, s in roll.series.items()
    }
    return roll.heard, roll.silent, roll.epoch, series


def one_by_one(heard: Sequence[HeardRows]) -> list[HeardRows]:
    """Pack what was heard anew, so that every row stands alone behind one of another kind: nothing is in order then."""
    astray = pack("a", incidents("a"), Kind.UNREAD, ONE.bytes, [(0, 10**6, 0, b"")])
    return [astray, *heard]


def later(heard: Sequence[HeardRows], clock: int) -> int:
    """Count the rows that begin after the clock, which a call does not touch."""
    return len(each(item for item in heard if item.at > clock))


@pytest.mark.parametrize(("clock", "settled"), [(0, 1), (4, 1), (5, 3), (6, 4), (9, 4)])
def test_what_was_heard_is_cut_at_the_clock(clock: int, settled: int) -> None:
    """Between two milliseconds, never inside one."""
    rows = [(at, offset, offset, bytes(16)) for offset, at in enumerate([0, 5, 5, 6])]
    done, rest = cut(pack("a", STREAM, Kind.EVENTS, ONE.bytes, rows), clock)
    assert rows_of(done) == rows[:settled]
    assert (rows_of(rest) if rest else []) == rows[settled:]
    assert rest is None or (rest.at, rest.offset) == rows[settled][:2]


def test_a_ledger_goes_on_where_it_was(tmp_path: Path) -> None:
    """A roll is called again only when there is something to say."""
    with closing(open_ledger(f"sqlite:///{tmp_path}/l.db")) as ledger:
        replay(records_of(e(2, 0)), LISTENING, ["a"], ledger, T0 + 5)
        assert ledger.next_due() == {"a": T0 + 10}
        assert ledger.rolls()["a"].count_missing() == 0
