"""How the ledger talks to its database: one transaction a method, one writer at a time, errors of the library
turned into ours in one place. What is asked in a transaction is left to the modules beside this one."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from functools import partial
from itertools import islice
from sqlite3 import Connection as SqliteConnection
from sqlite3 import Cursor as SqliteCursor
from threading import RLock, local
from typing import Any, TypeVar, cast

from sqlalchemy import (
    Connection,
    Engine,
    ExceptionContext,
    Select,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from provisiond.adapters.ledger.place import Place
from provisiond.adapters.ledger.tables import leadership
from provisiond.adapters.ledger.tenure import lost
from provisiond.adapters.plain_sqlite import begin_immediate
from provisiond.adapters.prepared import Asked, Remembered
from provisiond.domain.errors import UnavailableError

CHUNK = 500  # values of one IN list: far below every database's limit, few enough to keep plans alike
# Advisory locks on PostgreSQL, by this number ("prov") and one of what is locked.
LOCKS = 0x70726F76
WRITER, CYCLE, LEADER = 1, 2, 3
# Process ID of the session that holds the cycle's lock.
CYCLE_SESSION = text(
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = :locks AND objid = :cycle AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
).bindparams(locks=LOCKS, cycle=CYCLE)

T = TypeVar("T")


def session_suffix(node: str, pid: int) -> str:
    """With which the names of all sessions of that process end; PostgreSQL cuts names at 63 characters."""
    return f"(pid {pid} on {node[:25]})"


def session_name(what: str = "") -> str:
    """By which administrators, and who takes over, know a session of this process."""
    return f"provisiond {what}{session_suffix(socket.gethostname(), os.getpid())}"


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """The values, duplicates removed, in lists that fit one IN list."""
    rest = iter(dict.fromkeys(values))
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def streamed(connection: Connection, wanted: Select[Any]) -> Iterator[Any]:
    """Row by row, in bounded memory; the cursor is closed however this ends."""
    with connection.execute(wanted.execution_options(yield_per=1000)) as rows:
        yield from rows


@contextmanager
def translated(driver_error: type[Exception] = DBAPIError) -> Iterator[None]:
    """Turn the library's errors, and the driver's own, into UnavailableError; values never get into the message.
    `from None`: PostgreSQL's own words quote the values that it did not like."""
    try:
        yield
    except DBAPIError as error:
        raise _refused(error) from None
    except driver_error as error:
        raise _refused(DBAPIError("", None, error)) from None
    except SQLAlchemyError as error:
        raise UnavailableError("ledger", f"the database failed: {type(error).__name__}") from None


def _refused(error: DBAPIError) -> UnavailableError:
    return UnavailableError("ledger", f"the database refused: {_reason(error)}", lasts=_lasts(error))


class Turns:
    """Threads of one process that write to SQLite queue up here: who only looks for a turn again and again may be
    overtaken each time. Who has waited for too long is left to SQLite, which says why it is locked."""

    def __init__(self, wait_seconds: float) -> None:
        self._lock, self._wait_seconds = RLock(), wait_seconds
        self._had = local()

    def __enter__(self) -> None:
        self._had.turn = self._lock.acquire(timeout=self._wait_seconds)

    def __exit__(self, *_: object) -> None:
        if self._had.turn:
            self._lock.release()


