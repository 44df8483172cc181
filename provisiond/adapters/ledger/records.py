"""Registry records in the ledger: what was last committed, and its digest to notice what is new."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import date
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from provisiond.adapters.ledger import absences
from provisiond.adapters.ledger.connection import chunks
from provisiond.adapters.ledger.tables import record as table
from provisiond.domain.digest import record_digest
from provisiond.domain.model import Language, Level, RegistryRecord, Status

_FIELDS = tuple(field.name for field in fields(RegistryRecord))


def of_people(connection: Connection, person_ids: Sequence[str]) -> dict[str, list[RegistryRecord]]:
    wanted = (
        select(table.c.person_id, table.c.content)
        .where(table.c.person_id.in_(person_ids))
        .order_by(table.c.source, table.c.student_id, table.c.programme)
    )
    found: dict[str, list[RegistryRecord]] = {}
    for row in connection.execute(wanted):
        found.setdefault(row.person_id, []).append(record_of(row.content))
    return found


def present_of_students(
    connection: Connection, source: str, student_ids: Collection[str]
) -> dict[str, tuple[RegistryRecord, ...]]:
    """Without those that are absent."""
    found: dict[str, tuple[RegistryRecord, ...]] = {}
    for chunk in chunks(student_ids):
        wanted = (
            select(table.c.student_id, table.c.content)
            .where(table.c.source == source, table.c.student_id.in_(chunk), absences.not_absent())
            .order_by(table.c.student_id, table.c.programme)
        )
        for student_id, content in connection.execute(wanted):
            found[student_id] = (*found.get(student_id, ()), record_of(content))
    return found


def replace(connection: Connection, records: Mapping[str, Sequence[RegistryRecord]]) -> None:
    """Put each person's records in the place of those of the same key; of twins the last one counts."""
    rows = {r.key: _row(person, r) for person, given in records.items() for r in given}
    for keys in chunks(rows):
        connection.execute(
            delete(table).where(
                table.c.source == bindparam("was_source"),
                table.c.student_id == bindparam("was_student"),
                table.c.programme == bindparam("was_programme"),
            ),
            [{"was_source": s, "was_student": i, "was_programme": p} for s, i, p in keys],
        )
        connection.execute(insert(table), [rows[key] for key in keys])


def _row(person_id: str, record: RegistryRecord) -> dict[str, object]:
    digests = {"digest": record_digest(record), "hkid_digest": record.hkid_digest}
    return {**record_row(record), "person_id": person_id, **digests}


def record_row(record: RegistryRecord) -> dict[str, object]:
    source, student_id, programme = record.key
    said = (
        (name, getattr(record, name)) for name in _FIELDS
    )  # asdict would copy deeply: eight times the time
    content = {name: value.isoformat() if isinstance(value, date) else value for name, value in said}
    return {"source": source, "student_id": student_id, "programme": programme, "content": content}


def record_of(content: Mapping[str, Any]) -> RegistryRecord:
    end, language = content["expected_end_on"], content.get("language")  # not in rows of earlier versions
    typed = {
        "language": Language(language) if language else None,
        "level": Level(content["level"]),
        "status": Status(content["status"]),
        "status_on": date.fromisoformat(content["status_on"]),
        "expected_end_on": date.fromisoformat(end) if end else None,
    }
    return RegistryRecord(**{**content, **typed})
