"""The relay: strictly in order, nothing marked before the acknowledgement, nothing lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from muster_contract.codec import decode
from muster_contract.headers import Number, number_of
from muster_field.fakes import FakeBroker
from muster_field.locks import Held
from muster_field.office import FieldOffice
from muster_field.outbox import Outbox
from muster_field.outbox_care import ask_again, offset_of
from muster_field.outbox_store import relay_lock
from muster_field.relay import RelayOptions
from muster_field.sender import Parcel, Refusal
from muster_field.state import Reason
from tests.field.offices import ENCOUNTERS, INCIDENTS, NOW, Clock, office_at
from tests.field.relaying import QUIET, StopAfter, drain, relay_on
from tests.schemas.builders import PLANTED, event_of

ENCOUNTER, INCIDENT = event_of("EncounterReported", case_id=PLANTED), event_of("IncidentReported", case_id=PLANTED)
FOR_GOOD = Refusal("INVALID_RECORD", for_good=True)
NOT_NOW = Refusal("TOPIC_AUTHORIZATION_FAILED", for_good=False)


@pytest.fixture
def broker() -> FakeBroker:
    """Give an empty broker."""
    return FakeBroker()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[FieldOffice]:
    """Open an empty outbox."""
    with office_at(tmp_path) as office:
        yield office


def test_everything_goes_in_order(tmp_path: Path, office: FieldOffice, broker: FakeBroker) -> None:
    """Each stream has its numbers in order, and the outbox knows that they are there."""
    office.accept_many([ENCOUNTER, INCIDENT] * 1200)
    assert drain(tmp_path, broker)
    assert broker.sequences(ENCOUNTERS) == broker.sequences(INCIDENTS) == list(range(1, 1201))
    assert [stream.sent for stream in office.state().streams] == [1200, 1200]


def test_a_record_is_the_stored_bytes_with_its_number_in_the_headers(
    tmp_path: Path, office: FieldOffice, broker: FakeBroker
) -> None:
    """Headquarters can account for the number without reading the value; no header says which case."""
    accepted = office.accept(INCIDENT)
    drain(tmp_path, broker)
    (parcel,) = broker.log[INCIDENTS]
    assert decode(parcel.value).fields["event_id"] == accepted.event_id.bytes
    assert number_of(parcel.headers) == Number(accepted.epoch, 1)
    assert dict(parcel.headers)["ce_type"] == b"muster.field.IncidentReported"
    assert PLANTED.encode() not in b"".join(value for _, value in parcel.headers)


def test_nothing_is_marked_before_the_acknowledgement(tmp_path: Path, office: FieldOffice, broker: FakeBroker) -> None:
    """A broker that does not answer has nothing, as far as the outbox knows."""
    office.accept(ENCOUNTER)
    broker.reachable = False
    assert not drain(tmp_path, broker, seconds=3)
    assert office.state().pending == 1


def test_what_was_not_acknowledged_is_sent_after_a_restart(
    tmp_path: Path, office: FieldOffice, broker: FakeBroker
) -> None:
    """The next relay begins at the first number that is not acknowledged, in order."""
    office.accept_many([ENCOUNTER] * 3)
    drain(tmp_path, broker)
    office.accept_many([ENCOUNTER] * 2)
    broker.reachable = False
    drain(tmp_path, broker, seconds=3)
    broker.reachable = True
    assert drain(tmp_path, broker)
    assert broker.sequences(ENCOUNTERS) == [1, 2, 3, 4, 5]


def test_a_lost_sender_is_replaced_and_nothing_overtakes(
    tmp_path: Path, office: FieldOffice, broker: FakeBroker
) -> None:
    """What the old one had in hand goes again, from the first number undecided."""
    office.accept_many([ENCOUNTER] * 10)
    broker.loses_next_sender = True
    assert drain(tmp_path, broker)
    assert broker.sequences(ENCOUNTERS) == list(range(1, 11))


def test_a_refusal_that_passes_holds_the_later_ones_back(
    tmp_path: Path, office: FieldOffice, broker: FakeBroker
) -> None:
    """While the broker may not take 4, it does not get 5; once it may, all go in order."""
    office.accept_many([ENCOUNTER] * 6)
    broker.refuses = lambda parcel: NOT_NOW if parcel.sequence == 4 else None
    assert not drain(tmp_path, broker, seconds=30)
    assert broker.sequences(ENCOUNTERS) == [1, 2, 3]
    broker.refuses = lambda _: None
    assert drain(tmp_path, broker)
    assert broker.sequences(ENCOUNTERS) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(("refused", "other"), [(ENCOUNTERS, INCIDENTS), (INCIDENTS, ENCOUNTERS)])
def test_a_stream_that_is_refused_holds_the_other_one_back_no_longer_than_a_moment(
    tmp_path: Path, office: FieldOffice, broker: FakeBroker, refused: str, other: str
) -> None:
    """Its right is missing, or its topic: the other one's events arrive all the same, and later its own, in order."""
    office.accept_many([ENCOUNTER, INCIDENT] * 3)
    broker.refuses = lambda parcel: NOT_NOW if parcel.stream == refused else None
    assert not drain(tmp_path, broker, seconds=30)
    assert (broker.sequences(other), broker.sequences(refused)) == ([1, 2, 3], [])
    office.accept_many([ENCOUNTER, INCIDENT])
    broker.refuses = lambda _: None
    assert drain(tmp_path, broker)
    assert broker.sequences(other) == broker.sequences(refused) == [1, 2, 3, 4]


