"""Leading on PostgreSQL: a lock on a connection of its own, and a row that is renewed, so that a leader whose process
was stopped, or whose machine is cut off, is overtaken too. Whoever takes over counts the epoch up, which ends every
ledger write of the one before (connection.Database), and ends its sessions.

Whether a lease ran out is judged by how long the row stayed the same before the own eyes: no clock of another
machine is believed."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Row, create_engine, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.pool import NullPool

from provisiond.adapters.ledger.alarm import Alarm
from provisiond.adapters.ledger.connection import (
    LEADER,
    LOCKS,
    WRITER,
    session_name,
    session_suffix,
    translated,
)
from provisiond.adapters.ledger.place import Place
from provisiond.adapters.ledger.tables import leadership as table
from provisiond.adapters.ledger.tenure import LEASE_FOR, MARGIN_FOR, Leader, Tenure, uptime
from provisiond.domain.errors import UnavailableError

log = structlog.get_logger("provisiond.leadership")

_ANSWER_FOR = 5.0  # seconds that the server may take when we stand by
_LOCK_TRIES = 10


@dataclass(frozen=True, slots=True)
class _Seen:
    """The row as it was when it last changed, and when that was by our own clock."""

    row: Any
    at: float


class RowLeadership:
    """Implements leadership.Leadership."""

    def __init__(self, where: Place, now: Callable[[], float] = uptime) -> None:
        self._where = where
        self._now = now
        self._alarm = Alarm(now)
        self._connection: Connection | None = None
        self._seen: _Seen | None = None
        self._one = threading.Lock()
        self.tenure: Tenure | None = None

    @property
    def epoch(self) -> int:
        return self.tenure.epoch if self.tenure else 0

    def holds(self) -> bool:
        return self.tenure is not None and self.tenure.holds()

    def acquire(self) -> bool:
        if self.holds():
            return True
        with self._one:
            if self.tenure and not self.tenure.ended:
                self._lose("this process stood still, or did not renew in time")
            kept = self._connection is not None
            try:
                return self._try()
            except UnavailableError:
                if not kept:
                    raise
                return self._try()  # that connection may have ended while nobody looked

    def _try(self) -> bool:
        with self._talk(_ANSWER_FOR) as connection:
            row = _row(connection)
            return self._is_over(row) and self._take(connection, row)

    def renew(self) -> bool:
        with self._one:
            tenure = self.tenure
            if tenure is None or tenure.ended:
                return False
            began = self._now()
            reason = self._renewed(tenure, tenure.until - MARGIN_FOR - began)
            if reason is None:
                tenure.extend(began + LEASE_FOR)
                return True
            self._lose(reason)
            return False

    def _renewed(self, tenure: Tenure, seconds: float) -> str | None:
        """Why not, if not. A connection that was lost was the lock's: it is not opened again."""
        if self._connection is None:
            return "the connection was lost"
        try:
            with self._talk(seconds) as connection:
                found = connection.execute(_of(tenure).values(renewed_at=_SERVER_TIME)).rowcount
        except UnavailableError as error:
            return error.reason
        return None if found else "another one took over"

    def release(self) -> None:
        with self._one:
            tenure = self.tenure
            if tenure and not tenure.ended:
                tenure.end()
                with suppress(UnavailableError), self._talk(_ANSWER_FOR) as connection:
                    connection.execute(_of(tenure).values(renewed_at=None))
            self._end()

    def _lose(self, reason: str) -> None:
        log.warning("leadership lost", epoch=self.epoch, reason=reason)
        self._end()

    def _end(self) -> None:
        """Of the tenure, whatever came of it, and of the lock with the connection."""
        if self.tenure:
            self.tenure.end()
        self._seen = None  # whoever lost it lets others go first: it watches for a whole lease
        self._hang_up()

    def _is_over(self, row: Row[Any]) -> bool:
        """Whether nobody leads: released, never held, or not renewed for a lease."""
        if self._seen is None or self._seen.row != row:
            self._seen = _Seen(row, self._now())
        return row.renewed_at is None or self._now() - self._seen.at >= LEASE_FOR

    def _take(self, connection: Connection, row: Row[Any]) -> bool:
        if row.renewed_at is not None:
            _evict(connection, row)
        began = self._now()
        if not _locked(connection):
            return False
        epoch = _succeed(connection, row)
        if epoch is None:  # another one was quicker
            self._hang_up()
            return False
        self.tenure = Tenure(epoch, began + LEASE_FOR, self._now, self._alarm)
        return True

    @contextmanager
    def _talk(self, seconds: float) -> Iterator[Connection]:
        """The server must answer within that time; a connection that failed is never used again."""
        try:
            with translated():
                if self._connection is None:
                    self._connection = _connect(self._where)
                with _cut_after(self._connection, max(seconds, 0.1)):
                    yield self._connection
        except UnavailableError:
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        if self._connection is not None:
            with suppress(Exception):  # broken already
                self._connection.close()
            self._connection = None


