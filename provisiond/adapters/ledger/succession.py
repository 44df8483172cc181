"""How one leader follows another on PostgreSQL, in SQL: the row, the lock, the epoch, and the end of the sessions of
who led before. When it is time is decided by leader_row.py."""

from __future__ import annotations

import os
import socket
import time
from typing import Any

from sqlalchemy import Connection, Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from provisiond.adapters.ledger.connection import LEADER, LOCKS, WRITER, session_suffix, translated
from provisiond.adapters.ledger.tables import leadership as table
from provisiond.domain.errors import UnavailableError

SERVER_TIME: Any = func.clock_timestamp()
_LOCK_TRIES = 10


def present(connection: Connection) -> Row[Any]:
    """The one row; made by whoever comes first."""
    if (found := connection.execute(select(table)).first()) is not None:
        return found
    connection.execute(insert(table).values(id=1, epoch=0).on_conflict_do_nothing())
    return connection.execute(select(table)).one()


def locked(connection: Connection) -> bool:
    """A session that was told to end takes a moment."""
    for _ in range(_LOCK_TRIES):
        if connection.scalar(select(func.pg_try_advisory_lock(LOCKS, LEADER))):
            return True
        time.sleep(0.05)
    return False


def succeed(connection: Connection, row: Row[Any]) -> int | None:
    """Count the epoch up, if the row is still as we saw it. Under the writers' lock: no transaction that was begun in
    the epoch before ends after this."""
    connection.exec_driver_sql("BEGIN")
    try:
        connection.execute(select(func.pg_advisory_xact_lock(LOCKS, WRITER)))
        mine = {
            "node": socket.gethostname(),
            "pid": os.getpid(),
            "since": SERVER_TIME,
            "renewed_at": SERVER_TIME,
        }
        same = table.c.epoch == row.epoch, table.c.renewed_at.is_not_distinct_from(row.renewed_at)
        statement = update(table).where(*same).values(epoch=row.epoch + 1, **mine)
        epoch: int | None = connection.scalar(statement.returning(table.c.epoch))
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    return epoch


def evict(connection: Connection, row: Row[Any]) -> None:
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
