"""What a Directive may say: the forms of its target by action, and why one is ignored. Both programs read it so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from muster_contract.events import OPAQUE_ID
from muster_contract.times import MAX_MS
from muster_contract.topics import OFFICE_ID

REQUIREMENT_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_ENCOUNTER = (
    rf"(?P<case>{OPAQUE_ID.pattern})/(?P<office>{OFFICE_ID.pattern})/(?P<encounter>{OPAQUE_ID.pattern})"
)  # fmt: skip

RECORD: Final = re.compile(
    rf"(?P<stream>field\.{OFFICE_ID.pattern}\.(?:encounters|incidents))@(?P<offset>0|[1-9][0-9]{{0,17}})"
)
ENCOUNTER: Final = re.compile(rf"encounter:{_ENCOUNTER}")
OBLIGATION: Final = re.compile(
    rf"obligation:{_ENCOUNTER}/(?P<requirement>{REQUIREMENT_ID})/(?P<occurrence>[1-9][0-9]{{0,8}})"
)
MOVE: Final = re.compile(
    rf"move:(?P<case>{OPAQUE_ID.pattern})/(?P<office>{OFFICE_ID.pattern})/(?P<to>{OFFICE_ID.pattern})"
)
POLICY: Final = re.compile(
    rf"policy:(?P<policy>{REQUIREMENT_ID})@(?P<version>[1-9][0-9]{{0,8}})#(?P<sha256>[0-9a-f]{{64}})"
)
REGISTER: Final = re.compile(r"register:(?P<version>[1-9][0-9]{0,8})#(?P<sha256>[0-9a-f]{64})")

FORMS: Final[Mapping[str, tuple[re.Pattern[str], ...]]] = {
    "READMIT": (RECORD,),
    "REJECT": (RECORD,),
    "HOLD": (ENCOUNTER, OBLIGATION),
    "RESUME": (ENCOUNTER, OBLIGATION),
    "EXTEND": (ENCOUNTER, OBLIGATION),
    "ACCEPT_OUT_OF_BAND": (OBLIGATION,),
    "CLOSE_ENCOUNTER": (ENCOUNTER,),
    "MOVE_CASE": (MOVE,),
    "ACTIVATE_POLICY": (POLICY,),
    "ACTIVATE_REGISTER": (REGISTER,),
}
"""The actions that are carried out, and the forms of their targets."""

EXAMPLES: Final[Mapping[re.Pattern[str], str]] = {
    RECORD: "field.OFFICE.incidents@OFFSET",
    ENCOUNTER: "encounter:CASE/OFFICE/ENCOUNTER",
    OBLIGATION: "obligation:CASE/OFFICE/ENCOUNTER/REQUIREMENT/OCCURRENCE",
    MOVE: "move:CASE/FROM/TO",
    POLICY: "policy:ID@VERSION#SHA256",
    REGISTER: "register:VERSION#SHA256",
}

NEEDS_UNTIL: Final = frozenset({"EXTEND"})
MAY_HAVE_UNTIL: Final = frozenset({"EXTEND", "HOLD"})

IGNORED: Final[Mapping[str, str]] = {
    "ACTION_NOT_CARRIED_OUT": "this action is none that is carried out",
    "TARGET_MALFORMED": "the target has not the form that the action asks for",
    "CODE_MALFORMED": "authority or reason_code is no code of [A-Za-z0-9._-]{1,64}",
    "UNTIL_UNFIT": "until is missing, out of range, or not for this action",
}
"""Why a directive is ignored whatever it names, in the order in which it is looked at."""


class Target(NamedTuple):
    """What a directive concerns; what a form does not name is empty, or 0."""

    stream: str = ""
    offset: int = 0
    case: str = ""
    office: str = ""
    encounter: str = ""
    requirement: str = ""
    occurrence: int = 0
    policy: str = ""
    version: int = 0
    sha256: str = ""
    to: str = ""

    @property
    def activated(self) -> str:
        """Name the version of a policy, or of the register, that it activates."""
        return f"{self.policy}@{self.version}" if self.policy else f"register {self.version}"


def target_of(action: str, target: str) -> Target | None:
    """Read a target in one of the forms that the action takes; None when it has none of them."""
    for form in FORMS.get(action, ()):
        match = form.fullmatch(target)
        if match:
            return Target(**{name: int(v) if name in _NUMBERS else v for name, v in match.groupdict().items()})  # type: ignore[arg-type]  # the numbers are
    return None


def why_ignored(fields: Mapping[str, Any]) -> str | None:
    """Tell by a Directive's fields alone why it is ignored; None when it is to be carried out."""
    action, until = fields["action"], fields["until"]
    if action not in FORMS:
        return "ACTION_NOT_CARRIED_OUT"
    if target_of(action, fields["target"]) is None:
        return "TARGET_MALFORMED"
    if not (OPAQUE_ID.fullmatch(fields["authority"]) and OPAQUE_ID.fullmatch(fields["reason_code"])):
        return "CODE_MALFORMED"
    if (until is None and action in NEEDS_UNTIL) or (
        until is not None and (action not in MAY_HAVE_UNTIL or not 0 <= until <= MAX_MS)
    ):
        return "UNTIL_UNFIT"
    return None


_NUMBERS = frozenset({"offset", "occurrence", "version"})
