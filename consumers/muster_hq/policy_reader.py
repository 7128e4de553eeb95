"""From a policy file (TOML) to a Policy, or to every fault in it at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from muster_contract.errors import ConfigurationError, Fault
from muster_contract.register import Register
from muster_contract.times import format_duration, parse_duration, parse_instant, to_ms
from muster_hq.calendar_reader import Calendars, read_calendars, read_limit, zones_of
from muster_hq.calendars import DAY
from muster_hq.pattern_reader import read_patterns, read_satisfying
from muster_hq.policies import Policies
from muster_hq.policy import (
    CLASSIFIED,
    DEFAULT_GAP_AFTER,
    DEFAULT_ORPHAN_AFTER,
    DEFAULT_OUTAGE_GRACE,
    Policy,
    RegisterVersion,
    Requirement,
    chain_of,
)
from muster_hq.policy_faults import faults_across, faults_between

PULSE_EVERY = 5_000
"""Milliseconds between two pulses of headquarters' clock (DESIGN section 2)."""
SHORTEST_OUTAGE = 3 * PULSE_EVERY
ORPHAN_REPORT = "orphan-report"
"""The requirement that orphaned reports are judged under; a policy may not use its name."""


def load_policies(paths: Sequence[Path]) -> Policies:
    """Read policy files, all versions of one policy; ConfigurationError names every fault of every file."""
    faults: list[Fault] = []
    versions: list[Policy] = []
    for path in paths:
        try:
            versions.append(read_policy(path.read_bytes().decode("utf-8"), str(path)))
        except OSError as fault:
            faults.append(Fault(str(path), f"cannot be read: {fault.strerror}"))
        except UnicodeDecodeError:
            faults.append(Fault(str(path), "is not UTF-8 text"))
        except ConfigurationError as refusal:
            faults.extend(refusal.faults)
    faults.extend(faults_between(versions))
    if faults or not paths:
        raise ConfigurationError(faults or [Fault("policy", "none is given", "--policy FILE")])
    return Policies(versions)


