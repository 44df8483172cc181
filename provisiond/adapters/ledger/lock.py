"""Lets one cycle at a time work on a ledger. Only cycles take this lock: orders from CLI and portal need
none, since each is one transaction."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provisiond.adapters.ledger.schema import MAKE
from provisiond.domain.errors import UnavailableError


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold `<path>.lock`; raises UnavailableError naming the holder. The kernel frees it on any death."""
    lock = path.with_name(path.name + ".lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError as error:
        raise UnavailableError("ledger", f"there is no folder {path.parent}; {MAKE}") from error
    except OSError as error:
        raise UnavailableError("ledger", f"cannot open {lock}: {error.strerror}") from error
    try:
        _take(descriptor, path)
        # The file stays: removing it would let a third process lock a new file of the same name.
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 20, 0).decode(errors="replace") or "unknown"
        raise UnavailableError(
            "ledger", f"another provisiond (pid {holder}) is at work on {path}; try again when it is done"
        ) from error
    os.ftruncate(descriptor, 0)
