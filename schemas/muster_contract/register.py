"""The office register (``offices.toml``): who may write, read with every fault named at once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from muster_contract.errors import ConfigurationError, Fault
from muster_contract.topics import OFFICE_ID

_TYPES: Mapping[str, Any] = {"id": str, "name": str, "zone": str, "classified_network": bool}
_KEYS = {"version", "office"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """A field office: its id (part of its topics' names), and what people know about it."""

    id: str
    name: str = ""
    zone: str = "UTC"
    classified_network: bool = False


@dataclass(frozen=True, slots=True)
class Register:
    """One version of the register; ``sha256`` is of the file's bytes, in hex: what an activation names."""

    version: int
    sha256: str
    offices: tuple[Office, ...]


def load_registers(paths: Sequence[Path]) -> tuple[Register, ...]:
    """Read the versions of a register, the lowest first; ConfigurationError names every fault of every file."""
    faults: list[Fault] = []
    found: dict[int, Register] = {}
    for path in paths:
        try:
            register = read_file(path)
        except ConfigurationError as refusal:
            faults.extend(refusal.faults)
            continue
        if register.version in found:
            hint = "each version is one file, with its own version = N"
            faults.append(Fault(f"{path}: version", f"register {register.version} is given twice", hint))
        found[register.version] = register
    if faults:
        raise ConfigurationError(faults)
    return tuple(found[version] for version in sorted(found))


def offices_of(registers: Iterable[Register]) -> tuple[Office, ...]:
    """Give the offices that any version names, each as the highest one has it: they may write, and hold clocks back."""
    return tuple({office.id: office for register in registers for office in register.offices}.values())


def load_register(path: Path) -> tuple[Office, ...]:
    """Read the offices of one file in its order; ConfigurationError names every fault in it."""
    return read_file(path).offices


def read_file(path: Path) -> Register:
    """Read one version of a register; ConfigurationError names every fault in it."""
    try:
        raw = path.read_bytes()
        data = tomllib.loads(raw.decode("utf-8"))
    except OSError as fault:
        hint = "an office register is a TOML file of [[office]] tables"
        raise ConfigurationError.of(str(path), f"cannot be read: {fault.strerror}", hint) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ConfigurationError.of(str(path), f"is not TOML: {fault}") from None
    offices, faults = read_register(data)
    if faults:
        raise ConfigurationError(Fault(f"{path}: {fault.place}", fault.cause, fault.hint) for fault in faults)
    return Register(data.get("version", 1), sha256(raw).hexdigest(), offices)


def read_register(data: Mapping[str, Any]) -> tuple[tuple[Office, ...], list[Fault]]:
    """Turn parsed TOML into offices, and name every fault; with faults, the offices are not for use."""
    faults = [
        Fault(key, "is no part of a register", "write [[office]] tables only") for key in data if key not in _KEYS
    ]
    version = data.get("version", 1)
    if type(version) is not int or not 1 <= version < 10**9:
        faults.append(Fault("version", "is no whole number from 1", "version = 2"))
    tables = data.get("office")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        return (), [*faults, Fault("office", "names no office", 'begin with [[office]] and id = "dal"')]
    first_place: dict[str, str] = {}
    for number, table in enumerate(tables, 1):
        place = f"office[{number}]"
        faults += _faults_of(table, place)
        id_ = table.get("id")
        if isinstance(id_, str) and first_place.setdefault(id_, place) != place:
            faults.append(Fault(f"{place}.id", f"is given a second time: {id_}", f"first in {first_place[id_]}"))
    return () if faults else tuple(Office(**table) for table in tables), faults


def _faults_of(table: Mapping[str, Any], place: str) -> Iterator[Fault]:
    for key, value in table.items():
        if key not in _TYPES:
            yield Fault(f"{place}.{key}", "is not known", "an office has " + ", ".join(_TYPES))
        elif not isinstance(value, _TYPES[key]):
            yield Fault(f"{place}.{key}", f"is a {type(value).__name__}, not a {_TYPES[key].__name__}")
        elif key == "id" and not OFFICE_ID.fullmatch(value):
            yield Fault(f"{place}.id", "is not an office id", "1 to 32 of a-z 0-9 -, such as dal or los-angeles")
        elif key == "zone" and not _is_zone(value):
            yield Fault(
                f"{place}.zone", f"is not a time zone that this machine knows: {value}", "such as America/Chicago"
            )
    if "id" not in table:
        yield Fault(f"{place}.id", "is missing", 'such as id = "dal"')


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
