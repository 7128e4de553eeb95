"""A worker that meets its end at a chosen step: ``python -m tests.faults.failing STEP SIGNAL worker …``.

STEP names a method of the ledger's two transactions, such as ``intake.append``, or ``commit`` before or after. The
signal comes in the first such step that has something to do.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from muster_hq.__main__ import app
from muster_hq.calling import Calling
from muster_hq.ledger.postgres.intake import PostgresIntake
from muster_hq.ledger.postgres.judging import PostgresJudging
from muster_hq.ledger.sqlite.intake import SqliteIntake
from muster_hq.ledger.sqlite.judging import SqliteJudging
from muster_hq.worker import Worker

STEPS = (
    "intake.move",
    "intake.append",
    "intake.publish",
    "judging.due_cases",
    "judging.record",
    "judging.publish",
    "turn.commit",
    "turn.committed",
)
"""The steps of a turn, in their order: positions, facts, what was said of them, and the commit, before and after."""

_CLASSES: dict[str, tuple[type, ...]] = {
    "intake": (PostgresIntake, SqliteIntake),
    "judging": (PostgresJudging, SqliteJudging),
}


def arm(step: str, number: signal.Signals) -> None:
    """Have this process send itself the signal at that step, once."""
    part, _, name = step.partition(".")
    if part == "turn":
        _arm_turn(after=name == "committed", number=number)
        return
    for kind in _CLASSES[part]:
        setattr(kind, name, _struck(getattr(kind, name), number))


def _struck(method: Callable[..., Any], number: signal.Signals) -> Callable[..., Any]:
    struck = False

    @wraps(method)
    def strike(self: object, *arguments: Any) -> Any:  # noqa: ANN401 - as the method is called
        nonlocal struck
        given = [list(arguments[0]), *arguments[1:]] if arguments and not isinstance(arguments[0], dict) else arguments
        answer = method(self, *given)
        if not struck and (answer or (given and given[0])):
            struck = True
            os.kill(os.getpid(), number)
        return answer

    return strike


def _arm_turn(number: signal.Signals, *, after: bool) -> None:
    """Strike at the end of a turn that has taken records in: before its commit, or after."""
    take, call, turn = Worker._take, Calling.step, Worker.turn  # noqa: SLF001 - a fail point is not for the product
    taken: list[object] = []

    def taking(self: Worker, batch: Any) -> None:  # noqa: ANN401 - as it is called
        take(self, batch)
        taken.append(batch)

    def calling(self: Calling) -> int:
        called = call(self)
        if taken:
            os.kill(os.getpid(), number)
        return called

    def turning(self: Worker, *arguments: Any, **by_name: Any) -> int:  # noqa: ANN401 - the same
        read = turn(self, *arguments, **by_name)
        if read:
            os.kill(os.getpid(), number)
        return read

    if after:
        Worker.turn = turning  # type: ignore[method-assign]  # that is what a fail point is
    else:
        Worker._take, Calling.step = taking, calling  # type: ignore[method-assign]  # noqa: SLF001 - the same


if __name__ == "__main__":
    arm(sys.argv[1], signal.Signals[sys.argv[2]])
    app(sys.argv[3:])
