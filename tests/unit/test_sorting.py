"""Sorting a batch: every record is applied, a duplicate, a pulse or quarantined, or its stream halts before it."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from uuid import UUID

import pytest

from muster_contract.codec import PULSE
from muster_contract.events import Stamp
from muster_contract.headers import of_event
from muster_hq.entries import Counts, StreamState
from muster_hq.heard import Kind, beats_of, rows_of
from muster_hq.progress import Halt
from muster_hq.records import Record
from muster_hq.sorting import MAX_BROKER_SKEW, Batch, EventKey, Rules
from tests.builders import records_of
from tests.cases.bad_records import ENCOUNTERS, FIT, UNFIT, E, heartbeat, lodged
from tests.cases.builders import T0, Event, encounter, id_of, pulse, raw, report, value_of

INCIDENTS = "field.a.incidents"
RULES = Rules(frozenset("ab"), shortest_outage=None, delay_bounds=[0.01, 1.0], now=None)


def sort(
    *records: Record,
    states: Mapping[str, StreamState] | None = None,
    known: Mapping[EventKey, bytes] | None = None,
    rules: Rules = RULES,
) -> Batch:
    """Sort records as one batch, and settle it with what the ledger knows."""
    batch = Batch(rules, states or {})
    batch.sort(records)
    batch.settle(known or {})
    return batch


def sort_events(*events: Event, rules: Rules = RULES) -> Batch:
    """Sort a log as one batch."""
    return sort(*records_of(*events), rules=rules)


def counts(batch: Batch) -> Counts:
    """Add the counts of all streams."""
    total = Counts()
    for progress in batch.progress.values():
        total = total.plus(progress.counted())
    return total


def after(batch: Batch) -> tuple[dict[str, StreamState], dict[EventKey, bytes]]:
    """Give what the ledger knows after a batch: each stream's state, and the digests of applied events."""
    states = {name: progress.state(None) for name, progress in batch.progress.items()}
    known = {(new.fact.stream, new.fact.event_id): new.digest for new in batch.facts}
    return states, known | {(stream, event_id): digest for stream, event_id, digest in batch.notes}


@pytest.mark.parametrize(("event", "reason"), UNFIT)
def test_what_cannot_be_applied_is_quarantined(event: Event, reason: str) -> None:
    """With its reason, its bytes, their size and digest; nothing of it becomes a fact."""
    batch = sort_events(event)
    (record,) = batch.quarantined
    value = records_of(event)[0].value or b""
    assert (record.reason, record.size, record.sha256) == (reason, len(value), sha256(value).digest())
    assert record.value == (None if reason == "LABEL_ABOVE_CEILING" else value)
    assert (counts(batch), batch.facts, batch.notes) == (Counts(quarantined=1), [], [])


@pytest.mark.parametrize("event", FIT)
def test_what_just_fits_is_applied(event: Event) -> None:
    """The other side of each boundary."""
    assert counts(sort_events(event)) == Counts(applied=1)


def test_a_record_without_a_value_is_quarantined() -> None:
    """It keeps no value, which is not the same as an empty one."""
    (record,) = sort(Record(ENCOUNTERS, 0, T0, None)).quarantined
    assert (record.reason, record.value, record.size) == ("EMPTY_VALUE", None, 0)


def test_a_stream_of_an_office_that_is_not_registered_is_quarantined_whole() -> None:
    """Its pulses too: no clock of ours counts there."""
    batch = sort_events(E, pulse(1, ENCOUNTERS), rules=RULES._replace(offices=frozenset("b")))
    assert [record.reason for record in batch.quarantined] == ["UNKNOWN_OFFICE", "UNKNOWN_OFFICE"]


def test_an_event_that_names_another_office_is_found() -> None:
    """On the stream's office: that is who wrote it."""
    batch = sort_events(E, encounter("F", 3, office="b", stream=ENCOUNTERS))
    (finding,) = batch.findings
    assert (finding.kind, finding.office_id, finding.stream, finding.at) == ("WRONG_OFFICE", "a", ENCOUNTERS, T0 + 3)
    assert [(e.offset, e.event_id) for e in finding.evidence] == [(1, None)]


@pytest.mark.parametrize(("own", "ahead"), [(9, 0), (10, 0), (11, 1)])
def test_a_claim_from_the_future_is_clamped_and_found(own: int, ahead: int) -> None:
    """It buys no time: the event's own time is never later than its arrival."""
    batch = sort_events(encounter("E", 10, own=own))
    assert batch.facts[0].fact.own_at == T0 + min(own, 10)
    assert [finding.detail for finding in batch.findings] == [f"offset 0, {ahead} ms ahead"] * bool(ahead)


