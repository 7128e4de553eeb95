"""Disks that fail as real ones do: one forgets at power loss what was not synced, one cannot sync."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import apsw

_names = (f"test-disk-{number}" for number in count())


class Disk(apsw.VFS):
    """A disk with a volatile cache: what was not synced is not there after ``power_loss``."""

    def __init__(self) -> None:
        self.name = next(_names)
        self.broken = False
        self._durable: dict[Path, bytes] = {}
        super().__init__(self.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        """Open a file of this disk."""
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802, FBT001 - SQLite's name and signature
        """Delete a file of this disk."""
        super().xDelete(filename, syncdir)
        self._durable.pop(Path(filename), None)

    def synced(self, path: Path) -> None:
        """Keep a file's content through a power loss, or fail to."""
        if self.broken:
            raise apsw.IOError("the disk does not take it")
        self._durable[path] = path.read_bytes()

    def power_loss(self, folder: Path) -> None:
        """Write what is left of this disk into another folder."""
        for path, content in self._durable.items():
            (folder / path.name).write_bytes(content)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        text = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._path = Path(text) if text else None
        super().__init__("", name, flags)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        """Sync, as far as the disk does."""
        super().xSync(flags)
        if self._path:
            self._disk.synced(self._path)
