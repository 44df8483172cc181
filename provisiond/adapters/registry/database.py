"""Reads a query from any database that SQLAlchemy knows: read-only, streamed, within a time limit.

Decides how errors are told, never with a password or a value of a row; what the rows mean is for others."""

from __future__ import annotations

import os
import socket
import sqlite3
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    BindParameter,
    Connection,
    Engine,
    String,
    TextClause,
    bindparam,
    cast,
    create_engine,
    event,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.types import NullType

from provisiond.adapters.registry.refusal import refused
from provisiond.adapters.registry.sql_source import SqlSource
from provisiond.adapters.registry.watermark import Value
from provisiond.domain.errors import ProvisiondError, UnavailableError, UnsafeFetchError

ROWS = 1000  # fetched at a time
_TELLING = (OperationalError, ProgrammingError, InterfaceError)  # others quote values of rows
_UNTYPED: Any = NullType()
_CANCEL_WITHIN = 2.0  # seconds
_CONNECT = "cannot connect"
_LOOK = "look at the database and the query"
_LOOPBACK = ("localhost", "127.0.0.1", "::1", None, "")


class Database:
    """Opened for one fetch."""

    def __init__(self, source: SqlSource) -> None:
        self._source = source
        self._over = threading.Event()
        self.url = make_url(source.url)

    @property
    def label(self) -> str:
        return f"{self.url.get_backend_name()} {Path(self.url.database or '').name or self.url.host}"

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Nothing is ever committed. Raises UnavailableError, also when the time is over."""
        engine = self._engine()
        try:
            with self._told(_CONNECT):
                connection = engine.connect()
            try:
                with self._told("the query fails"), self._time_limit(connection):
                    yield Reading(connection, self._source)
            finally:
                with suppress(SQLAlchemyError):  # the connection may be gone, there is nothing to undo
                    connection.close()
        finally:
            engine.dispose()

    def _engine(self) -> Engine:
        source, url = self._source, self.url
        if source.password:
            url = url.set(password=source.password)
        options: dict[str, Any] = {"poolclass": NullPool, "hide_parameters": True}
        match url.get_backend_name():
            case "sqlite":
                options["creator"] = lambda: _read_only_file(url.database or "", source.connect_timeout)
            case "postgresql":
                options["connect_args"] = _postgresql(url, source)
                options["isolation_level"] = "REPEATABLE READ"
                options["execution_options"] = {"postgresql_readonly": True}
        with self._told(_CONNECT):
            engine = create_engine(url, **options)
        event.listen(engine, "handle_error", _close_cursor)
        return engine

    @contextmanager
    def _time_limit(self, connection: Connection) -> Iterator[None]:
        """A server that says nothing more would be waited for without end: no driver has a limit for that."""
        raw: Any = connection.connection.dbapi_connection

        def end() -> None:
            self._over.set()
            _give_up(raw)

        timer = threading.Timer(self._source.timeout, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """`from None`: the library's errors hold the statement, and some of them values."""
        try:
            yield
        except ProvisiondError:
            raise
        except UnicodeDecodeError:
            raise self._wrong_letters() from None
        except (SQLAlchemyError, ModuleNotFoundError) as error:
            raise self._error(what, error) from None

    def _error(self, what: str, error: Exception) -> ProvisiondError:
        if self._over.is_set():
            return self._unavailable(f"not done within {self._source.timeout} seconds", _LOOK)
        original = getattr(error, "orig", None) or error
        if "decode" in str(original).lower():
            return self._wrong_letters()
        is_plain = isinstance(error, _TELLING) or type(error) in (DatabaseError, ModuleNotFoundError)
        lines = str(original).strip().splitlines()
        cause = lines[0] if is_plain and lines else type(original).__name__
        if self._source.password:
            cause = cause.replace(self._source.password, "***")
        return self._unavailable(f"{what}: {cause}", _next(what, error))

    def _unavailable(self, cause: str, action: str) -> UnavailableError:
        return UnavailableError("registry", f"{self._source.name} ({self.label}): {cause}; {action}")

    def _wrong_letters(self) -> UnsafeFetchError:
        cause = "text that is not valid in the encoding of the database"
        return refused(self.label, cause, "mend the rows there, or the encoding in the URL")