def leader(where: Place) -> Leader | None:
    with translated(), _connect(where) as connection:
        heard = table.c.renewed_at > _SERVER_TIME - timedelta(seconds=LEASE_FOR)
        row = connection.execute(select(table).where(heard)).first()
    return Leader(row.node, row.pid, row.epoch, row.since, row.renewed_at) if row else None


_SERVER_TIME: Any = func.clock_timestamp()


def _of(tenure: Tenure) -> Any:
    return update(table).where(table.c.epoch == tenure.epoch)


def _connect(where: Place) -> Connection:
    arguments = where.server_arguments(session_name("leader "))
    arguments["connect_timeout"] = 3
    arguments["options"] += " -c lock_timeout=2000"
    engine = create_engine(
        where.url,
        connect_args=arguments,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
    )
    return engine.connect()


@contextmanager
def _cut_after(connection: Connection, seconds: float) -> Iterator[None]:
    """No driver has a limit for a server that is silent."""
    raw: Any = connection.connection.dbapi_connection
    timer = threading.Timer(seconds, _cut, [raw])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(raw: Any) -> None:
    with suppress(Exception), socket.socket(fileno=os.dup(raw.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)


def _row(connection: Connection) -> Row[Any]:
    """The one row; made by whoever comes first."""
    if (found := connection.execute(select(table)).first()) is not None:
        return found
    connection.execute(insert(table).values(id=1, epoch=0).on_conflict_do_nothing())
    return connection.execute(select(table)).one()


def _locked(connection: Connection) -> bool:
    """A session that was told to end takes a moment."""
    for _ in range(_LOCK_TRIES):
        if connection.scalar(select(func.pg_try_advisory_lock(LOCKS, LEADER))):
            return True
        time.sleep(0.05)
    return False


def _succeed(connection: Connection, row: Row[Any]) -> int | None:
    """Count the epoch up, if the row is still as we saw it. Under the writers' lock: no transaction that was begun in
    the epoch before ends after this."""
    connection.exec_driver_sql("BEGIN")
    try:
        connection.execute(select(func.pg_advisory_xact_lock(LOCKS, WRITER)))
        mine = {
            "node": socket.gethostname(),
            "pid": os.getpid(),
            "since": _SERVER_TIME,
            "renewed_at": _SERVER_TIME,
        }
        same = table.c.epoch == row.epoch, table.c.renewed_at.is_not_distinct_from(row.renewed_at)
        statement = update(table).where(*same).values(epoch=row.epoch + 1, **mine)
        epoch: int | None = connection.scalar(statement.returning(table.c.epoch))
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    return epoch


def _evict(connection: Connection, row: Row[Any]) -> None:
    """End the sessions of who led: a stopped process would keep its locks, of leader, cycle and writer, for ever."""
    try:
        with translated():
            connection.execute(_EVICTION, {"suffix": session_suffix(row.node, row.pid)})
    except UnavailableError as error:
        raise UnavailableError(
            "ledger",
            f"the sessions of provisiond (pid {row.pid} on {row.node}), which leads no more, cannot be ended: all"
            f" daemons need the same database user ({error.reason})",
        ) from None


_EVICTION = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    " AND datname = current_database()"
    " AND (right(application_name, length(:suffix)) = :suffix OR pid IN (SELECT pid FROM pg_locks"
    " WHERE locktype = 'advisory' AND classid = :locks AND objid = :leader AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())))"
).bindparams(locks=LOCKS, leader=LEADER)