def read_policy(text: str, place: str) -> Policy:
    """Read one policy; ``place`` names it in faults. ConfigurationError names every fault at once."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise ConfigurationError.of(place, f"is not TOML: {fault}") from None
    faults: list[Fault] = []
    raw = data.pop("requirement", [])
    if not isinstance(raw, list) or not raw or not all(isinstance(r, dict) for r in raw):
        faults.append(Fault(f"{place}: requirement", "there is none", "write at least one [[requirement]]"))
        raw = []
    head = _validated(_Head, data, place, faults)
    calendars = _calendars_of(data, place, faults)
    requirements = [
        requirement
        for number, table in enumerate(raw, 1)
        if (
            requirement := _requirement(
                table, f"{place}: requirement {number} ({table.get('id', 'no id')})", faults, calendars
            )
        )
    ]
    faults.extend(faults_across(raw, place))
    if faults or head is None:
        raise ConfigurationError(faults)
    digest = sha256(text.encode()).hexdigest()
    lines = [
        replace(line, travel=head.travel_allowance) if line.channel == CLASSIFIED else line
        for line in _with_inherited_waivers(requirements)
    ]
    return Policy(requirements=tuple(lines), sha256=digest, **head.model_dump(exclude={"calendars"}))


def at_offices(policies: Policies, registers: Sequence[Register] | None) -> Policies:
    """Give the policies with what due times need to know of offices: their time zones, and who has which channel.

    ConfigurationError when some do and there is no register.
    """
    if registers is None:
        needing = [(p, line) for p in policies.versions for line in p.requirements if not line.is_plain]
        if not needing:
            return policies
        policy, line = needing[0]
        cause = f"is needed: {policy.name} counts the days of {line.id} by each office's own clock"
        if line.days is None:
            cause = f"is needed: {policy.name} gives offices without a classified network more time for {line.id}"
        raise ConfigurationError.of("--offices", cause, "give the register of offices")
    versions = [
        RegisterVersion(
            register.version,
            register.sha256,
            zones_of(register.offices),
            frozenset(office.id for office in register.offices if office.classified_network),
        )
        for register in registers
    ]
    return Policies(policies.versions, registers=versions)


def _calendars_of(data: Mapping[str, Any], place: str, faults: list[Fault]) -> Calendars:
    """Read the file of calendars that a policy names; it stands beside the policy."""
    name = data.get("calendars")
    if not isinstance(name, str):
        return {}
    try:
        return read_calendars(Path(place).parent / name)
    except ConfigurationError as refusal:
        faults.extend(refusal.faults)
        return {}


def _with_inherited_waivers(requirements: Sequence[Requirement]) -> tuple[Requirement, ...]:
    """Give each that follows the ``waived_by`` of the first in its chain, unless it has its own."""
    by_id = {r.id: r for r in requirements}
    return tuple(r if r.waived_by else replace(r, waived_by=chain_of(r, by_id)[0].waived_by) for r in requirements)


def _milliseconds(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError("not an ISO 8601 duration in quotes, such as PT24H")  # noqa: TRY004 - pydantic's protocol
    return parse_duration(value)


def _instant(value: object) -> int:
    if isinstance(value, datetime):
        return to_ms(value)
    if isinstance(value, str):
        return parse_instant(value)
    raise ValueError("not a time with a zone, such as 2013-01-01T00:00:00Z")


_Ms = Annotated[int, BeforeValidator(_milliseconds)]
_At = Annotated[int, BeforeValidator(_instant)]
_Patterns = Annotated[tuple[Any, ...], BeforeValidator(read_patterns)]
_Satisfying = Annotated[tuple[Any, ...], BeforeValidator(read_satisfying)]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Head(_Strict):
    id: _Name
    version: Annotated[int, Field(ge=1)]
    label: str = ""
    calendars: str | None = None
    effective: _At | None = None
    outage_after: Annotated[_Ms, Field(ge=SHORTEST_OUTAGE)] | None = None
    outage_grace: _Ms = DEFAULT_OUTAGE_GRACE
    gap_after: _Ms = DEFAULT_GAP_AFTER
    silent_after: Annotated[_Ms, Field(ge=SHORTEST_OUTAGE)] | None = None
    orphan_after: _Ms = DEFAULT_ORPHAN_AFTER
    travel_allowance: _Ms = 0


class _Line(_Strict):
    id: _Name
    opens_on: _Patterns = ()
    follows: str | None = None
    satisfied_by: _Satisfying
    waived_by: _Patterns = ()
    ends_on: _Patterns = ()
    anchor: Literal["occurred_at", "received_at"] | None = None
    within: _Ms
    scope: Literal["encounter", "case"] = "encounter"
    by: Literal["office", "any"] = "office"
    recurs: bool = False
    remind_before: _Ms | None = None
    channel: Literal["UNCLASSIFIED", "CLASSIFIED", "COURIER", "OUT_OF_BAND"] | None = None


_CAUSES = {"extra_forbidden": "is no key that is known here", "missing": "is missing"}
"""Our words for pydantic's most frequent causes."""


def _validated(model: type[Any], table: Mapping[str, Any], place: str, faults: list[Fault]) -> Any:  # noqa: ANN401 - an instance of the model
    try:
        return model.model_validate(table)
    except ValidationError as refusal:
        for error in refusal.errors(include_url=False, include_input=False):
            key = ".".join(str(part) for part in error["loc"][:1])
            cause = _CAUSES.get(error["type"], error["msg"].removeprefix("Value error, "))
            faults.append(Fault(f"{place}: {key}", cause[:1].lower() + cause[1:]))
        return None


def _requirement(table: Mapping[str, Any], place: str, faults: list[Fault], calendars: Calendars) -> Requirement | None:
    days = None
    if isinstance(table.get("within"), dict):
        days = read_limit(table["within"], f"{place}: within", calendars, faults)
        table = {**table, "within": format_duration(days.nominal if days else DAY)}
    line = _validated(_Line, table, place, faults)
    if ("opens_on" in table) == ("follows" in table):
        faults.append(
            Fault(place, "needs one of opens_on and follows", "opens_on for the first, follows for later ones")
        )
    if "follows" in table and table.get("anchor", "received_at") != "received_at":
        faults.append(Fault(f"{place}: anchor", "is received_at for one that follows", "leave it out"))
    if table.get("id") == ORPHAN_REPORT:
        faults.append(Fault(f"{place}: id", f"{ORPHAN_REPORT} is the engine's own", "choose another"))
    if line is None:
        return None
    if line.remind_before is not None and not 0 < line.remind_before < line.within:
        faults.append(Fault(f"{place}: remind_before", "is not between nothing and within", "remind before it is due"))
    values = dict(line) | {"days": days, "anchor": line.anchor or ("received_at" if line.follows else "occurred_at")}
    return Requirement(**values)
