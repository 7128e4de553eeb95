"""Whatever happens to a relay and its broker: order, completeness and honest marks."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from muster_field.fakes import FakeBroker
from muster_field.office import FieldOffice
from muster_field.relay import RelayOptions
from muster_field.sender import Refusal
from tests.field.offices import ENCOUNTERS, INCIDENTS, office_at
from tests.field.relaying import QUIET, StopAfter, drain, relay_on
from tests.schemas.builders import event_of

ENCOUNTER, INCIDENT = event_of("EncounterReported"), event_of("IncidentReported")

steps = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.integers(1, 8)),
        st.tuples(st.just("relay"), st.integers(1, 6)),
        st.tuples(st.just("crash"), st.integers(1, 4)),
        st.tuples(st.sampled_from(["lose", "down", "up", "refuse for now", "allow"]), st.just(0)),
    ),
    max_size=12,
)


class Trouble:
    """A broker to which a script does things."""

    def __init__(self, poison: set[int], *, batches: bool, answers_every: int) -> None:
        self.broker = FakeBroker()
        self.broker.refuses_batches, self.broker.answers_every = batches, answers_every
        self.broker.refuses = lambda parcel: self._refusal(parcel.sequence or 0)
        self._poison, self._barred = poison, False

    def do(self, step: str) -> None:
        """Do a step to the broker."""
        if step == "lose":
            self.broker.loses_next_sender = True
        elif step in {"down", "up"}:
            self.broker.reachable = step == "up"
        else:
            self._barred = step == "refuse for now"

    def _refusal(self, sequence: int) -> Refusal | None:
        if sequence in self._poison:
            return Refusal("INVALID_RECORD", for_good=True)
        return Refusal("NOT_NOW", for_good=False) if self._barred else None


def play(script: list[tuple[str, int]], place: Path, office: FieldOffice, trouble: Trouble, window: int) -> None:
    """Record, relay and crash as the script says."""
    options = RelayOptions(heartbeat_seconds=None, window=window)
    for step, amount in script:
        if step == "record":
            office.accept_many([ENCOUNTER, INCIDENT] * amount)
        elif step in {"relay", "crash"}:
            with relay_on(place, trouble.broker, options) as relay:
                if step == "relay":
                    relay.run(StopAfter(amount))
                for _ in range(amount if step == "crash" else 0):
                    relay._turn(StopAfter(9))  # noqa: SLF001 - as a relay that is killed between two turns
        else:
            trouble.do(step)


@settings(max_examples=60, deadline=None)
@given(
    script=steps,
    poison=st.sets(st.integers(1, 30), max_size=3),
    batches=st.booleans(),
    window=st.sampled_from([1, 3, 100]),
    answers_every=st.sampled_from([1, 3]),
)
def test_every_number_arrives_in_order_or_is_set_aside(
    script: list[tuple[str, int]], poison: set[int], *, batches: bool, window: int, answers_every: int
) -> None:
    """First arrivals are in order and complete; exactly what the broker will never take is set aside."""
    trouble = Trouble(poison, batches=batches, answers_every=answers_every)
    with TemporaryDirectory() as name, office_at(Path(name)) as office:
        play([*script, ("up", 0), ("allow", 0)], Path(name), office, trouble, window)
        assert drain(Path(name), trouble.broker, QUIET)
        for stream, state in zip((ENCOUNTERS, INCIDENTS), office.state().streams, strict=True):
            numbers = set(range(1, state.last_sequence + 1))
            first_arrivals = list(dict.fromkeys(trouble.broker.sequences(stream)))
            assert first_arrivals == sorted(numbers - poison)
            assert {one.sequence for one in state.set_aside} == numbers & poison
            assert state.sent == len(numbers - poison)
