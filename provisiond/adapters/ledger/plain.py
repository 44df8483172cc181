"""Statements on a ledger in a file, as quick as the driver: what the portal does at every attempt of anybody. A read
is one statement, which sees one snapshot and needs no transaction. On a server the engine's own way is as quick as
the network."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

from provisiond.adapters.kept_connections import KeptConnections
from provisiond.adapters.ledger.connection import set_pragmas, translated
from provisiond.adapters.prepared import Asked, Remembered


class Plain:
    """For any number of threads. `turns`: of those that write. `heard` is told every statement."""

    def __init__(self, path: Path, wait_seconds: float, turns: AbstractContextManager[object]) -> None:
        self._path, self._wait_seconds, self._turns = path, wait_seconds, turns
        self._readers, self._writers = KeptConnections(self._reader), KeptConnections(self._writer)
        self._prepared = Remembered(sqlite.dialect())
        self.heard: Callable[[str], None] = lambda _statement: None

    def rows(self, statement: Any, **given: Any) -> list[Any]:
        """`statement`: one that is kept, since it is compiled once and remembered."""
        with _translated(), self._readers.lent() as connection:
            return self._asked(connection.cursor()).rows(statement, **given)

    @contextmanager
    def changed(self) -> Iterator[Asked]:
        """As `Database.write`: all or nothing, and on return it is on the disk."""
        with _translated(), self._turns, self._writers.lent() as connection:
            cursor = connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            yield self._asked(cursor)
            cursor.execute("COMMIT")

    def close(self) -> None:
        self._readers.close()
        self._writers.close()

    def _asked(self, cursor: sqlite3.Cursor) -> Asked:
        return Asked(cursor, self._prepared, self.heard)

    def _reader(self) -> sqlite3.Connection:
        """Nothing is written through it."""
        made = self._opened()
        made.execute("PRAGMA query_only = ON").close()
        return made

    def _writer(self) -> sqlite3.Connection:
        made = self._opened()
        set_pragmas(made)
        return made

    def _opened(self) -> sqlite3.Connection:
        """Never made where it is missing."""
        address = f"{self._path.absolute().as_uri()}?mode=rw"
        made = sqlite3.connect(address, self._wait_seconds, check_same_thread=False, uri=True)
        made.isolation_level = None
        return made


@contextmanager
def _translated() -> Iterator[None]:
    with translated():
        try:
            yield
        except sqlite3.Error as error:
            raise DBAPIError("", None, error) from None
