"""Pulses: regular on every stream, hurried on those that hold a due time back, and with or without a ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from muster_contract.codec import PULSE
from muster_contract.errors import MusterError
from muster_contract.topics import DIRECTIVES, streams_of
from muster_hq.ledger.opening import open_ledger, open_reader
from muster_hq.ledger_port import LedgerReader
from muster_hq.pulse import Pulse, Waiting, pulse_once, streams_to_pulse
from muster_hq.replay import replay
from muster_hq.verdicts import ALL_OFFICES
from tests.cases.builders import T0, Case, encounter
from tests.cases.policies import REPORT
from tests.ports.senders import FakeSender

A, B = "field.a.encounters", "field.b.encounters"
DUE = 1_000_000
NOW = DUE + 2
"""The first instant at which a pulse can move an intake clock past DUE."""


def hurried(due: dict[str, int], clock: int = 0, *, stream: str = A, now: int = NOW, since: int = 1_000) -> bool:
    """Tell whether a stream is pulsed before its regular time."""
    return streams_to_pulse(now, [stream], {stream: now - since}, Waiting(due, {stream: clock})) == [stream]


def test_every_stream_is_pulsed_at_the_start() -> None:
    """Nobody knows when it had its last one."""
    assert streams_to_pulse(NOW, [A, B, DIRECTIVES], {}) == [A, B, DIRECTIVES]


@pytest.mark.parametrize(("since", "pulses"), [(4_999, []), (5_000, [A]), (-1, [A])])
def test_a_stream_is_pulsed_every_five_seconds(since: int, pulses: list[str]) -> None:
    """And at once when this machine's clock was set back."""
    assert streams_to_pulse(NOW, [A], {A: NOW - since}) == pulses


@pytest.mark.parametrize(("since", "is_hurried"), [(999, False), (1_000, True)])
def test_a_stream_that_holds_a_due_time_back_is_pulsed_once_a_second(since: int, is_hurried: bool) -> None:  # noqa: FBT001 - a case
    """At most."""
    assert hurried({"a": DUE}, since=since) == is_hurried


@pytest.mark.parametrize(("now", "is_hurried"), [(DUE + 1, False), (DUE + 2, True)])
def test_it_must_have_passed(now: int, is_hurried: bool) -> None:  # noqa: FBT001 - a case
    """The intake clock is a millisecond behind, and must be past due, not at it."""
    assert hurried({"a": DUE}, now=now) == is_hurried


@pytest.mark.parametrize(("now", "is_hurried"), [(DUE + 60_000, True), (DUE + 60_001, False)])
def test_only_for_a_minute(now: int, is_hurried: bool) -> None:  # noqa: FBT001 - a case
    """With the worker away the log fills no faster: it has the pulses that say that the due time has passed."""
    assert hurried({"a": DUE}, now=now) == is_hurried


@pytest.mark.parametrize(("clock", "is_hurried"), [(0, True), (DUE + 1, True), (DUE + 2, False)])
def test_the_streams_clock_must_not_have_passed_it(clock: int, is_hurried: bool) -> None:  # noqa: FBT001 - a case
    """Otherwise another stream holds it back, and this one is left alone."""
    assert hurried({"a": DUE}, clock, now=NOW + 100) == is_hurried


@pytest.mark.parametrize(
    ("clock_name", "stream", "is_hurried"),
    [
        ("a", A, True),
        ("a", B, False),
        ("a", DIRECTIVES, True),
        (ALL_OFFICES, A, True),
        (ALL_OFFICES, B, True),
        (ALL_OFFICES, DIRECTIVES, True),
    ],
)
def test_only_the_streams_that_count_are_hurried(clock_name: str, stream: str, is_hurried: bool) -> None:  # noqa: FBT001 - a case
    """An office's own and hq.directives; everyone's for what waits for all offices."""
    assert hurried({clock_name: DUE}, stream=stream) == is_hurried


def test_one_of_two_due_times_is_enough() -> None:
    """The stream is past the first and not past the second."""
    assert hurried({"a": DUE, ALL_OFFICES: DUE - 100}, clock=DUE - 50)


