"""INSERT … ON CONFLICT, which SQLite and PostgreSQL write alike and SQLAlchemy makes for each apart."""

from __future__ import annotations

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

Upsert = sqlite.Insert | postgresql.Insert


def upsert(dialect: str, table: Table) -> Upsert:
    if dialect == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)