def test_two_claims_from_the_future_are_two_findings() -> None:
    """Even with the same arrival and the same claim: each is evidence."""
    found = sort_events(encounter("E", 10, own=11), encounter("F", 10, own=11)).findings
    assert [finding.kind for finding in found] == ["CLOCK_AHEAD", "CLOCK_AHEAD"]
    assert len({finding[:5] for finding in found}) == 2


def test_received_at_never_falls() -> None:
    """A broker whose clock is set back does not make a fact earlier than the one before it."""
    batch = sort_events(encounter("E", 10), encounter("F", 4), pulse(7, ENCOUNTERS), encounter("G", 11))
    assert [new.fact.received_at - T0 for new in batch.facts] == [10, 10, 11]
    assert batch.progress[ENCOUNTERS].clock == T0 + 11


def test_nor_does_it_fall_below_the_clock_of_the_batch_before() -> None:
    """The ledger's stream clock goes on."""
    batch = sort(Record(ENCOUNTERS, 7, T0, value_of(E)), states={ENCOUNTERS: StreamState(7, T0 + 5)})
    assert batch.facts[0].fact.received_at == T0 + 5


@pytest.mark.parametrize("one_batch", [True, False])
def test_a_second_copy_is_a_duplicate(*, one_batch: bool) -> None:
    """In the same batch and in a later one; on another stream it is another event."""
    first, second, elsewhere = records_of(E, E, encounter("E", 0, office="b"))
    if one_batch:
        assert counts(sort(first, second, elsewhere)) == Counts(applied=2, duplicate=1)
    else:
        states, known = after(sort(first, elsewhere))
        assert counts(sort(second, states=states, known=known)) == Counts(duplicate=1)


@pytest.mark.parametrize("one_batch", [True, False])
def test_other_bytes_under_a_known_event_id_conflict(*, one_batch: bool) -> None:
    """What was applied first stays; the other is quarantined with its bytes."""
    records = records_of(E, encounter("E", 0, match="NONE"), E)
    if one_batch:
        batch = sort(*records)
        assert counts(batch) == Counts(applied=1, duplicate=1, quarantined=1)
    else:
        states, known = after(sort(records[0]))
        batch = sort(*records[1:], states=states, known=known)
        assert counts(batch) == Counts(duplicate=1, quarantined=1)
    assert [(record.reason, record.value) for record in batch.quarantined] == [("CONFLICT", records[1].value)]


def test_an_older_event_id_is_a_suspect_until_the_ledger_has_been_asked() -> None:
    """Ids are time-ordered: only one that is no greater than all before may be known."""
    older, newer = sorted([encounter("E", 0), encounter("F", 0)], key=lambda event: id_of(event.name).bytes)
    batch = Batch(RULES, {})
    batch.sort(records_of(newer, older))
    assert batch.suspect_ids() == [(ENCOUNTERS, id_of(older.name).bytes)]
    batch.settle({})
    assert counts(batch) == Counts(applied=2)


def test_an_event_that_was_quarantined_does_not_stand_in_its_own_way() -> None:
    """The corrected event may carry the same id."""
    batch = sort_events(encounter("E", 0, label="SECRET"), E, E)
    assert counts(batch) == Counts(applied=1, duplicate=1, quarantined=1)


def test_events_of_headquarters_are_told_apart_by_id_too() -> None:
    """They have no case, and are remembered all the same."""
    once, changed = raw(lodged("L"), 0, "hq.directives"), raw(lodged("L", "other"), 0, "hq.directives")
    batch = sort_events(once, once, changed)
    assert counts(batch) == Counts(applied=1, duplicate=1, quarantined=1)
    assert [event_id for _, event_id, _ in batch.notes] == [id_of("L").bytes]


def test_the_latest_heartbeat_of_a_batch_counts() -> None:
    """Each is applied; none is a duplicate."""
    beats = [raw(heartbeat(pending=n), n, ENCOUNTERS) for n in (1, 2)]
    batch = sort_events(*beats, beats[0])
    assert (counts(batch), batch.heartbeats["a"].pending) == (Counts(applied=3), 1)