def test_an_office_whose_reports_are_refused_lives(tmp_path: Path, office: FieldOffice, broker: FakeBroker) -> None:
    """Heartbeats go on, and say what is pending: headquarters sees that something waits."""
    office.accept_many([INCIDENT] * 2)
    broker.refuses = lambda parcel: NOT_NOW if parcel.stream == INCIDENTS else None
    assert not drain(tmp_path, broker, RelayOptions(heartbeat_seconds=5), seconds=100)
    beats = [decode(parcel.value).fields for parcel in broker.log[ENCOUNTERS]]
    assert len(beats) > 10
    assert {beat["pending"] for beat in beats} == {2}


def test_a_stream_that_is_refused_is_tried_ever_more_rarely(
    tmp_path: Path, office: FieldOffice, broker: FakeBroker
) -> None:
    """Though the other one succeeds all the time."""
    office.accept_many([INCIDENT])
    tried: list[Parcel] = []

    def refuses(parcel: Parcel) -> Refusal | None:
        if parcel.stream != INCIDENTS:
            office.accept_many([ENCOUNTER] * (parcel.sequence is not None and parcel.sequence < 50))
            return None
        tried.append(parcel)
        return NOT_NOW

    broker.refuses = refuses
    office.accept_many([ENCOUNTER])
    assert not drain(tmp_path, broker, seconds=60)
    assert (len(broker.sequences(ENCOUNTERS)), len(tried) < 12) == (50, True)


def test_a_refusal_for_good_sets_that_one_aside_and_only_that(
    tmp_path: Path, office: FieldOffice, broker: FakeBroker
) -> None:
    """The broker refuses the batch; sent alone, the one to blame shows, and the rest goes on in order."""
    office.accept_many([ENCOUNTER] * 6)
    broker.refuses = lambda parcel: FOR_GOOD if parcel.sequence == 4 else None
    assert drain(tmp_path, broker)
    assert broker.sequences(ENCOUNTERS) == [1, 2, 3, 5, 6]
    encounters = office.state().encounters
    assert [(one.sequence, one.reason, one.detail) for one in encounters.set_aside] == [
        (4, Reason.REFUSED, "INVALID_RECORD")
    ]
    assert (encounters.sent, encounters.pending) == (5, 0)


def test_a_batch_refused_for_one_of_them_is_not_set_aside_whole(
    tmp_path: Path, office: FieldOffice, broker: FakeBroker
) -> None:
    """Kafka refuses all records of a batch for one of them: each gets its own trial."""
    office.accept_many([ENCOUNTER] * 6)
    alone = RelayOptions(heartbeat_seconds=None, window=6)
    broker.refuses_batches = True
    broker.refuses = lambda parcel: FOR_GOOD if parcel.sequence == 4 else None
    assert drain(tmp_path, broker, alone)
    assert broker.sequences(ENCOUNTERS) == [1, 2, 3, 5, 6]


