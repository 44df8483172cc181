"""The history in the database: appended within the transaction of what it tells, never changed."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from provisiond.adapters.ledger import chain
from provisiond.adapters.ledger.chain import End, Happened
from provisiond.adapters.ledger.connection import streamed
from provisiond.adapters.ledger.tables import history, history_end
from provisiond.adapters.prepared import Asked
from provisiond.ports import HistoryLine

AUDITED = "audited"

# Made once: they belong to every transaction that writes.
_READ_END = select(history_end.c.seq, history_end.c.hash)
_MOVE_END = update(history_end).values(seq=bindparam("last"), hash=bindparam("link"))
_INSERT = insert(history)
_FIELDS = ("seq", "at", "actor", "person_id", "event", "detail", "reason", "hash")
_INSERT_ONE = _INSERT.values({f: bindparam(f) for f in _FIELDS})


def append(connection: Connection, happened: Iterable[Happened]) -> None:
    """Chain on; safe from others since every write holds the write lock from its beginning."""
    lines = chain.sealed(_end(connection), happened)
    if not lines:
        return
    rows = [{f: getattr(line, f) for f in _FIELDS} for line in lines]
    connection.execute(_INSERT, rows if len(rows) > 1 else rows[0])
    connection.execute(_MOVE_END, {"last": lines[-1].seq, "link": lines[-1].hash})


def append_one(ledger: Asked, happened: Happened) -> None:
    """`append`, within a transaction that is as quick as the driver."""
    row = ledger.first(_READ_END)
    (line,) = chain.sealed(End(row.seq, row.hash) if row else End(), [happened])
    ledger.change(_INSERT_ONE, **{f: getattr(line, f) for f in _FIELDS})
    ledger.change(_MOVE_END, last=line.seq, link=line.hash)


def lines_of(connection: Connection, person_id: str | None) -> list[HistoryLine]:
    wanted = select(history).order_by(history.c.seq)
    if person_id is not None:
        wanted = wanted.where(history.c.person_id == person_id)
    return [_line(row) for row in connection.execute(wanted)]


def last_audit(connection: Connection) -> datetime | None:
    """By the index: lines about nobody are few."""
    ours = (history.c.person_id.is_(None)) & (history.c.event == AUDITED)
    return connection.scalar(select(history.c.at).where(ours).order_by(history.c.seq.desc()).limit(1))


def verified(connection: Connection) -> str | None:
    try:
        end = _end(connection)
        with closing(_lines(connection)) as lines:
            return chain.broken(lines, end)
    except ValueError:
        return "a line of the history was changed: its instant cannot be read"


def _lines(connection: Connection) -> Generator[HistoryLine, None, None]:
    """Line by line: the history outgrows memory."""
    for row in streamed(connection, select(history).order_by(history.c.seq)):
        yield _line(row)


def _end(connection: Connection) -> End:
    row = connection.execute(_READ_END).one_or_none()
    return End(row.seq, row.hash) if row else End()


def _line(row: Row[tuple[object, ...]]) -> HistoryLine:
    return HistoryLine(**{f: getattr(row, f) for f in _FIELDS})