def _next(what: str, error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return "install the driver of that database beside provisiond"
    return "look whether it runs, then at `url` and `password_file`" if what == _CONNECT else _LOOK


class Reading:
    """One transaction: all its queries see the same state of the database, where it can keep one."""

    def __init__(self, connection: Connection, source: SqlSource) -> None:
        self._connection = connection.execution_options(stream_results=True, max_row_buffer=ROWS)
        self._source = source
        self._query = source.query.strip().rstrip(";")

    def columns(self) -> tuple[str, ...]:
        with self._connection.execute(self._wrapped(self._first()).where(text("1 = 0"))) as result:
            return tuple(result.keys())

    def everything(self) -> Iterator[Sequence[Sequence[object]]]:
        return self._batches(text(self._query).bindparams(*self._first()))

    def since(self, start: Value, column: str) -> Iterator[Sequence[Sequence[object]]]:
        """Rows whose watermark is not below `start`, and those that have none."""
        if self._source.has_parameter:
            return self._batches(text(self._query).bindparams(_watermark(start)))
        name = self._name(column)
        wanted = (name >= bindparam("start", start)) | name.is_(None)
        return self._batches(self._wrapped(()).where(wanted))

    def of_students(self, students: Sequence[str], column: str) -> Iterator[Sequence[Sequence[object]]]:
        name = func.trim(cast(self._name(column), String))
        return self._batches(self._wrapped(self._first()).where(name.in_(students)))

    def _first(self) -> tuple[BindParameter[Value], ...]:
        return (_watermark(self._source.first_watermark),) if self._source.has_parameter else ()

    def _wrapped(self, parameters: Sequence[BindParameter[Value]]) -> Any:
        inner = text(f"({self._query}) provisiond_rows").bindparams(*parameters)
        return select(literal_column("*")).select_from(inner)

    def _name(self, column: str) -> Any:
        return literal_column(self._connection.dialect.identifier_preparer.quote(column))

    def _batches(self, statement: TextClause | Any) -> Iterator[Sequence[Sequence[object]]]:
        with self._connection.execute(statement) as result:
            while batch := result.fetchmany(ROWS):
                yield batch


def _watermark(value: Value) -> BindParameter[Value]:
    """Text of no type: it becomes what the column is. PostgreSQL compares no instant with a VARCHAR."""
    return bindparam("watermark", value, _UNTYPED if isinstance(value, str) else None)


def _close_cursor(context: Any) -> None:
    """SQLAlchemy leaves that of a broken connection open, and psycopg complains of it much later."""
    if context.is_disconnect and context.execution_context is not None:
        with suppress(Exception):
            context.execution_context.cursor.close()


def _give_up(raw: Any) -> None:
    """Of a driver's connection, from another thread. PostgreSQL is told so, or it would work on, and keep its locks,
    until it had something to send."""
    if hasattr(raw, "interrupt"):  # sqlite3
        raw.interrupt()
    elif hasattr(raw, "fileno"):
        # whichever driver's errors: the server may be away, or the query have just ended and the connection be closed
        with suppress(Exception), socket.socket(fileno=os.dup(raw.fileno())) as wire:
            with suppress(Exception):
                if hasattr(raw, "cancel_safe"):  # psycopg
                    raw.cancel_safe(timeout=_CANCEL_WITHIN)
            wire.shutdown(socket.SHUT_RDWR)


def _read_only_file(path: str, wait: int) -> sqlite3.Connection:
    """A plain connect would make an empty database where there is none."""
    uri = f"file:{quote(path)}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=wait, check_same_thread=False)


def _postgresql(url: URL, source: SqlSource) -> dict[str, Any]:
    """The certificate is verified unless the URL itself says otherwise, or the way is a socket or loopback."""
    found: dict[str, Any] = {"connect_timeout": source.connect_timeout}
    is_near = url.host in _LOOPBACK or str(url.host).startswith("/")
    if not is_near and "sslmode" not in url.query:
        found["sslmode"] = "verify-full"
    if source.ca_file or "sslmode" in found:
        found["sslrootcert"] = str(source.ca_file or ssl.get_default_verify_paths().cafile or "system")
    return found
