"""Single statements on a ledger in a file, as quick as the driver: what the portal asks at every attempt of anybody.
One statement sees one snapshot, so it needs no transaction. On a server the engine's own way is as quick as the
network."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

from provisiond.adapters.kept_connections import KeptConnections
from provisiond.adapters.ledger.connection import translated
from provisiond.adapters.prepared import Asked, Prepared

_DIALECT = sqlite.dialect()


class PlainReads:
    """For any number of threads. `heard` is told every statement."""

    def __init__(self, path: Path, wait_seconds: float) -> None:
        self._path, self._wait_seconds = path, wait_seconds
        self._kept = KeptConnections(self._opened)
        self._made_once: dict[Any, Prepared] = {}
        self.heard: Callable[[str], None] = lambda _statement: None

    def rows(self, statement: Any, **given: Any) -> list[Any]:
        """`statement`: one that is kept, since it is compiled once and remembered."""
        with translated():
            try:
                with self._kept.lent() as connection:
                    return Asked(connection.cursor(), self._prepared, self.heard).rows(statement, **given)
            except sqlite3.Error as error:
                raise DBAPIError("", None, error) from None

    def close(self) -> None:
        self._kept.close()

    def _opened(self) -> sqlite3.Connection:
        """Never made where it is missing, and nothing is written through it."""
        address = f"{self._path.absolute().as_uri()}?mode=rw"
        made = sqlite3.connect(address, self._wait_seconds, check_same_thread=False, uri=True)
        made.isolation_level = None
        made.execute("PRAGMA query_only = ON").close()
        return made

    def _prepared(self, statement: Any) -> Prepared:
        made = self._made_once.get(statement)
        if made is None:
            made = self._made_once[statement] = Prepared(statement, _DIALECT)
        return made
