"""Statements on a ledger in a file, as quick as the driver: what the portal does at every attempt of anybody. A read
is one statement, which sees one snapshot and needs no transaction. On a server the engine's own way is as quick as
the network."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import sqlite

from provisiond.adapters.ledger.connection import set_pragmas, translated
from provisiond.adapters.plain_sqlite import PlainFile
from provisiond.adapters.prepared import Asked, Remembered, unheard


class PlainLedger:
    """For any number of threads. `turns`: of those that write. `heard` is told every statement."""

    def __init__(self, path: Path, wait_seconds: float, turns: AbstractContextManager[object]) -> None:
        address = f"{path.absolute().as_uri()}?mode=rw"
        self._file = PlainFile(address, set_pragmas, wait_seconds, turns)
        self._prepared = Remembered(sqlite.dialect())
        self.heard = unheard

    def rows(self, statement: Any, **given: Any) -> list[Any]:
        """`statement`: one that is kept, since it is compiled once and remembered."""
        with translated(sqlite3.Error), self._file.read() as cursor:
            return Asked(cursor, self._prepared, self.heard).rows(statement, **given)

    @contextmanager
    def changed(self) -> Iterator[Asked]:
        """As `Database.write`: on return it is on the disk."""
        with translated(sqlite3.Error), self._file.write() as cursor:
            yield Asked(cursor, self._prepared, self.heard)

    def close(self) -> None:
        self._file.close()
