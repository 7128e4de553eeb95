"""Offices that go on publishing by the real clock: for watching the metrics move after the demonstration.

Every second or so an office meets somebody. Most reports follow within seconds, some too late, some never;
the deadlines are those of the policy ``demo-kstep`` from its live version on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from threading import Event
from uuid import UUID

from muster_contract.events import EncounterReported, FieldEvent, IncidentReported, MatchResolved
from muster_contract.register import Office
from muster_contract.times import to_datetime
from muster_field.enqueue import Rules
from muster_field.office import FieldOffice
from muster_field.outbox import Outbox
from muster_field.outbox_file import Identity
from muster_field.relay import Relay, RelayOptions
from muster_field.scenario.draw import Draw
from muster_field.scenario.player import Connect, unreserved
from muster_field.scenario.script import SECOND

OFFICES = 6
"""How many offices of a register live: each has a relay and a connection of its own."""
HEARTBEAT_SECONDS = 5.0
TICK_SECONDS = 0.1

_SECONDS_UNTIL = {"INITIAL": ((2, 9), (11, 25)), "FOLLOW_UP": ((5, 19), (21, 35))}
"""How soon a report follows what it is due after: in time, or too late."""

Clock = Callable[[], int]
NewId = Callable[[int], UUID]
Watch = Callable[[Outbox, Relay], AbstractContextManager[object]]
"""Gives the context that a relay runs within, such as a server of its metrics."""


class Life:
    """What happens at the offices, drawn: ask for it as time goes by."""

    def __init__(self, offices: Sequence[str], draw: Draw, start: int) -> None:
        self._offices, self._draw = offices, draw
        self._tickets = count()
        self._agenda: list[tuple[int, int, str, FieldEvent | None]] = []
        self._plan(start, "", None)

    def until(self, now: int) -> Iterator[tuple[str, FieldEvent]]:
        """Give what has happened by now and was not given before, each with its office."""
        while self._agenda and self._agenda[0][0] <= now:
            at, _, office, event = heappop(self._agenda)
            if event is None:
                self._plan(at + self._draw.between(SECOND // 2, 2 * SECOND), "", None)
                self._meet(at)
            else:
                yield office, event

    def _meet(self, at: int) -> None:
        """Plan an encounter, and what will be reported about it."""
        draw, office = self._draw, self._draw.one_of(self._offices)
        ids = {"case_id": str(draw.id(at)), "encounter_id": str(draw.id(at)), "label": "CUI_LES"}
        met = EncounterReported(occurred_at=to_datetime(at), match="POTENTIAL", custody="IN_CUSTODY", **ids)
        self._plan(at, office, met)
        if draw.happens(0.1):
            resolved_at = at + draw.between(2 * SECOND, 20 * SECOND)
            resolved = MatchResolved(occurred_at=to_datetime(resolved_at), outcome="NOT_A_MATCH", **ids)
            self._plan(resolved_at, office, resolved)
            return
        sent_at = at
        for stage, (in_time, too_late) in _SECONDS_UNTIL.items():
            chosen = draw.one_of((in_time, too_late, None), (70, 18, 12))
            if chosen is None:
                return
            sent_at += draw.between(chosen[0] * SECOND, chosen[1] * SECOND)
            report = IncidentReported(
                occurred_at=to_datetime(sent_at),
                stage=stage,
                channel="UNCLASSIFIED",
                report_reference=str(draw.id(sent_at)),
                report_sha256=draw.digest(),
                **ids,
            )
            self._plan(sent_at, office, report)

    def _plan(self, at: int, office: str, event: FieldEvent | None) -> None:
        heappush(self._agenda, (at, next(self._tickets), office, event))


def unwatched(_outbox: Outbox, _relay: Relay) -> AbstractContextManager[object]:
    """Watch nothing."""
    return nullcontext()


def live(  # noqa: PLR0913 - who lives, where, and by what clock
    register: Sequence[Office],
    folder: Path,
    connect: Connect,
    *,
    seed: int,
    clock: Clock,
    new_id: NewId,
    stop: Event,
    progress: Callable[[int], None] = lambda _: None,
    only: Sequence[str] = (),
    watch: Watch = unwatched,
) -> None:
    """Let some offices, or ``only`` these, record and send until ``stop`` is set.

    ``progress`` is told of each event; each relay runs within the context that ``watch`` gives.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = frozenset(office.id for office in register)
    step = max(1, len(register) // OFFICES)
    names = list(only) or [office.id for office in register[::step]][:OFFICES]
    with ExitStack() as stack:
        offices: dict[str, FieldOffice] = {}
        relays: list[Relay] = []
        for name in names:
            path, now = folder / f"{name}.outbox", clock()
            outbox = Outbox.open(path, if_new=Identity(name, new_id(now), now), reserve=unreserved(path))
            stack.enter_context(closing(outbox))
            offices[name] = FieldOffice(outbox, Rules(name, known), clock, new_id)
            options = RelayOptions(heartbeat_seconds=HEARTBEAT_SECONDS)
            relays.append(Relay(outbox, connect, clock=clock, new_id=new_id, options=options))
            stack.enter_context(watch(outbox, relays[-1]))
        pool = stack.enter_context(ThreadPoolExecutor(len(relays)))
        stack.callback(stop.set)  # whatever ends this, ends the relays, before the pool waits for them
        at_work = [pool.submit(relay.run, stop) for relay in relays]
        life = Life(names, Draw(seed), clock())
        while not stop.wait(TICK_SECONDS) and not any(relay.done() for relay in at_work):
            for name, event in life.until(clock()):
                offices[name].accept(event)
                progress(1)
    for relay in at_work:
        relay.result()