class Headquarters:
    """A pulse over a fake broker, at a time that a test sets."""

    def __init__(self, open_reader: Callable[[], LedgerReader] | None = None) -> None:
        self.now = T0
        self.sender = FakeSender[str]()
        self.pulse = Pulse(self.sender, streams_of(["a"]), clock=lambda: self.now, open_reader=open_reader)

    def pulsed(self, after: int) -> list[str]:
        """Step at an instant after T0, and once more for the acknowledgements; name the streams that got a pulse."""
        self.now = T0 + after
        self.pulse.step()
        self.pulse.step()
        streams = list(self.sender.topics)
        assert all(values == [PULSE] for values in self.sender.topics.values())
        self.sender.topics.clear()
        return streams


def test_without_a_ledger_the_regular_pulses_go_out() -> None:
    """It needs no worker."""
    headquarters = Headquarters()
    assert headquarters.pulsed(0) == streams_of(["a"])
    assert headquarters.pulsed(4_999) == []
    assert headquarters.pulsed(5_000) == streams_of(["a"])


def test_a_due_time_in_the_ledger_hurries_the_streams(tmp_path: Path) -> None:
    """A report is due at T0 + 10 ms, and no stream has come past it; at T0 + 1 s they are pulsed again."""
    url, case = f"sqlite:///{tmp_path}/ledger.db", Case("due", REPORT, [encounter("E", 0)])
    with closing(open_ledger(url)) as ledger:
        replay(case.records, case.policies, ["a"], ledger, T0 + 1)
    headquarters = Headquarters(lambda: open_reader(url))
    assert headquarters.pulsed(0) == streams_of(["a"])
    assert headquarters.pulsed(999) == []
    assert headquarters.pulsed(1_000) == streams_of(["a"])


def test_a_ledger_that_comes_later_is_found(tmp_path: Path) -> None:
    """The clock may start before the worker has made it; every five seconds it looks again."""
    url, case = f"sqlite:///{tmp_path}/ledger.db", Case("due", REPORT, [encounter("E", 0)])
    headquarters = Headquarters(lambda: open_reader(url))
    assert headquarters.pulsed(0) == streams_of(["a"])
    with closing(open_ledger(url)) as ledger:
        replay(case.records, case.policies, ["a"], ledger, T0 + 1)
    assert headquarters.pulsed(4_999) == []
    assert headquarters.pulsed(5_000) == streams_of(["a"])
    assert headquarters.pulsed(6_000) == streams_of(["a"])


def test_it_knows_when_the_broker_last_took_a_pulse() -> None:
    """Whoever asks for our health wants progress, not a process."""
    headquarters = Headquarters()
    headquarters.sender.down = True
    headquarters.pulsed(0)
    assert headquarters.pulse.acknowledged_at == T0
    headquarters.sender.down = False
    headquarters.pulsed(100)
    assert headquarters.pulse.acknowledged_at == T0 + 100


def test_it_runs_until_it_is_stopped() -> None:
    """Within a tick."""
    headquarters, stop = Headquarters(), threading.Event()
    thread = threading.Thread(target=headquarters.pulse.run, args=(stop,))
    thread.start()
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def test_one_pulse_each_at_a_given_time() -> None:
    """As the demonstration does, whose time is long past."""
    sender = FakeSender[str]()
    pulse_once(sender, [A, DIRECTIVES], timestamp=T0)
    assert sender.topics == {A: [PULSE], DIRECTIVES: [PULSE]}
    assert sender.timestamps == {T0}


def test_streams_that_did_not_get_theirs_are_named() -> None:
    """And the others got theirs."""
    sender = FakeSender[str]()
    sender.refuses.add(B)
    with pytest.raises(MusterError) as refused:
        pulse_once(sender, [A, B])
    assert [(fault.place, fault.cause) for fault in refused.value.faults] == [(B, "UNKNOWN_TOPIC_OR_PART")]
    assert sender.topics == {A: [PULSE]}
