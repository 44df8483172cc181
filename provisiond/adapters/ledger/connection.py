"""How the ledger talks to its database: pragmas, one transaction a method, errors of the library turned
into ours in one place. What is asked in a transaction is left to the modules beside this one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from sqlite3 import Connection as SqliteConnection
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from provisiond.domain.errors import UnavailableError

CHUNK = 500  # values of one IN list: far below every database's limit, few enough to keep plans alike

T = TypeVar("T")


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """The values, duplicates removed, in lists that fit one IN list."""
    rest = iter(dict.fromkeys(values))
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


@contextmanager
def translated() -> Iterator[None]:
    """Turn the library's errors into UnavailableError; values never get into the message."""
    try:
        yield
    except DBAPIError as error:
        raise UnavailableError("ledger", f"the database refused: {error.orig}") from error
    except SQLAlchemyError as error:
        raise UnavailableError("ledger", f"the database failed: {type(error).__name__}") from error


class Database:
    """An engine whose reads see one snapshot and whose writes take the write lock before they read."""

    def __init__(self, url: URL, wait_seconds: float) -> None:
        # hide_parameters: an error must not carry what was being stored
        self._reader = create_engine(url, hide_parameters=True, connect_args={"timeout": wait_seconds})
        event.listen(self._reader, "connect", _set_pragmas)
        event.listen(self._reader, "begin", _begin)
        self._writer: Engine = self._reader.execution_options(provisiond_begin="BEGIN IMMEDIATE")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with translated(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """All or nothing; on return it is on the disk (synchronous FULL)."""
        with translated(), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        self._reader.dispose()


def _set_pragmas(connection: SqliteConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver's own idea of when a transaction begins is switched off: `_begin` says it.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    connection.exec_driver_sql(options.get("provisiond_begin", "BEGIN"))
