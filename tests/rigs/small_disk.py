"""A place that can be full: a small file system of its own where we may mount one, else a limit on the size of files,
which SQLite meets in the same places."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

SIZE = 4 * 2**20
Kind = Literal["mounted", "limited"]


class SmallDisk(Protocol):
    folder: Path

    def fill(self, leave: int = 0) -> None:
        """No more than so many bytes can be written from now on, by us and our children."""
        ...

    def make_room(self) -> None: ...


@dataclass(slots=True)
class MountedDisk:
    folder: Path

    def fill(self, leave: int = 0) -> None:
        ballast = self.folder / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass
        os.truncate(ballast, max(0, ballast.stat().st_size - leave))

    def make_room(self) -> None:
        (self.folder / "ballast").unlink(missing_ok=True)


@dataclass(slots=True)
class LimitedDisk:
    folder: Path

    def fill(self, leave: int = 0) -> None:
        largest = max((file.stat().st_size for file in self.folder.rglob("*") if file.is_file()), default=0)
        self._limit(largest + leave)

    def make_room(self) -> None:
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size if hard < 0 or size < hard else hard, hard))


@contextmanager
def small_disk(folder: Path, kind: Kind = "mounted") -> Iterator[SmallDisk]:
    folder.mkdir(exist_ok=True)
    disk: SmallDisk = MountedDisk(folder) if kind == "mounted" and _mounted(folder) else LimitedDisk(folder)
    try:
        yield disk
    finally:
        disk.make_room()
        if isinstance(disk, MountedDisk):
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mounted(folder: Path) -> bool:
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs", str(folder)]
    return os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
