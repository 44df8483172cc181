"""Which file of the drop is read, and its bytes, whole. Knows nothing of what is in them.

A file that changes while it is read is being written: refused now, read in the next cycle."""

from __future__ import annotations

import os
import stat
from fnmatch import fnmatch
from pathlib import Path

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


def whole_bytes(file: Path) -> bytes:
    """The content, read while the file did not change."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # opening a pipe would block for ever
            raise UnavailableError("registry", f"{file} is not a regular file; mend the path")
        with file.open("rb") as stream:
            before = os.fstat(stream.fileno())
            raw = stream.read()
            after = os.fstat(stream.fileno())
    except OSError as error:
        raise _unavailable(file, error) from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(
        raw
    ) != after.st_size:
        raise refused(file.name, "it changed while it was read", "wait, the next cycle reads it again")
    return raw


def _unavailable(path: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        "registry", f"cannot read {path}: {error.strerror}; look at the delivery and at the permissions"
    )
