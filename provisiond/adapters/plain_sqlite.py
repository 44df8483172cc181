"""Transactions on a SQLite file by the driver itself, over connections that stay open: to check one out of
SQLAlchemy's pool costs more than what a page asks of it. What is asked and what errors mean is left to others."""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

_AGAIN_AFTER, _LONGEST = 0.0002, 0.01  # seconds


class PlainFile:
    """For any number of threads. `address`: a URI (where it says `mode=rw`, a file that is missing is never made);
    `set_up`: the pragmas of each connection; `wait_seconds`: for other processes that write; `turns`: of the threads
    of this one that do."""

    def __init__(
        self,
        address: str,
        set_up: Callable[[sqlite3.Connection], None],
        wait_seconds: float,
        turns: AbstractContextManager[object],
    ) -> None:
        self._address, self._set_up, self._wait_seconds, self._turns = address, set_up, wait_seconds, turns
        self._readers = _Kept(partial(self._opened, _read_only))
        self._writers = _Kept(self._opened)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Cursor]:
        """For one statement: there is no transaction."""
        with self._readers.lent() as connection:
            yield connection.cursor()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Cursor]:
        """All or nothing."""
        with self._turns, self._writers.lent() as connection:
            cursor = connection.cursor()
            begin_immediate(cursor, self._wait_seconds)
            yield cursor
            cursor.execute("COMMIT")

    def close(self) -> None:
        self._readers.close()
        self._writers.close()

    def _opened(self, *more: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
        """It begins no transaction by itself, and may change hands."""
        made = sqlite3.connect(
            self._address,
            timeout=self._wait_seconds,
            isolation_level=None,
            check_same_thread=False,
            uri=True,
        )
        try:
            for set_up in (self._set_up, *more):
                set_up(made)
        except BaseException:
            made.close()
            raise
        return made


def _read_only(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA query_only = ON").close()


def begin_immediate(cursor: sqlite3.Cursor, wait_seconds: float) -> None:
    """While another process writes, mostly for a few milliseconds, SQLite would look again after 1, 2, 5, 10 … 100:
    most of the waiting would be for nothing. Raises sqlite3.OperationalError."""
    cursor.execute("PRAGMA busy_timeout = 0")
    try:
        _begin_soon(cursor, time.monotonic() + wait_seconds)
    finally:
        cursor.execute(f"PRAGMA busy_timeout = {round(wait_seconds * 1000)}")


def _begin_soon(cursor: sqlite3.Cursor, until: float) -> None:
    pause = _AGAIN_AFTER
    while True:
        try:
            cursor.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST)


class _Kept:
    """Connections that are idle; each is one thread's at a time."""

    def __init__(self, opened: Callable[[], sqlite3.Connection]) -> None:
        self._opened = opened
        self._idle: deque[sqlite3.Connection] = deque()  # the last one first: it knows its statements
        self._closed = False

    @contextmanager
    def lent(self) -> Iterator[sqlite3.Connection]:
        """One on which the database failed is closed; what else goes wrong undoes its transaction."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._opened()
        whole = False
        try:
            yield connection
            whole = True
        except sqlite3.Error:
            raise
        except BaseException:
            connection.rollback()
            whole = True
            raise
        finally:
            if whole and not self._closed:
                self._idle.append(connection)
            else:
                connection.close()

    def close(self) -> None:
        """Those that are lent are closed when they come back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
