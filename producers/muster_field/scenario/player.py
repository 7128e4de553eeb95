"""Plays a scenario through the real field API, outboxes and relay: only the clock and the ids are the scenario's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import UUID

from muster_contract.errors import MusterError
from muster_contract.register import Office
from muster_field.enqueue import Rules
from muster_field.heartbeat import heartbeat, parcel_of
from muster_field.office import Accepted, FieldOffice
from muster_field.outbox import Outbox, Progress
from muster_field.outbox_care import ask_again, find
from muster_field.outbox_file import Identity
from muster_field.relay import Relay, RelayOptions
from muster_field.reserve import FLOOR_BYTES, Reserve
from muster_field.scenario.kept_open import KeptOpen
from muster_field.scenario.script import Beat, Lodging, Ours, Pulse, Record, Resend, Scenario, Step
from muster_field.sender import Sender
from muster_field.state import Reason, SetAside

AT_A_TIME = 24
DRAIN_SECONDS = 30.0
NOT_TRANSMITTED = "NOT_TRANSMITTED"
"""Why the scenario sets an event aside, in place of a broker's code."""

Connect = Callable[[], Sender]


def play(  # noqa: PLR0913 - what is played, by whom, where to
    scenario: Scenario,
    steps: Iterable[Step],
    *,
    register: Sequence[Office],
    folder: Path,
    connect: Connect,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Let each office take its steps; the outboxes stay in ``folder`` for the next time.

    Offices are played some at a time, each in a thread, as they wait for the disk and the broker.
    ``progress`` is told how many steps each office took.
    """
    folder.mkdir(parents=True, exist_ok=True)
    offices = frozenset(office.id for office in register)
    by_office: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        if not isinstance(step, Ours):
            by_office[step.office].append(step)

    def play_office(office: str) -> int:
        path, epoch = folder / f"{office}.outbox", scenario.epochs[office]
        with closing(Player(path, Rules(office, offices), epoch, connect)) as player:
            for step in by_office[office]:
                player.take(step)
            player.send()
        return len(by_office[office])

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for number in pool.map(play_office, by_office):
            progress(number)


class Player:
    """One office of a scenario."""

    def __init__(self, path: Path, rules: Rules, epoch: UUID, connect: Connect) -> None:
        self._now, self._next_id = 0, epoch
        self._sender = KeptOpen(connect)
        self._outbox = Outbox.open(path, if_new=Identity(rules.office_id, epoch, 0), reserve=unreserved(path))
        self._office = FieldOffice(self._outbox, rules, self._clock, self._new_id)

    def take(self, step: Step) -> None:
        """Take a step at its instant, under its id."""
        match step:
            case Record(at, _, event_id, event, sent):
                if not sent:
                    self.send()
                self._now, self._next_id = at, event_id
                accepted = self._office.accept(event)
                if not sent:
                    self._leave_behind(accepted)
            case Resend(at, _, event_id):
                self.send()
                self._now = at
                place = find(self._outbox, event_id.bytes)
                if place is not None:
                    kind, sequence = place
                    ask_again(self._outbox, kind, sequence, sequence)
            case Beat(at, _, event_id):
                self.send()
                self._now = at
                self._beat(event_id)
            case Pulse() | Lodging():
                pass

    def send(self) -> None:
        """Have the relay send all that is pending, each record with the time at which it was recorded."""
        if not self._outbox.state().pending:
            return
        options = RelayOptions(heartbeat_seconds=None, timestamp_of=lambda row: row.recorded_at)
        relay = Relay(self._outbox, lambda: self._sender, clock=self._clock, new_id=self._new_id, options=options)
        if not relay.drain(DRAIN_SECONDS):
            raise _not_there()

    def close(self) -> None:
        """Close the outbox and the connection."""
        self._sender.end()
        self._office.close()

    def _leave_behind(self, accepted: Accepted) -> None:
        """Set the newest event aside: it is recorded and numbered, and never sent."""
        kind, sequence = accepted.stream.rpartition(".")[2], accepted.sequence
        aside = SetAside(sequence=sequence, reason=Reason.REFUSED, detail=NOT_TRANSMITTED, at=self._now)
        self._outbox.mark([Progress(kind, sequence, set_aside=[aside])], self._now)

    def _beat(self, event_id: UUID) -> None:
        beat = heartbeat(self._outbox.state(), event_id, self._now)
        self._sender.send(parcel_of(beat)._replace(timestamp=self._now))
        if not any(report.refusal is None for report in self._sender.close(DRAIN_SECONDS)):
            raise _not_there()

    def _clock(self) -> int:
        return self._now

    def _new_id(self, _now: int) -> UUID:
        return self._next_id


def unreserved(outbox: Path) -> Reserve:
    """Give a reserve that takes no room: these outboxes are thrown away, and the disk is others' too."""
    return Reserve(outbox, free_bytes=lambda: FLOOR_BYTES)


def _not_there() -> MusterError:
    return MusterError.of("Kafka", f"did not take the records within {DRAIN_SECONDS:.0f} s", "is --bootstrap right?")
