"""The demonstration's files: policies and a register, put where both sides' programs read them by path."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from muster_contract.errors import MusterError
from muster_contract.times import format_instant

NAMES = ("offices.toml", "demo-kstep.toml", "demo-protocol.toml", "demo-outage.toml")
LIVE = "demo-kstep-live.toml"


@dataclass(frozen=True, slots=True)
class Files:
    """Where they are; ``policies`` in order of their versions."""

    offices: Path
    policies: tuple[Path, ...]


def write_files(folder: Path, live_from: int | None = None) -> Files:
    """Write them into a folder. From ``live_from`` (UTC milliseconds) on the policy has another version, of seconds."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in NAMES:
            (folder / name).write_text(_text_of(name), "utf-8")
        policies = [folder / "demo-kstep.toml"]
        if live_from is not None:
            policies.append(folder / LIVE)
            policies[-1].write_text(_text_of(LIVE).replace("EFFECTIVE", format_instant(live_from)), "utf-8")
    except OSError as fault:
        raise MusterError.of(str(folder), f"cannot be written: {fault.strerror}") from None
    return Files(folder / "offices.toml", tuple(policies))


def _text_of(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")
