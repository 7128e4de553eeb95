"""Put the parts of a worker together: what ``serve`` and ``worker`` share."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from muster_contract.errors import ConfigurationError, Fault
from muster_contract.register import load_registers, offices_of
from muster_contract.times import now_ms
from muster_hq.calling import Calling
from muster_hq.commands.options import kafka_properties
from muster_hq.intake import Intake
from muster_hq.judging import Judging
from muster_hq.kafka import OutputProducer, StreamReader
from muster_hq.ledger.opening import open_ledger
from muster_hq.ledger_port import LedgerAway, LedgerReader
from muster_hq.policies import Policies
from muster_hq.policy_reader import at_offices, load_policies
from muster_hq.publisher import Publisher
from muster_hq.verdicts import open_by_office
from muster_hq.worker import Worker, positions_of

T = TypeVar("T")
_log = structlog.get_logger(__name__)

LEAVE_WITHIN = 3.0
"""Seconds that published records get to be acknowledged at the end; those that are not are sent again."""


@dataclass(frozen=True)
class Setup:
    """What the files of a headquarters say, read and found to be right."""

    policies: Policies
    offices: tuple[str, ...]
    properties: dict[str, str]


def read_setup(policy: Sequence[Path], offices: Sequence[Path], kafka_config: Path | None) -> Setup:
    """Read policy, register and client properties; ConfigurationError names every fault of all of them."""
    faults: list[Fault] = []
    policies = _read(lambda: load_policies(policy), faults)
    registers = _read(lambda: load_registers(offices), faults)
    properties = _read(lambda: kafka_properties(kafka_config), faults)
    if policies is None or registers is None or properties is None:
        raise ConfigurationError(faults)
    return Setup(at_offices(policies, registers), tuple(office.id for office in offices_of(registers)), properties)


def _read(read: Callable[[], T], faults: list[Fault]) -> T | None:
    try:
        return read()
    except ConfigurationError as refusal:
        faults.extend(refusal.faults)
        return None


@contextmanager
def running_worker(
    setup: Setup, *, ledger: str, bootstrap: str, group: str, member: str | None, trust: bool
) -> Iterator[Worker]:
    """Open ledger and clients for a worker, and close them in turn; LedgerError when another process writes there."""
    with ExitStack() as stack:
        opened = open_ledger(ledger)
        stack.callback(opened.close)
        intake = Intake(opened, setup.policies, setup.offices)
        tell_unregistered(opened, setup.offices)
        opened.try_again()  # what could not be judged: this may be the version that can
        producer: OutputProducer[int] = OutputProducer(setup.properties, bootstrap=bootstrap)
        publisher = Publisher(opened, producer)
        reader = stack.enter_context(
            StreamReader(
                setup.properties,
                bootstrap=bootstrap,
                group=group,
                positions=positions_of(intake),
                trust_create_time=trust,
                member=member,
            )
        )
        stack.callback(_leave, publisher)
        spare_the_collector()
        judging, calling = Judging(opened, setup.policies), Calling(opened, setup.policies)
        yield Worker(
            reader,
            intake,
            judging,
            calling,
            publisher.step,
            now_ms,
            trust_append_times=trust,
            together=opened.together,
            hang_up=opened.hang_up,
        )


def tell_unregistered(ledger: LedgerReader, offices: Collection[str]) -> None:
    """Warn of each office that the register lacks and that owes something: it has no clock, so nothing judges it."""
    for office, n in sorted(open_by_office(ledger.obligation_counts()).items()):
        if office not in offices:
            hint = "an office that closes stays in the register: docs/operating.md, An office that closes"
            _log.warning("office_not_registered", office=office, pending=n, hint=hint)


def _leave(publisher: Publisher) -> None:
    with suppress(LedgerAway):  # what waits is published by whoever comes next
        publisher.drain(LEAVE_WITHIN)


def spare_the_collector() -> None:
    """Keep Python's garbage collector from walking a batch's live records again and again.

    Batches are freed by reference counts; what lives on is frozen, and the threshold is raised.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)
