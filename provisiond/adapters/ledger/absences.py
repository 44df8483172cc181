"""Records that complete fetches do not name any more: a fact that is counted; what it means is policy's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, tuple_, update

from provisiond.adapters.ledger import orders
from provisiond.adapters.ledger.connection import chunks
from provisiond.adapters.ledger.tables import absence as table
from provisiond.adapters.ledger.tables import record
from provisiond.domain.model import Absence, Fetch, Rejection
from provisiond.ports import RecordKey

_OF_RECORD = and_(
    record.c.source == table.c.source,
    record.c.student_id == table.c.student_id,
    record.c.programme == table.c.programme,
)


def count(connection: Connection, fetch: Fetch, today: date) -> None:
    """One more fetch without those that are absent, and `fetch.gone` are new; of what was never committed nothing
    can be missed. Whoever may stand in a rejected record is not missed by this fetch."""
    source, mine = fetch.source, table.c.source == fetch.source
    students = connection.scalars(select(table.c.student_id).where(mine).distinct()).all()
    for missed in chunks(_missed(students, fetch.rejections)):
        them = mine & table.c.student_id.in_(missed)
        connection.execute(update(table).where(them).values(fetches=table.c.fetches + 1))
    for chunk in chunks(fetch.gone):
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


def end(connection: Connection, keys: Collection[RecordKey], at: datetime) -> None:
    """These are named again; their persons are due, since nothing else tells that a brake held their return."""
    for chunk in chunks(keys):
        record_named = tuple_(record.c.source, record.c.student_id, record.c.programme).in_(chunk)
        people = connection.scalars(select(record.c.person_id).where(record_named)).all()
        named = tuple_(table.c.source, table.c.student_id, table.c.programme).in_(chunk)
        connection.execute(delete(table).where(named))
        orders.call(connection, people, at)


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


def _missed(students: Iterable[str], rejections: Sequence[Rejection]) -> list[str]:
    """Of these absent students those of whom the fetch certainly says nothing."""
    named = {rejection.student_id and rejection.student_id.casefold() for rejection in rejections}
    return [] if None in named else [student for student in students if student.casefold() not in named]


def not_absent() -> ColumnElement[bool]:
    """A condition on records."""
    return ~select(table.c.source).where(_OF_RECORD).exists()
