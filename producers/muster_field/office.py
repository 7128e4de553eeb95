"""The field API: when ``accept`` returns, the event survives a kill, a power loss and any outage of the link."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from uuid import UUID

from muster_contract.errors import Refused
from muster_contract.events import FieldEvent
from muster_contract.register import Office
from muster_field.enqueue import Rules, prepare, require_size
from muster_field.outbox import Batch, Outbox
from muster_field.outbox_file import Identity
from muster_field.reserve import Reserve
from muster_field.rows import sealed
from muster_field.state import OutboxState
from muster_field.wire import KINDS, Body, Stamper, stream_name


class Accepted(NamedTuple):
    """What an accepted event is known by from now on."""

    event_id: UUID
    stream: str
    epoch: UUID
    sequence: int


class FieldOffice:
    """One office's door: it refuses what the contract forbids, and stores the rest for the relay.

    Threads may share an instance; processes may each open one on the same outbox.
    """

    def __init__(self, outbox: Outbox, rules: Rules, clock: Callable[[], int], new_id: Callable[[int], UUID]) -> None:
        self._outbox, self._rules, self._clock, self._new_id = outbox, rules, clock, new_id
        self._epoch = outbox.identity.epoch
        self._stamper = Stamper(rules.office_id, self._epoch)
        self._streams = {kind: stream_name(kind, rules.office_id) for kind in KINDS}

    @classmethod
    def open(  # noqa: PLR0913 - the convenience with the real clock is wiring.open_office
        cls,
        path: Path,
        office_id: str,
        register: Iterable[Office],
        *,
        clock: Callable[[], int],
        new_id: Callable[[int], UUID],
        reserve: Reserve | None = None,
    ) -> Self:
        """Open an office's outbox, or make it; Refused when the register does not know the office."""
        rules = Rules(office_id, frozenset(office.id for office in register))
        if rules.faults:
            raise Refused(rules.faults)
        now = clock()
        outbox = Outbox.open(path, if_new=Identity(office_id, new_id(now), now), reserve=reserve)
        return cls(outbox, rules, clock, new_id)

    def accept(self, event: FieldEvent) -> Accepted:
        """Store one event durably; Refused with every fault, and nothing stored, when it may not enter."""
        return self.accept_many((event,))[0]

    def accept_many(self, events: Iterable[FieldEvent]) -> list[Accepted]:
        """Store events durably in one transaction, all or none; a hundred cost little more than one."""
        bodies = prepare(tuple(events), self._rules)
        if not bodies:
            return []
        now = self._clock()
        with self._outbox.recording() as batch:
            return [self._add(batch, body, now) for body in bodies]

    def state(self) -> OutboxState:
        """Say what is stored, sent, pending and set aside."""
        return self._outbox.state()

    def new_case_id(self) -> str:
        """Make an opaque id for a case or an encounter: it says nothing about a person."""
        return str(self._new_id(self._clock()))

    def close(self) -> None:
        """Close the outbox."""
        self._outbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _add(self, batch: Batch, body: Body, now: int) -> Accepted:
        kind = body.form.kind
        event_id, sequence = self._new_id(now), batch.next_sequence(kind)
        value = self._stamper.value(body, event_id.bytes, sequence, now)
        require_size(value, body, self._rules)
        batch.add(kind, sealed(sequence, event_id.bytes, now, value))
        return Accepted(event_id, self._streams[kind], self._epoch, sequence)
