"""Leading on PostgreSQL: a lock on a connection of its own, and a row that is renewed, so that a leader whose process
was stopped, or whose machine is cut off, is overtaken too. Whoever takes over counts the epoch up, which ends every
ledger write of the one before (connection.Database), and ends its sessions.

Whether a lease ran out is judged by how long the row stayed the same before the own eyes: no clock of another
machine is believed."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Row, create_engine, select, update
from sqlalchemy.pool import NullPool

from provisiond.adapters.ledger.alarm import Alarm
from provisiond.adapters.ledger.connection import (
    session_name,
    translated,
)
from provisiond.adapters.ledger.place import Place
from provisiond.adapters.ledger.succession import SERVER_TIME, evict, locked, present, succeed
from provisiond.adapters.ledger.tables import leadership as table
from provisiond.adapters.ledger.tenure import LEASE_FOR, MARGIN_FOR, Leader, Tenure, uptime
from provisiond.domain.errors import UnavailableError

log = structlog.get_logger("provisiond.leadership")

_ANSWER_FOR = 5.0  # seconds that the server may take when we stand by


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
            row = present(connection)
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
                found = connection.execute(_of(tenure).values(renewed_at=SERVER_TIME)).rowcount
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
            evict(connection, row)
        began = self._now()
        if not locked(connection):
            return False
        epoch = succeed(connection, row)
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
        heard = table.c.renewed_at > SERVER_TIME - timedelta(seconds=LEASE_FOR)
        row = connection.execute(select(table).where(heard)).first()
    return Leader(row.node, row.pid, row.epoch, row.since, row.renewed_at) if row else None


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
