"""Which file of the drop is read, and that it stays the same meanwhile. Knows nothing of what is in it.

A file that changes while it is read is being written: refused now, read in the next cycle."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO

from provisiond.adapters.registry.refusal import refused
from provisiond.domain.errors import UnavailableError


def chosen_file(path: Path, pattern: str) -> Path:
    """`path` itself, or the newest regular file in it whose name matches `pattern` (case does not count)."""
    try:
        if not path.is_dir():
            return path
        # names with a leading dot or ~ are temporary files of programs that are still writing
        candidates = [
            (file.stat().st_mtime_ns, file.name, file)
            for file in path.iterdir()
            if fnmatch(file.name.lower(), pattern.lower()) and file.name[0] not in ".~" and file.is_file()
        ]
    except OSError as error:
        raise _unavailable(path, error) from error
    if not candidates:
        raise UnavailableError(
            "registry", f"no file in {path} matches {pattern}; look at the delivery or the pattern"
        )
    return max(candidates)[2]


@dataclass(frozen=True, slots=True)
class DropFile:
    """An open file. `as_opened`: size and time of change when it was opened."""

    name: str
    stream: BinaryIO
    as_opened: tuple[int, int]

    @property
    def size(self) -> int:
        return self.as_opened[0]

    @property
    def changed_at(self) -> datetime:
        return datetime.fromtimestamp(self.as_opened[1] / 1e9, UTC)

    def refuse_changed(self) -> None:
        if _state(self.stream) != self.as_opened:
            raise refused(self.name, "it changed while it was read", "wait, the next cycle reads it again")


@contextmanager
def opened(file: Path) -> Iterator[DropFile]:
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # opening a pipe would block for ever
            raise UnavailableError("registry", f"{file} is not a regular file; mend the path")
        with file.open("rb") as stream:
            yield DropFile(file.name, stream, _state(stream))
    except OSError as error:
        raise _unavailable(file, error) from error


def _state(stream: BinaryIO) -> tuple[int, int]:
    now = os.fstat(stream.fileno())
    return now.st_size, now.st_mtime_ns


def _unavailable(path: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        "registry", f"cannot read {path}: {error.strerror}; look at the delivery and at the permissions"
    )