def test_a_damaged_row_is_set_aside_with_its_number_and_never_sent(
    tmp_path: Path, office: FieldOffice, broker: FakeBroker
) -> None:
    """Its digest does not fit; the others go on."""
    office.accept_many([ENCOUNTER] * 3)
    damage(tmp_path, "update encounters set value = zeroblob(200) where sequence = 2")
    assert drain(tmp_path, broker)
    assert broker.sequences(ENCOUNTERS) == [1, 3]
    assert [(one.sequence, one.reason) for one in office.state().encounters.set_aside] == [(2, Reason.CORRUPT)]


@pytest.mark.parametrize(
    "sql",
    [
        "update encounters set recorded_at = recorded_at + 1 where sequence = 2",
        "update encounters set event_id = zeroblob(16) where sequence = 2",
        "update encounters set digest = null where sequence = 2",
        "update encounters set value = null where sequence = 2",
        "delete from encounters where sequence = 2",
    ],
)
def test_any_damage_is_noticed(tmp_path: Path, office: FieldOffice, broker: FakeBroker, sql: str) -> None:
    """The digest covers all that is sent, and a row that is gone is missed."""
    office.accept_many([ENCOUNTER] * 3)
    damage(tmp_path, sql)
    drain(tmp_path, broker)
    assert broker.sequences(ENCOUNTERS) == [1, 3]
    assert [one.sequence for one in office.state().encounters.set_aside] == [2]


def damage(folder: Path, sql: str) -> None:
    """Change the file behind the outbox's back."""
    outbox = Outbox.open(folder / "outbox.db")
    with outbox.store.writing() as db:
        db.execute(sql)
    outbox.close()


def test_a_full_queue_is_waited_for(tmp_path: Path, office: FieldOffice, broker: FakeBroker) -> None:
    """The client's queue is smaller than the window: nothing is lost, and the order holds."""
    office.accept_many([ENCOUNTER] * 50)
    broker.queue_size = 3
    assert drain(tmp_path, broker)
    assert broker.sequences(ENCOUNTERS) == list(range(1, 51))


def test_no_more_than_the_window_is_under_way(tmp_path: Path, office: FieldOffice, broker: FakeBroker) -> None:
    """Memory is bounded however long the link is out."""
    office.accept_many([ENCOUNTER] * 50)
    broker.reachable, broker.queue_size = False, 1_000
    with relay_on(tmp_path, broker, RelayOptions(heartbeat_seconds=None, window=7)) as relay:
        relay.run(StopAfter(20))
    assert broker.most_queued == 7


def test_a_second_relay_is_refused(tmp_path: Path, office: FieldOffice, broker: FakeBroker) -> None:
    """It would overtake the first one."""
    del office
    with (
        relay_on(tmp_path, broker) as second,
        relay_lock(tmp_path / "outbox.db"),  # which the first one holds for life
        pytest.raises(Held, match="another relay is at work"),
    ):
        second.run(StopAfter(1))


def test_what_is_asked_for_again_is_sent_again(tmp_path: Path, office: FieldOffice, broker: FakeBroker) -> None:
    """The same bytes once more, and the first offset stays the one that counts."""
    office.accept_many([ENCOUNTER] * 4)
    drain(tmp_path, broker)
    outbox = Outbox.open(tmp_path / "outbox.db")
    assert ask_again(outbox, "encounters", 2, 3) == 2
    assert (office.state().pending, office.state().encounters.lowest_pending) == (2, 2)
    drain(tmp_path, broker)
    assert broker.sequences(ENCOUNTERS) == [1, 2, 3, 4, 2, 3]
    assert broker.log[ENCOUNTERS][1] == broker.log[ENCOUNTERS][4]
    assert offset_of(outbox, "encounters", 3) == 2
    assert office.state().pending == 0
    outbox.close()