class Database:
    """An engine whose reads see one snapshot and whose writes take the write lock before they read."""

    def __init__(
        self, place: Place, wait_seconds: float, fence: int | None = None, epoch: int | None = None
    ) -> None:
        """`fence`: the session that holds the cycle's lock (lock.py); once it is gone nothing is written. `epoch`: of
        the leadership (leader_row.py); once another leads nothing is written."""
        # hide_parameters: an error must not carry what was being stored
        if place.path:
            engine = create_engine(place.url, hide_parameters=True, connect_args={"timeout": wait_seconds})
            event.listen(engine, "connect", set_pragmas)
            event.listen(engine, "begin", partial(_begin, wait_seconds=wait_seconds))
            self._reader: Engine = engine
            self._writer: Engine = engine.execution_options(provisiond_writes=True)
            self._hasty_writer = self._writer.execution_options(provisiond_synchronous="NORMAL")
            self.turns: AbstractContextManager[object] = Turns(wait_seconds)
        else:
            self.turns = nullcontext()
            arguments = place.server_arguments(session_name())
            arguments["options"] += f" -c lock_timeout={max(1, round(wait_seconds * 1000))}"
            engine = create_engine(
                place.url, hide_parameters=True, connect_args=arguments, pool_pre_ping=True
            )
            event.listen(engine, "handle_error", _close_cursor)
            self._reader = engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            # Each statement sees what was committed before it, and the lock is had before the first one.
            self._writer = engine.execution_options(
                isolation_level="READ COMMITTED", postgresql_readonly=False
            )
            event.listen(self._writer, "begin", partial(_take_writer, fence=fence, epoch=epoch))
            self._hasty_writer = self._writer
        self._prepared = Remembered(engine.dialect)
        assert engine.dialect.dbapi is not None, "both databases have a driver"
        self._driver_error: type[Exception] = engine.dialect.dbapi.Error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with translated(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self, *, synced: bool = True) -> Iterator[Connection]:
        """All or nothing; on return it is on the disk. Not `synced`: on return it is with the operating system, where
        our end does not touch it; a power cut may lose it until something synced was written after it."""
        writer = self._writer if synced else self._hasty_writer
        with translated(self._driver_error), self.turns, writer.begin() as connection:
            yield connection

    @contextmanager
    def asked(self, connection: Connection) -> Iterator[Asked]:
        """What is asked within that transaction of `write`, as quick as the driver."""
        with closing(connection.connection.cursor()) as cursor:
            yield Asked(cursor, self._prepared)

    def close(self) -> None:
        self._reader.dispose()


_FULL = "its disk is full, or takes no more: make room there; nothing is lost, it is tried again"
_LOCKED = "another process keeps it locked: find out which (fuser, pg_stat_activity); it is tried again"
_LASTING = ("28", "3D", "42", "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_CANTOPEN", "SQLITE_READONLY")
_ADVICE = {
    "SQLITE_FULL": _FULL,
    "SQLITE_IOERR_WRITE": _FULL,  # also of a quota or a limit on the size of files
    "SQLITE_IOERR_SHMSIZE": _FULL,
    "SQLITE_BUSY": _LOCKED,
    "53100": _FULL,  # disk_full
    "55P03": _LOCKED,  # lock_not_available
}


def _lasts(error: DBAPIError) -> bool:
    """Until somebody mends an account, a database's name, its schema, a broken file. Where no connection was made
    there is no SQLSTATE, and the server's words are all that there is."""
    state = str(getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", ""))
    refused = re.search(r"FATAL: .*(authentication failed|does not exist|permission denied)", str(error.orig))
    return bool(refused) or state.startswith(_LASTING)


def _reason(error: DBAPIError) -> str:
    """What the database said, as far as it cannot quote a value: data exceptions (22…) do, and so do details."""
    state = getattr(error.orig, "sqlstate", None)
    said = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    if state is None:  # SQLite, or no connection: words of ours and of the driver only
        reason = "; ".join(str(error.orig).split("\n"))
    else:
        reason = f"SQLSTATE {state}" + (f", {said}" if said and not state.startswith("22") else "")
    advice = _ADVICE.get(str(state or getattr(error.orig, "sqlite_errorname", "")))
    return f"{reason}: {advice}" if advice else reason


def _close_cursor(context: ExceptionContext) -> None:
    """SQLAlchemy leaves that of a broken connection open, and psycopg complains of it much later."""
    if context.is_disconnect and context.execution_context is not None:
        with suppress(Exception):
            context.execution_context.cursor.close()


def set_pragmas(connection: SqliteConnection, _entry: ConnectionPoolEntry | None = None) -> None:
    connection.isolation_level = None  # who asks says when a transaction begins
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection, *, wait_seconds: float) -> None:
    options = connection.get_execution_options()
    if not options.get("provisiond_writes"):
        connection.exec_driver_sql("BEGIN")
        return
    wanted = options.get("provisiond_synchronous", "FULL")
    if connection.info.get("synchronous", "FULL") != wanted:  # it had another kind of writer before
        connection.exec_driver_sql(f"PRAGMA synchronous = {wanted}")
        connection.info["synchronous"] = wanted
    with closing(connection.connection.cursor()) as cursor:
        begin_immediate(cast(SqliteCursor, cursor), wait_seconds)


def _take_writer(connection: Connection, *, fence: int | None, epoch: int | None) -> None:
    connection.execute(select(func.pg_advisory_xact_lock(LOCKS, WRITER)))
    if fence is not None and connection.scalar(CYCLE_SESSION) != fence:
        raise UnavailableError("ledger", "the cycle's lock was lost with its connection; try again")
    if epoch is not None and connection.scalar(select(leadership.c.epoch)) != epoch:
        raise lost(epoch)
