"""Leading on a SQLite ledger: a lock on `<ledger>.leader`, held as long as the process lives, with who holds it
written inside. Nobody can take over from a process that lives, so there is no lease."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from provisiond.adapters.ledger.schema import MAKE
from provisiond.adapters.ledger.tenure import Leader, Tenure
from provisiond.domain.errors import UnavailableError
from provisiond.ownership import opened_file

_TRIES, _BETWEEN = 5, 0.02  # whoever only looks holds the lock for a moment


class FileLeadership:
    """Implements leadership.Leadership."""

    def __init__(self, ledger: Path) -> None:
        self._path = _lock_file(ledger)
        self._descriptor: int | None = None
        self.tenure: Tenure | None = None

    @property
    def epoch(self) -> int:
        return self.tenure.epoch if self.tenure else 0

    def acquire(self) -> bool:
        if self.holds():
            return True
        descriptor = _opened(self._path, os.O_RDWR | os.O_CREAT)
        if not _locked(descriptor, fcntl.LOCK_EX):
            os.close(descriptor)
            return False
        try:
            self.tenure = Tenure(_write(descriptor))
        except OSError as error:  # a full disk
            os.close(descriptor)
            raise UnavailableError("ledger", f"cannot write {self._path}: {error.strerror}") from error
        self._descriptor = descriptor
        return True

    def renew(self) -> bool:
        if self._descriptor is None or not self.holds():
            return False
        os.utime(self._descriptor)
        if not _is_at(self._path, self._descriptor):
            self.release()  # somebody took the file away, and another one may have locked a new one
        return self.holds()

    def holds(self) -> bool:
        return self.tenure is not None and self.tenure.holds()

    def release(self) -> None:
        if self.tenure:
            self.tenure.end()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def leader(ledger: Path) -> Leader | None:
    path = _lock_file(ledger)
    if not path.exists():
        return None
    with _open(path) as descriptor:
        for _ in range(_TRIES):
            if _locked(descriptor, fcntl.LOCK_SH, tries=1):
                return None
            if found := _read(descriptor):  # else: it is writing just now
                return found
            time.sleep(_BETWEEN)
        return Leader("an unknown machine", 0, 0, *[datetime.fromtimestamp(path.stat().st_mtime, UTC)] * 2)


def _lock_file(ledger: Path) -> Path:
    return ledger.with_name(ledger.name + ".leader")


def _opened(path: Path, how: int) -> int:
    try:
        return opened_file(path) if how & os.O_CREAT else os.open(path, how | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise UnavailableError("ledger", f"there is no folder {path.parent}; {MAKE}") from error
    except OSError as error:
        raise UnavailableError("ledger", f"cannot open {path}: {error.strerror}") from error


@contextmanager
def _open(path: Path) -> Iterator[int]:
    descriptor = _opened(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(descriptor: int, kind: int, tries: int = _TRIES) -> bool:
    for left in reversed(range(tries)):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return True
        if left:
            time.sleep(_BETWEEN)
    return False


def _is_at(path: Path, descriptor: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    return False


def _write(descriptor: int) -> int:
    """The new epoch. The file stays in the end: removing it would let a third process lock a new one."""
    last = _read(descriptor)
    epoch = last.epoch + 1 if last else 1
    said = {
        "node": socket.gethostname(),
        "pid": os.getpid(),
        "epoch": epoch,
        "since": datetime.now(UTC).isoformat(),
    }
    text = json.dumps(said).encode()
    os.pwrite(descriptor, text, 0)
    os.ftruncate(descriptor, len(text))
    return epoch


def _read(descriptor: int) -> Leader | None:
    """None for a new file, or one that was cut."""
    try:
        said = json.loads(os.pread(descriptor, 4096, 0))
        since = datetime.fromisoformat(said["since"])
        renewed_at = datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC)
        return Leader(str(said["node"]), int(said["pid"]), int(said["epoch"]), since, renewed_at)
    except (ValueError, KeyError, TypeError):
        return None