def test_what_was_set_aside_can_be_sent_once_its_cause_is_gone(
    tmp_path: Path, office: FieldOffice, broker: FakeBroker
) -> None:
    """It is no longer set aside then."""
    office.accept_many([ENCOUNTER] * 3)
    broker.refuses = lambda parcel: FOR_GOOD if parcel.sequence == 2 else None
    drain(tmp_path, broker)
    broker.refuses = lambda _: None
    outbox = Outbox.open(tmp_path / "outbox.db")
    ask_again(outbox, "encounters", 2, 2)
    outbox.close()
    drain(tmp_path, broker)
    assert broker.sequences(ENCOUNTERS) == [1, 3, 2]
    assert (office.state().encounters.set_aside, office.state().encounters.sent) == ((), 3)


def test_a_heartbeat_says_up_to_where_the_office_recorded(
    tmp_path: Path, office: FieldOffice, broker: FakeBroker
) -> None:
    """It comes at the end of a drain, without a sequence, on the encounters stream."""
    office.accept_many([ENCOUNTER] * 3 + [INCIDENT])
    drain(tmp_path, broker, RelayOptions())
    beat = decode(broker.log[ENCOUNTERS][-1].value)
    assert beat.schema.name == "OfficeHeartbeat"
    assert (beat.fields["last_encounter_sequence"], beat.fields["last_incident_sequence"]) == (3, 1)
    assert (beat.fields["pending"], beat.fields["lowest_pending_encounter_sequence"]) == (0, None)
    assert number_of(broker.log[ENCOUNTERS][-1].headers) is None


def test_a_heartbeat_names_what_was_set_aside(tmp_path: Path, office: FieldOffice, broker: FakeBroker) -> None:
    """It was recorded and not sent: its number is named."""
    office.accept_many([ENCOUNTER] * 3)
    broker.refuses = lambda parcel: FOR_GOOD if parcel.sequence == 2 else None
    drain(tmp_path, broker, RelayOptions())
    beat = decode(broker.log[ENCOUNTERS][-1].value).fields
    assert (beat["pending"], beat["lowest_pending_encounter_sequence"]) == (1, 2)


def test_heartbeats_come_at_their_interval(tmp_path: Path, office: FieldOffice, broker: FakeBroker) -> None:
    """The first one at once, on the relay's monotonic clock."""
    del office
    with relay_on(tmp_path, broker, RelayOptions(heartbeat_seconds=1)) as relay:
        relay.run(StopAfter(40))
    beats = [decode(parcel.value).schema.name for parcel in broker.log[ENCOUNTERS]]
    assert set(beats) == {"OfficeHeartbeat"}
    assert 5 < len(beats) < 20


def test_a_relay_that_runs_for_long_forgets_old_bytes(tmp_path: Path, office: FieldOffice, broker: FakeBroker) -> None:
    """At its start, and again and again: what was sent is not kept longer because nobody restarts it."""
    clock = Clock()
    keeping = RelayOptions(heartbeat_seconds=None, keep_values=1_000, prune_seconds=5)
    office.accept_many([ENCOUNTER] * 2)
    with relay_on(tmp_path, broker, keeping, clock) as relay:
        assert relay.drain(100)
        clock.now += 1_001
        relay.run(StopAfter(30))
    with closing(Outbox.open(tmp_path / "outbox.db")) as outbox:
        assert [row.value for row in outbox.page("encounters", 0, 9)] == [None, None]


def test_a_heartbeat_is_not_sent_while_another_waits(tmp_path: Path, office: FieldOffice, broker: FakeBroker) -> None:
    """A link that is out for days leaves one, not thousands."""
    del office
    broker.reachable = False
    with relay_on(tmp_path, broker, RelayOptions(heartbeat_seconds=0.1)) as relay:
        relay.run(StopAfter(50))
    assert broker.most_queued == 1


def test_a_replay_gives_records_their_own_time(tmp_path: Path, office: FieldOffice, broker: FakeBroker) -> None:
    """The scenario's instants become the records' timestamps; otherwise the broker's clock decides."""
    office.accept(ENCOUNTER)
    drain(tmp_path, broker, RelayOptions(heartbeat_seconds=None, timestamp_of=lambda row: row.recorded_at))
    office.accept(ENCOUNTER)
    drain(tmp_path, broker)
    assert [parcel.timestamp for parcel in broker.log[ENCOUNTERS]] == [NOW, None]


