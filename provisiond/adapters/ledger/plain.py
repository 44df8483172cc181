"""Statements on a ledger in a file, as quick as the driver: what the portal does at every attempt of anybody. A read
is one statement, which sees one snapshot and needs no transaction. On a server the engine's own way is as quick as
the network."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

from provisiond.adapters.ledger.connection import set_pragmas, translated
from provisiond.adapters.plain_sqlite import PlainFile
from provisiond.adapters.prepared import Asked, Remembered


class Plain:
    """For any number of threads. `turns`: of those that write. `heard` is told every statement."""

    def __init__(self, path: Path, wait_seconds: float, turns: AbstractContextManager[object]) -> None:
        self._file = PlainFile(partial(_opened, path, wait_seconds), wait_seconds, turns)
        self._prepared = Remembered(sqlite.dialect())
        self.heard: Callable[[str], None] = lambda _statement: None

    def rows(self, statement: Any, **given: Any) -> list[Any]:
        """`statement`: one that is kept, since it is compiled once and remembered."""
        with _translated(), self._file.read() as cursor:
            return Asked(cursor, self._prepared, self.heard).rows(statement, **given)

    @contextmanager
    def changed(self) -> Iterator[Asked]:
        """As `Database.write`: on return it is on the disk."""
        with _translated(), self._file.write() as cursor:
            yield Asked(cursor, self._prepared, self.heard)

    def close(self) -> None:
        self._file.close()


def _opened(path: Path, wait_seconds: float) -> sqlite3.Connection:
    """Never made where it is missing."""
    address = f"{path.absolute().as_uri()}?mode=rw"
    made = sqlite3.connect(address, wait_seconds, check_same_thread=False, uri=True)
    set_pragmas(made)
    return made


@contextmanager
def _translated() -> Iterator[None]:
    with translated():
        try:
            yield
        except sqlite3.Error as error:
            raise DBAPIError("", None, error) from None
