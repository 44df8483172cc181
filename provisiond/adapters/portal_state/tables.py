"""The tables of the short memory. There are no migrations: where their shape is another than that of this code they
are dropped and made anew. In SQLite a row lies in the index of its key (WITHOUT ROWID): a page's counts touch half
as much of the file."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    ClauseElement,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(TypeDecorator[datetime]):
    """An aware instant as microseconds since 1970, so that databases compare and add."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else instant(value)


def microseconds(at: datetime) -> int:
    """Since 1970."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def instant(after: int) -> datetime:
    """`after`: microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=after)


metadata = MetaData()

# Under the SHA-256 of the token. One that was ended stays until its time is over, so that a request that was under
# way does not bring it back.
session = Table(
    "portal_session",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("person_id", String, nullable=True, index=True),
    Column("stage", String, nullable=False),
    Column("content", Text, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("proved_at", Instant, nullable=True),
    Column("entered_at", Instant, nullable=True),
    Column("device", String, nullable=True),
    Column("ended", Boolean, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_portal_session_begun_at", session.c.begun_at)

# Hits of a rate under one key, in the window that ends at `until` (microseconds since 1970). What is over is found by
# reading all of it now and then; an index would be written at every page.
count = Table(
    "portal_count",
    metadata,
    Column("key", String, primary_key=True),
    Column("hits", Integer, nullable=False),
    Column("until", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

failure = Table(
    "portal_failure",
    metadata,
    Column("key", String, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("failed_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

shape = Table("portal_state_shape", metadata, Column("digest", String, primary_key=True))


def shape_of_this_code() -> str:
    tables = metadata.sorted_tables
    indexes = sorted((one for table in tables for one in table.indexes), key=lambda one: str(one.name))
    words: list[ClauseElement] = [*map(CreateTable, tables), *map(CreateIndex, indexes)]
    made = "".join(str(word.compile(dialect=sqlite.dialect())) for word in words)
    return hashlib.sha256(made.encode()).hexdigest()
