"""Records of students who have no account: what was said of them must be there when they get one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, delete, insert, select, tuple_

from provisiond.adapters.ledger.connection import chunks
from provisiond.adapters.ledger.records import record_of, record_row
from provisiond.adapters.ledger.tables import aside as table
from provisiond.domain.model import RegistryRecord
from provisiond.ports import RecordKey


def replace(connection: Connection, kept: Sequence[RegistryRecord], dropped: Collection[RecordKey]) -> None:
    rows = {record.key: record_row(record) for record in kept}
    for keys in chunks({*rows, *dropped}):
        them = tuple_(table.c.source, table.c.student_id, table.c.programme).in_(keys)
        connection.execute(delete(table).where(them))
    for keys in chunks(rows):
        connection.execute(insert(table), [rows[key] for key in keys])


def of_students(connection: Connection, student_ids: Iterable[str]) -> dict[str, tuple[RegistryRecord, ...]]:
    found: dict[str, tuple[RegistryRecord, ...]] = {}
    for chunk in chunks(student_ids):
        wanted = (
            select(table.c.student_id, table.c.content)
            .where(table.c.student_id.in_(chunk))
            .order_by(table.c.source, table.c.programme)
        )
        for student_id, content in connection.execute(wanted):
            found[student_id] = (*found.get(student_id, ()), record_of(content))
    return found


def end(connection: Connection, student_ids: Iterable[str]) -> None:
    """They have an account now, which holds all their records."""
    for chunk in chunks(student_ids):
        connection.execute(delete(table).where(table.c.student_id.in_(chunk)))
