"""Connections to a SQLite file that stay open between uses, lent without a pool's ceremony: to check one out of
SQLAlchemy's costs more than what a page asks of it. Says nothing of transactions."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class KeptConnections:
    """For any number of threads; each connection is one thread's at a time. `opened` makes one that may change hands
    (`check_same_thread=False`) and begins no transaction by itself."""

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
