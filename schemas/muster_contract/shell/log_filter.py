"""Nothing is logged that the list does not name: what else a call gives is dropped, or raises where tests run."""

from __future__ import annotations

import hashlib
import hmac
import sys
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any

from muster_contract.shell.log_events import EVENTS

CASE_DIGITS = 16
_PLAIN = (str, int, float, bool, type(None))


def hash_of_case(case_id: str, key: bytes) -> str:
    """Give what stands for a case in logs: the same for one key, and of no use without it."""
    return hmac.new(key, case_id.encode(), hashlib.sha256).hexdigest()[:CASE_DIGITS]


class OnlyListed:
    """A structlog processor: keeps what the list names, hashes the case, and tells an exception without its text.

    ``strict`` raises instead of dropping: for tests, so that no call of ours relies on being dropped.
    """

    def __init__(self, key: bytes, *, strict: bool) -> None:
        self._key, self._strict = key, strict

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Give the event as it may be written."""
        name = event.pop("event", None)
        _tell_exception(event)
        known = EVENTS.get(name) if isinstance(name, str) else None
        allowed = {*known.keys, "exception"} if known else set()
        dropped = sorted(key for key, value in event.items() if key not in allowed or not isinstance(value, _PLAIN))
        if self._strict and (dropped or known is None):
            raise ValueError(f"not in log_events.py: {name} with {', '.join(dropped) or 'nothing'}")
        kept: dict[str, Any] = {key: value for key, value in event.items() if key not in dropped}
        if "case" in kept:
            kept["case"] = hash_of_case(str(kept["case"]), self._key)
        if dropped:
            kept["dropped"] = ", ".join(dropped)
        return {"event": name if known else "unlisted", **kept}


def _tell_exception(event: MutableMapping[str, Any]) -> None:
    """Replace ``exc_info`` by the kind and the innermost place: texts and local variables may hold anything."""
    given = event.pop("exc_info", None)
    fault = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
    if fault is not None:
        event["exception"] = f"{type(fault).__name__} at {_place_of(fault.__traceback__)}"


def _place_of(trace: TracebackType | None) -> str:
    if trace is None:
        return "an unknown place"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