def test_the_four_counts_add_up_to_the_records_read() -> None:
    """By stream; what was taken before is not read again."""
    events = [E, E, raw(b"junk", 1, ENCOUNTERS), pulse(2, ENCOUNTERS), raw(heartbeat(), 3, ENCOUNTERS), report("S", 3)]
    batch = sort_events(*events)
    assert batch.progress[ENCOUNTERS].counted() == Counts(applied=2, duplicate=1, pulse=1, quarantined=1)
    assert batch.progress[INCIDENTS].counted() == Counts(applied=1)
    again = sort(*records_of(*events), states=after(batch)[0])
    assert counts(again) == Counts()


def test_a_hole_between_offsets_halts_the_stream() -> None:
    """Nothing after it is taken, on this stream; the others go on. It is a log that is broken."""
    first, _, third, fourth = records_of(*(encounter(name, 0) for name in "ABCD"))
    batch = sort(first, third, *records_of(report("S", 0)), fourth)
    (halt,) = batch.halts
    assert halt == Halt(ENCOUNTERS, 2, "offsets 1 to 1 are missing", halt.hint, broken=True)
    assert (batch.progress[ENCOUNTERS].next_offset, counts(batch)) == (1, Counts(applied=2))


def test_a_log_that_begins_above_the_position_is_a_hole() -> None:
    """Never a silent reset; nothing moves."""
    batch = sort(Record(ENCOUNTERS, 9, T0, PULSE), states={ENCOUNTERS: StreamState(7, T0)})
    assert [halt.cause for halt in batch.halts] == ["offsets 7 to 8 are missing"]
    assert batch.progress[ENCOUNTERS].state(None) == StreamState(7, T0)


@pytest.mark.parametrize(("ahead", "halted"), [(MAX_BROKER_SKEW, False), (MAX_BROKER_SKEW + 1, True)])
def test_an_append_time_too_far_ahead_halts_the_stream(*, ahead: int, halted: bool) -> None:
    """A wrong broker clock must not be believed; it may come right, so the log is not broken."""
    first, second = records_of(pulse(0, ENCOUNTERS), pulse(ahead, ENCOUNTERS))
    batch = sort(first, second, rules=RULES._replace(now=T0))
    assert [(halt.offset, halt.broken) for halt in batch.halts] == [(1, False)] * halted
    assert batch.progress[ENCOUNTERS].clock == T0 + (0 if halted else ahead)
    assert counts(batch).pulse == 2 - halted


def test_a_replay_takes_append_times_as_they_come() -> None:
    """Without a clock there is nothing to compare with."""
    assert sort_events(pulse(10**12, ENCOUNTERS)).halts == []


@pytest.mark.parametrize(("silence", "gaps"), [(20, []), (21, [("a", T0 + 5, T0 + 26)])])
def test_a_stretch_longer_than_the_shortest_outage_is_noted(silence: int, gaps: list[tuple[str, int, int]]) -> None:
    """Between any two records of a stream of an office; not before its first, nor on headquarters' own."""
    events = [pulse(at, stream) for stream in (ENCOUNTERS, "hq.directives") for at in (5, 5 + silence)]
    assert sort_events(*events, rules=RULES._replace(shortest_outage=20)).gaps == gaps


def test_a_stretch_is_noted_across_batches() -> None:
    """It begins at the clock that the ledger holds."""
    record = Record(ENCOUNTERS, 7, T0 + 30, b"junk")
    batch = sort(record, states={ENCOUNTERS: StreamState(7, T0)}, rules=RULES._replace(shortest_outage=20))
    assert batch.gaps == [("a", T0, T0 + 30)]


def test_without_a_policy_that_knows_outages_no_stretch_is_noted() -> None:
    """There is nothing to remember."""
    assert sort_events(pulse(0, ENCOUNTERS), pulse(10**9, ENCOUNTERS)).gaps == []


def test_delays_run_from_recording_to_arrival() -> None:
    """By bucket; a record from the future has none."""
    recorded = [encounter(str(n), 2000, recorded_at=T0 + 2000 - delay) for n, delay in enumerate([0, 10, 11, 1001, -5])]
    batch = sort_events(*recorded)
    counts, total = batch.delays()
    assert list(counts.values()) == [3, 1, 1]
    assert total == pytest.approx(1.022)


EPOCH = UUID(int=1)


