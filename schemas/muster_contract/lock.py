"""``fingerprints.lock``: what is released is frozen, and any change to it is seen.

The framing's fingerprint leaves out docs, defaults and logical types, so each line has the file's SHA-256 as
well: milliseconds that turn into microseconds keep their fingerprint and change every time on the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from muster_contract.avsc import Version
from muster_contract.errors import ConfigurationError, Fault
from muster_contract.schemas import load

FILE_NAME = "fingerprints.lock"

_HEADER = """\
# Frozen schema files: one that is named here never changes again (docs/contract.md, "A new version").
# Type, version, CRC-64-AVRO fingerprint as it is framed, SHA-256 of the file's bytes.
# Lines are added by `python -m muster_contract.lint --lock`, and never edited.
"""


class Frozen(NamedTuple):
    """What a file was when it was locked, both in hex."""

    fingerprint: str
    sha256: str


Lock: TypeAlias = Mapping[tuple[str, int], Frozen]


def read_lock(text: str) -> Lock:
    """Read a lock file; ConfigurationError names the line that is none."""
    lock: dict[tuple[str, int], Frozen] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#") or not line.strip():
            continue
        try:
            name, version, fingerprint, sha256 = line.split()
            key = (name, int(version))
        except ValueError:
            raise ConfigurationError.of(f"{FILE_NAME}:{number}", "is not type, version, fingerprint, SHA-256") from None
        if key in lock:
            raise ConfigurationError.of(f"{FILE_NAME}:{number}", f"locks {name} v{version} a second time")
        lock[key] = Frozen(fingerprint, sha256)
    return lock


def write_lock(lock: Lock) -> str:
    """Give the text of a lock file, sorted by type and version."""
    return _HEADER + "".join(f"{name} {version} {' '.join(lock[name, version])}\n" for name, version in sorted(lock))


def with_new(lock: Lock, versions: Iterable[Version]) -> Lock:
    """Add the versions that the lock does not know; those that it knows stay as they are."""
    return {(v.type, v.number): freeze(v) for v in versions} | dict(lock)


def freeze(version: Version) -> Frozen:
    """Say what a file is now."""
    return Frozen(load(version.source, version.number).fingerprint.hex(), hashlib.sha256(version.raw).hexdigest())


def lock_faults(lock: Lock, versions: Iterable[Version]) -> list[Fault]:
    """Name every frozen file that changed or vanished, and every file that nobody froze."""
    faults: list[Fault] = []
    gone = dict(lock)
    for version in versions:
        frozen = gone.pop((version.type, version.number), None)
        if frozen is None:
            hint = "once it is released: python -m muster_contract.lint --lock"
            faults.append(Fault(version.place, "is not locked", hint))
        elif frozen != (now := freeze(version)):
            what = "docs, defaults or logical types" if now.fingerprint == frozen.fingerprint else "the wire format"
            hint = "restore it from the last release, and write the change as a new version"
            faults.append(Fault(version.place, f"is frozen, and changed: {what}", hint))
    for name, number in gone:
        hint = "restore it from the last release: records on the log are read with it"
        faults.append(Fault(f"avro/{name}/v{number}.avsc", "is frozen, and gone", hint))
    return faults
