"""Disks that fail as real ones do: power loss forgets what was not synced, or tears it; a broken one cannot sync."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, pairwise
from pathlib import Path
from typing import NamedTuple

import apsw

SECTOR = 512

_names = (f"test-disk-{number}" for number in count())


class _Change(NamedTuple):
    """Bytes written to a sector, or, without any, a file cut to a size."""

    place: int
    data: bytes | None

    def apply(self, image: bytearray) -> None:
        if self.data is None:
            del image[self.place :]
        else:
            image.extend(bytes(max(0, self.place - len(image))))
            image[self.place : self.place + len(self.data)] = self.data


class Disk(apsw.VFS):
    """A disk with a volatile cache. ``dies_after`` so many writes and syncs, in the middle of whatever that is."""

    def __init__(self, dies_after: int | None = None) -> None:
        self.name = next(_names)
        self.broken = False
        self._operations = 0
        self._dies_after = dies_after
        self._durable: dict[Path, bytearray] = {}
        self._volatile: dict[Path, list[_Change]] = {}
        super().__init__(self.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        """Open a file of this disk."""
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802, FBT001 - SQLite's name and signature
        """Delete a file of this disk."""
        self._work()
        super().xDelete(filename, syncdir)
        self._durable.pop(Path(filename), None)
        self._volatile.pop(Path(filename), None)

    def changed(self, path: Path, changes: list[_Change]) -> None:
        """Keep changes in the cache; those that were under way when the power went are there, or are not."""
        if not self._dead:
            self._volatile.setdefault(path, []).extend(changes)
        self._work()

    def synced(self, path: Path) -> None:
        """Keep a file's content through a power loss, or fail to."""
        self._work()
        if self.broken:
            raise apsw.IOError("the disk does not take it")
        for change in self._volatile.pop(path, ()):
            change.apply(self._durable.setdefault(path, bytearray()))

    def power_loss(self, folder: Path, survives: Callable[[], bool] = lambda: False) -> None:
        """Write what is left of this disk into another folder; of what was not synced, the sectors that survive."""
        for path in self._durable.keys() | self._volatile.keys():
            image = bytearray(self._durable.get(path, b""))
            for change in self._volatile.get(path, ()):
                if survives():
                    change.apply(image)
            (folder / path.name).write_bytes(image)

    @property
    def _dead(self) -> bool:
        return self._dies_after is not None and self._operations > self._dies_after

    def _work(self) -> None:
        self._operations += 1
        if self._dead:
            raise apsw.IOError("the power is gone")


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        text = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._path = Path(text) if text else None
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        """Write, sector by sector."""
        super().xWrite(data, offset)
        if self._path:
            edges = [offset, *range(offset - offset % SECTOR + SECTOR, offset + len(data), SECTOR), offset + len(data)]
            changes = [_Change(at, data[at - offset : to - offset]) for at, to in pairwise(edges)]
            self._disk.changed(self._path, changes)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's name
        """Cut the file."""
        super().xTruncate(newsize)
        if self._path:
            self._disk.changed(self._path, [_Change(newsize, None)])

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        """Sync, as far as the disk does; the file beneath is its cache, and needs none."""
        del flags
        if self._path:
            self._disk.synced(self._path)