def numbered(sequence: int, value: bytes | None = None) -> Record:
    """Build the record of a numbered encounter, or of other bytes under its headers."""
    name = str(sequence)
    event = encounter(name, 0, epoch=EPOCH.bytes, sequence=sequence)
    stamp = Stamp(event_id=id_of(name), office_id="a", epoch=EPOCH, sequence=sequence, recorded_at=T0)
    headers = of_event("EncounterReported", stamp)
    return Record(ENCOUNTERS, 0, T0, value or value_of(event), lambda: headers)


def test_numbers_are_accounted_for_even_when_the_body_is_not_readable() -> None:
    """The headers carry them; a copy counts once."""
    records = [numbered(1), numbered(2, b"junk"), numbered(1), numbered(5)]
    batch = sort(*(record._replace(offset=offset) for offset, record in enumerate(records)))
    assert heard_in(batch) == {(Kind.EVENTS, EPOCH.bytes): [1, 5], (Kind.UNREAD, EPOCH.bytes): [2]}
    assert (batch.quarantined[0].epoch, batch.quarantined[0].sequence) == (EPOCH, 2)


def test_events_of_a_log_file_need_have_no_numbers() -> None:
    """Zero is none; it was heard all the same."""
    assert heard_in(sort_events(E)) == {(Kind.EVENTS, b""): [0]}


def test_each_numbered_record_is_answered() -> None:
    """Runs of accepted ones together; a copy and what is not readable for itself."""
    records = [numbered(1), numbered(2), numbered(3, b"junk"), numbered(1), numbered(4)]
    batch = sort(*(record._replace(offset=offset) for offset, record in enumerate(records)))
    answers = [(r.outcome, r.sequence, r.through, r.offset, r.reason) for r in batch.hearing.receipts()]
    assert sorted(answers) == [
        ("ACCEPTED", 1, 2, 1, None),
        ("ACCEPTED", 4, None, 4, None),
        ("DUPLICATE", 1, None, 3, None),
        ("QUARANTINED", 3, None, 2, "NOT_FRAMED"),
    ]


def test_an_office_that_is_not_registered_is_not_answered() -> None:
    """It has no topic to be answered on."""
    batch = sort_events(raw(b"junk", 0, "field.z.encounters"))
    assert (len(batch.quarantined), batch.hearing.receipts()) == (1, [])


def test_numbers_of_another_office_are_none_of_this_one() -> None:
    """Whoever wrote where they must not is found for that alone."""
    astray = numbered(7, value_of(encounter("E", 0, office="b")))
    assert heard_in(sort(astray)) == {}


def test_what_was_heard_stands_in_order_of_offset() -> None:
    """Though suspects are told apart after the others."""
    older, newer = sorted([encounter("E", 0), encounter("F", 0)], key=lambda event: id_of(event.name).bytes)
    events = [encounter(event.name, 0, sequence=n) for n, event in enumerate([newer, older], 1)]
    (heard,) = [heard for heard in sort_events(*events).heard() if heard.kind == Kind.EVENTS]
    assert [row[1:3] for row in rows_of(heard)] == [(0, 1), (1, 2)]


def test_a_heartbeat_says_up_to_where_all_was_sent() -> None:
    """To the last number, or to below the lowest that waits."""
    beat = heartbeat(last_encounter_sequence=9, last_incident_sequence=4, lowest_pending_incident_sequence=3)
    (heard,) = [heard for heard in sort_events(raw(beat, 5, ENCOUNTERS)).heard() if heard.kind == Kind.BEATS]
    assert beats_of(heard) == [(T0 + 5, 0, bytes(16), 9, 4, 9, 2)]


def test_the_first_record_of_a_stream_is_noted() -> None:
    """Once, and only of an office's stream: who was never heard is silent from then on."""
    records = records_of(*(pulse(at, stream) for stream in (ENCOUNTERS, "hq.directives") for at in (5, 6)))
    assert [heard[:6] for heard in sort(*records).heard()] == [("a", ENCOUNTERS, Kind.BEGUN, b"", T0 + 5, 0)]
    again = Record(ENCOUNTERS, 2, T0 + 7, PULSE)
    assert sort(again, states=after(sort(*records))[0]).heard() == []


def heard_in(batch: Batch) -> dict[tuple[int, bytes], list[int]]:
    """Give the numbers of the records that a batch heard, by kind and epoch."""
    records = [heard for heard in batch.heard() if heard.kind in {Kind.EVENTS, Kind.UNREAD}]
    return {(heard.kind, heard.epoch): [row[2] for row in rows_of(heard)] for heard in records}
