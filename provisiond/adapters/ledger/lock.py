"""Lets one cycle at a time work on a ledger. Only cycles take this lock: orders from CLI and portal need
none, since each is one transaction."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, create_engine, func, select, text
from sqlalchemy.pool import NullPool

from provisiond.adapters.ledger.connection import CYCLE, CYCLE_SESSION, LOCKS, session_name, translated
from provisiond.adapters.ledger.place import Place
from provisiond.adapters.ledger.schema import MAKE
from provisiond.domain.errors import UnavailableError
from provisiond.ownership import opened_file


@contextmanager
def exclusive(place: Place) -> Iterator[int | None]:
    """Raises UnavailableError naming the holder. Any death of ours frees it. On a server the session that holds
    it is told, so that writes can be fenced by it (connection.Database)."""
    if place.path:
        with _exclusive_file(place.path):
            yield None
    else:
        with _exclusive_session(place) as session:
            yield session


@contextmanager
def _exclusive_file(path: Path) -> Iterator[None]:
    """Hold `<path>.lock`; the kernel frees it."""
    lock = path.with_name(path.name + ".lock")
    try:
        descriptor = opened_file(lock)
    except FileNotFoundError as error:
        raise UnavailableError("ledger", f"there is no folder {path.parent}; {MAKE}") from error
    except OSError as error:
        raise UnavailableError("ledger", f"cannot open {lock}: {error.strerror}") from error
    try:
        _take(descriptor, path)
        # The file stays: removing it would let a third process lock a new file of the same name.
        with suppress(OSError):  # a full disk: who waits is told of an unknown holder
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


@contextmanager
def _exclusive_session(place: Place) -> Iterator[int]:
    """On a connection of its own (not through a pooler of transactions); the server frees it when that ends."""
    engine = create_engine(
        place.url,
        connect_args=place.server_arguments(session_name("cycle ")),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
    )
    with translated():
        connection = engine.connect()
    try:
        with translated():
            session = _taken(connection, place)
        yield session
    finally:
        connection.close()


def _taken(connection: Connection, place: Place) -> int:
    if not connection.scalar(select(func.pg_try_advisory_lock(LOCKS, CYCLE))):
        holder = connection.scalar(_NAME, {"pid": connection.scalar(CYCLE_SESSION)})
        holder = holder or "provisiond (of another database user)"
        raise UnavailableError("ledger", f"another {holder} is at work on {place}; try again when it is done")
    return int(connection.scalar(select(func.pg_backend_pid())) or 0)


_NAME = text("SELECT application_name FROM pg_stat_activity WHERE pid = :pid")
