"""A registry's own database, as its people would fill it: a table of students on SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    insert,
    text,
)

from tests.rigs.clock import NOON
from tests.rigs.registry import COLUMNS, a_row

DATES = ("birth_date", "status_on", "expected_end_on")
QUERY = "SELECT * FROM students ORDER BY student_id, programme"
MAPPING = {field: field for field in COLUMNS}

_metadata = MetaData()
students = Table(
    "students",
    _metadata,
    *(
        Column(name, Date if name in DATES else Boolean if name == "confidential" else String)
        for name in COLUMNS
    ),
    Column("changed_at", DateTime(timezone=True)),
    Column("version", Integer),
    Column("academic_year", String),
)


@dataclass(frozen=True, slots=True)
class Campus:
    """The database at `url` (with whatever its people need to write)."""

    url: str

    def fill(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Exactly these rows, whatever was there."""
        engine = create_engine(self.url)
        with engine.begin() as connection:
            _metadata.drop_all(connection)
            _metadata.create_all(connection)
            if rows:
                connection.execute(insert(students), list(rows))
        engine.dispose()

    def tell(self, *statements: str) -> None:
        engine = create_engine(self.url)
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()


def typed_row(number: int, **more: Any) -> dict[str, Any]:
    """Changed `number` minutes before noon."""
    row: dict[str, Any] = {k: v or None for k, v in a_row(student_id=str(20240001 + number)).items()}
    row |= {name: date.fromisoformat(row[name]) for name in DATES if row[name]}
    at = changed(number)
    return (
        row | {"confidential": False, "changed_at": at, "version": number, "academic_year": "2024/25"} | more
    )


def typed_rows(count: int) -> list[dict[str, Any]]:
    return [typed_row(number) for number in range(count)]


def changed(minutes: int) -> datetime:
    return NOON - timedelta(minutes=minutes)
