"""What headquarters itself says in the log: checked, written to ``hq.directives``, acknowledged by every replica."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from muster_contract.codec import encode
from muster_contract.directives import EXAMPLES, FORMS, IGNORED, MAY_HAVE_UNTIL, NEEDS_UNTIL, why_ignored
from muster_contract.errors import ConfigurationError, Fault, MusterError
from muster_contract.shell.ids import new_id
from muster_contract.times import now_ms
from muster_contract.topics import DIRECTIVES
from muster_hq.commands.options import kafka_properties
from muster_hq.kafka import OutputProducer

GIVEN_WITHIN = 30.0
"""Seconds that a record may take to be acknowledged; after that it may have been appended or not."""

Authority = Annotated[
    str, typer.Option("--authority", metavar="CODE", help="Who may order it, as an opaque code: no name.")
]
Reason = Annotated[str, typer.Option("--reason", metavar="CODE", help="Why, as a code.")]


class Draft(NamedTuple):
    """A directive that is to be given; ``until`` is in UTC milliseconds."""

    action: str
    target: str
    authority: str
    reason_code: str
    until: int | None = None


def checked(draft: Draft) -> Draft:
    """Give the draft back if it will be carried out; ConfigurationError says what is wrong with it."""
    why = why_ignored(draft._asdict())
    if why is None:
        return draft
    place = {"ACTION_NOT_CARRIED_OUT": "action", "TARGET_MALFORMED": "target", "UNTIL_UNFIT": "--until"}.get(
        why, "--authority, --reason"
    )
    raise ConfigurationError.of(place, IGNORED[why], _HINTS[why](draft.action))


_HINTS: Mapping[str, Callable[[str], str]] = {
    "ACTION_NOT_CARRIED_OUT": lambda _: ", ".join(FORMS),
    "TARGET_MALFORMED": lambda action: " or ".join(EXAMPLES[form] for form in FORMS[action]),
    "CODE_MALFORMED": lambda _: "letters, digits, dots, dashes and underscores",
    "UNTIL_UNFIT": lambda action: (
        "give a time" if action in NEEDS_UNTIL else f"for {', '.join(sorted(MAY_HAVE_UNTIL))}"
    ),
}


def give(draft: Draft, bootstrap: str, kafka_config: Path | None) -> None:
    """Append a directive to the log; MusterError when the broker did not take it."""
    now = now_ms()
    value = encode("Directive", draft._asdict() | {"event_id": new_id(now).bytes, "recorded_at": now})
    sent, reason = append([value], bootstrap, kafka_config)
    if not sent:
        hint = "headquarters directives says later whether it was appended after all"
        raise MusterError([Fault(DIRECTIVES, f"the directive was not acknowledged: {reason}", hint)])


def append(values: Sequence[bytes], bootstrap: str, kafka_config: Path | None) -> tuple[int, str]:
    """Append records to ``hq.directives``; give how many were acknowledged, and why the first that was not is not."""
    producer: OutputProducer[int] = OutputProducer(
        kafka_properties(kafka_config), bootstrap=bootstrap, expire_after=GIVEN_WITHIN
    )
    for number, value in enumerate(values):
        while not producer.send(DIRECTIVES, value, number):
            producer.poll(1)  # the queue is full; what waits too long in it expires
    producer.flush(GIVEN_WITHIN + 5)
    sent, unsent = len(producer.acknowledged()), producer.unsent()
    return sent, unsent[0].reason if unsent else "no answer in time"
