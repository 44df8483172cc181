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
    """For any number of threads. `opened` makes a connection that may change hands (`check_same_thread=False`) and
    begins no transaction by itself; `wait_seconds`: for other processes that write; `turns`: of the threads of this
    one that do."""

    def __init__(
        self,
        opened: Callable[[], sqlite3.Connection],
        wait_seconds: float,
        turns: AbstractContextManager[object],
    ) -> None:
        self._turns, self._wait_seconds = turns, wait_seconds
        self._readers, self._writers = _Kept(opened), _Kept(partial(_impatient, opened))

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
            _begin(cursor, self._wait_seconds)
            yield cursor
            cursor.execute("COMMIT")

    def close(self) -> None:
        self._readers.close()
        self._writers.close()


def _impatient(opened: Callable[[], sqlite3.Connection]) -> sqlite3.Connection:
    """Once it is open: to open one may take a lock, too (the first one of all makes the WAL)."""
    made = opened()
    made.execute("PRAGMA busy_timeout = 0").close()
    return made


def _begin(cursor: sqlite3.Cursor, wait_seconds: float) -> None:
    """For a lock that other processes hold for less than a millisecond, SQLite itself would look again after 1, 2, 5,
    10 … 100: most of the waiting would be for nothing. Raises sqlite3.OperationalError."""
    until, pause = time.monotonic() + wait_seconds, _AGAIN_AFTER
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