def test_stopping_waits_for_what_is_under_way(tmp_path: Path, office: FieldOffice, broker: FakeBroker) -> None:
    """What the broker acknowledges while the relay closes is marked."""
    office.accept(ENCOUNTER)
    with relay_on(tmp_path, broker) as relay:
        relay.run(StopAfter(1))
    assert (office.state().pending, broker.sequences(ENCOUNTERS)) == (0, [1])


def test_no_log_line_shows_a_case(
    tmp_path: Path, office: FieldOffice, broker: FakeBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the relay has to say, it says it in numbers and codes."""
    office.accept_many([ENCOUNTER, INCIDENT] * 3)
    broker.refuses = lambda parcel: FOR_GOOD if parcel.sequence == 2 else None
    drain(tmp_path, broker)
    said = "".join(capsys.readouterr())
    assert "event_set_aside" in said
    assert PLANTED not in said


def test_the_loops_last_turn_is_known(tmp_path: Path, office: FieldOffice, broker: FakeBroker) -> None:
    """It lives as long as that moves."""
    del office
    clock = Clock()
    with relay_on(tmp_path, broker, QUIET, clock) as relay:
        clock.now += 5
        relay.run(StopAfter(1))
        assert relay.turned_at == NOW + 5


def test_a_parcel_of_another_epoch_is_never_sent(tmp_path: Path, office: FieldOffice, broker: FakeBroker) -> None:
    """Every record carries the epoch of the file that it came from."""
    office.accept(ENCOUNTER)
    drain(tmp_path, broker)
    (parcel,) = broker.log[ENCOUNTERS]
    assert isinstance(parcel, Parcel)
    assert UUID(bytes=decode(parcel.value).fields["epoch"]) == office.state().epoch


def test_a_drain_ends_with_a_heartbeat_that_arrived(tmp_path: Path, office: FieldOffice, broker: FakeBroker) -> None:
    """A sender that is lost with the last heartbeat in hand is replaced, and the heartbeat sent again."""
    office.accept(ENCOUNTER)
    drain(tmp_path, broker)
    broker.loses_next_sender = True
    assert drain(tmp_path, broker, RelayOptions())
    assert [decode(parcel.value).schema.name for parcel in broker.log[ENCOUNTERS]][1:] == ["OfficeHeartbeat"]


def test_a_drain_whose_last_heartbeat_does_not_arrive_is_not_done(
    tmp_path: Path, office: FieldOffice, broker: FakeBroker
) -> None:
    """Nothing is pending, and headquarters has not been told."""
    del office
    broker.reachable = False
    assert not drain(tmp_path, broker, RelayOptions(), seconds=5)


def test_a_lost_heartbeat_is_sent_again_at_once(tmp_path: Path, office: FieldOffice, broker: FakeBroker) -> None:
    """Not a minute later: until then headquarters would know nothing of the tail."""
    del office
    broker.loses_next_sender = True
    with relay_on(tmp_path, broker, RelayOptions(heartbeat_seconds=1_000)) as relay:
        relay.run(StopAfter(30))
    assert len(broker.log[ENCOUNTERS]) == 1


@pytest.mark.parametrize("refused", [1, 4, 6])
def test_no_heartbeat_claims_a_number_that_the_broker_refused(
    tmp_path: Path, office: FieldOffice, broker: FakeBroker, refused: int
) -> None:
    """At whatever moment it is sent: every number below the lowest that it names stands before it on the stream."""
    broker.refuses_batches = True
    broker.refuses = lambda parcel: FOR_GOOD if parcel.sequence == refused else None
    with relay_on(tmp_path, broker, RelayOptions(heartbeat_seconds=0.1, window=4)) as relay:
        for _ in range(3):
            office.accept_many([ENCOUNTER] * 2)
            relay.drain(20)
    seen: set[int] = set()
    beats = 0
    for parcel in broker.log[ENCOUNTERS]:
        if parcel.sequence is None:
            beat = decode(parcel.value).fields
            lowest = beat["lowest_pending_encounter_sequence"] or beat["last_encounter_sequence"] + 1
            assert set(range(1, lowest)) <= seen
            beats += lowest == refused
        else:
            seen.add(parcel.sequence)
    assert beats > 0, "the refused number is named"
    assert seen == set(range(1, 7)) - {refused}
