"""Records that complete fetches do not name any more: a fact that is counted; what it means is policy's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, tuple_, update

from provisiond.adapters.ledger import orders
from provisiond.adapters.ledger.connection import chunks
from provisiond.adapters.ledger.tables import absence as table
from provisiond.adapters.ledger.tables import record
from provisiond.domain.model import Absence
from provisiond.ports import RecordKey

_OF_RECORD = and_(
    record.c.source == table.c.source,
    record.c.student_id == table.c.student_id,
    record.c.programme == table.c.programme,
)


def count(connection: Connection, source: str, gone: Iterable[tuple[str, str]], today: date) -> None:
    """One more fetch for those of `source`, and `gone` (student ID, programme) are new; of what was never committed
    nothing can be missed."""
    mine = table.c.source == source
    connection.execute(update(table).where(mine).values(fetches=table.c.fetches + 1))
    for chunk in chunks(gone):
        pair = tuple_(record.c.student_id, record.c.programme)
        known = select(record.c.student_id, record.c.programme).where(
            record.c.source == source, pair.in_(chunk)
        )
        there = tuple_(table.c.student_id, table.c.programme)
        old = set(
            connection.execute(select(table.c.student_id, table.c.programme).where(mine, there.in_(chunk)))
        )
        rows = [
            {"source": source, "student_id": student, "programme": programme, "since_on": today, "fetches": 1}
            for student, programme in connection.execute(known)
            if (student, programme) not in old
        ]
        if rows:
            connection.execute(insert(table), rows)


def end(connection: Connection, keys: Collection[RecordKey]) -> None:
    """These are named again; their persons are due."""
    for chunk in chunks(keys):
        named = tuple_(table.c.source, table.c.student_id, table.c.programme).in_(chunk)
        connection.execute(delete(table).where(named))


def every(connection: Connection) -> list[Absence]:
    wanted = select(table).order_by(table.c.source, table.c.student_id, table.c.programme)
    return [Absence(*row) for row in connection.execute(wanted)]


def of_students(connection: Connection, student_ids: Sequence[str]) -> dict[str, list[Absence]]:
    wanted = select(table).where(table.c.student_id.in_(student_ids)).order_by(*table.primary_key)
    found: dict[str, list[Absence]] = {}
    for row in connection.execute(wanted):
        found.setdefault(row.student_id, []).append(Absence(*row))
    return found


def call(connection: Connection, source: str, at_least: int, at: datetime) -> None:
    """Make the persons due whose record has just been absent as often as that."""
    wanted = (
        select(record.c.person_id)
        .join(table, _OF_RECORD)
        .where(table.c.source == source, table.c.fetches == at_least)
    )
    orders.call(connection, list(connection.scalars(wanted)), at)


def not_absent() -> ColumnElement[bool]:
    """A condition on records."""
    return ~select(table.c.source).where(_OF_RECORD).exists()
