"""Opens the short memory where it lies, makes its tables, and turns the library's errors into ours. A write is quick
rather than durable: what a power cut takes is a second of log-ins and counts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from sqlite3 import Cursor as SqliteCursor
from threading import Lock
from typing import Any, cast

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, insert, inspect, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from provisiond.adapters.plain_sqlite import PlainFile, begin_immediate
from provisiond.adapters.portal_state.tables import metadata, shape, shape_of_this_code
from provisiond.adapters.prepared import Asked, Remembered, unheard
from provisiond.domain.errors import UnavailableError
from provisiond.ownership import opened_file

SYSTEM = "portal state"
_MAKING = 0x70726F76, 4  # an advisory lock on PostgreSQL, beside those of the ledger
_THREADS = 40  # of the server that runs the views: each may want a connection


class Store:
    """Transactions on the short memory. Made by `in_file` or `on_server`; shared by threads."""

    def __init__(
        self,
        engine: Engine,
        reader: Engine,
        writer: Engine,
        turns: AbstractContextManager[object],
        file: PlainFile | None,
    ) -> None:
        """`turns`: of the threads of one process that write. `file`: where it is one."""
        self._engine, self._reader, self._writer, self._turns = engine, reader, writer, turns
        self._file = file
        self._prepared = Remembered(engine.dialect)
        assert engine.dialect.dbapi is not None, "both databases have a driver"
        self._driver_error: type[Exception] = engine.dialect.dbapi.Error
        self.heard = unheard  # is told every statement of `asked` and `changed`

    @classmethod
    def in_file(cls, path: Path, *, wait_seconds: float = 10) -> Store:
        """Made where it is missing (0600, its folder 0700). `wait_seconds`: for another process that writes."""
        _make_file(path)
        engine = create_engine(
            URL.create("sqlite", database=str(path)),
            hide_parameters=True,
            connect_args={"timeout": wait_seconds},
            pool_size=_THREADS,
        )
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", partial(_begin, wait_seconds=wait_seconds))
        writer = engine.execution_options(portal_writes=True)
        turns = Lock()
        file = PlainFile(path.absolute().as_uri(), _set_pragmas, wait_seconds, turns)
        return cls(engine, engine, writer, turns, file)._made()

    @classmethod
    def on_server(cls, url: URL | str, arguments: Mapping[str, Any]) -> Store:
        """`arguments`: for the driver (password, TLS), as for the ledger in the same database."""
        options = f"{arguments.get('options', '')} -c synchronous_commit=off".strip()
        engine = create_engine(
            url,
            hide_parameters=True,
            connect_args={**arguments, "options": options},
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
        )
        reader = engine.execution_options(isolation_level="AUTOCOMMIT")
        return cls(engine, reader, engine, nullcontext(), None)._made()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._engine.dispose()

    @property
    def dialect(self) -> str:
        return self._engine.dialect.name

    @contextmanager
    def asked(self) -> Iterator[Asked]:
        """`read`, for what every page asks: as quick as the driver."""
        with self._file_or_server(PlainFile.read, self._reader) as asked:
            yield asked

    @contextmanager
    def changed(self) -> Iterator[Asked]:
        """`write`, likewise."""
        with self._file_or_server(PlainFile.write, self._writer) as asked:
            yield asked

    @contextmanager
    def _file_or_server(
        self, on_file: Callable[[PlainFile], AbstractContextManager[Any]], on_server: Engine
    ) -> Iterator[Asked]:
        cursors = on_file(self._file) if self._file is not None else _on_server(on_server)
        with _translated(self._driver_error), cursors as cursor:
            yield Asked(cursor, self._prepared, self.heard)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """For one statement: there is no transaction."""
        with _translated(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """All or nothing."""
        with (
            _translated(self._driver_error),
            self._turns,
            self._writer.begin() as connection,
        ):
            yield connection

    def _made(self) -> Store:
        try:
            with self.write() as connection:
                _make_tables(connection)
        except BaseException:
            self.close()
            raise
        return self


def _make_tables(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(*_MAKING)))
    wanted = shape_of_this_code()
    is_there = inspect(connection).has_table(shape.name)
    if is_there and connection.scalar(select(shape.c.digest)) == wanted:
        return
    metadata.drop_all(connection)
    metadata.create_all(connection)
    connection.execute(insert(shape).values(digest=wanted))


@contextmanager
def _on_server(engine: Engine) -> Iterator[Any]:
    with _lent(engine) as lent:
        yield lent.cursor()
        lent.commit()


@contextmanager
def _lent(engine: Engine) -> Iterator[PoolProxiedConnection]:
    """With the isolation that this engine's connections have. One on which anything failed is not used again: it may
    be broken."""
    lent = engine.connect().connection  # the driver's own one goes back to the pool when it is closed
    whole = False
    try:
        yield lent
        whole = True
    finally:
        if not whole:
            lent.invalidate()
        lent.close()


@contextmanager
def _translated(driver_error: type[Exception] = DBAPIError) -> Iterator[None]:
    """`from None`: the library's own words hold statements, a server's may quote values."""
    try:
        yield
    except DBAPIError as error:
        raise UnavailableError(SYSTEM, f"the database refused: {_reason(error.orig)}") from None
    except driver_error as error:
        raise UnavailableError(SYSTEM, f"the database refused: {_reason(error)}") from None
    except SQLAlchemyError as error:
        raise UnavailableError(SYSTEM, f"the database failed: {type(error).__name__}") from None


def _reason(error: BaseException | None) -> str:
    """Of the driver's own error."""
    if state := getattr(error, "sqlstate", None):
        return f"SQLSTATE {state}"
    if getattr(error, "sqlite_errorname", "") in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
        return (
            "its file is damaged; stop the portal and delete it: everybody must log in again, no more is lost"
        )
    return "; ".join(str(error).split("\n"))


def _make_file(path: Path) -> None:
    """Before SQLite makes it, so that it (and the WAL, which takes its mode) is never readable to others, nor root's
    alone after `portal --check`."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(opened_file(path))
    except OSError as error:
        raise UnavailableError(SYSTEM, f"cannot make {path}: {error.strerror}") from error


def _set_pragmas(connection: SqliteConnection, _entry: ConnectionPoolEntry | None = None) -> None:
    connection.isolation_level = None  # who asks says when a transaction begins
    # the WAL is carried over, with two flushes, when it has 16 MB: at each page's counts that is every minute or so
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "wal_autocheckpoint = 4000"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection, *, wait_seconds: float) -> None:
    if connection.get_execution_options().get("portal_writes"):
        with closing(connection.connection.cursor()) as cursor:
            begin_immediate(cast(SqliteCursor, cursor), wait_seconds)
