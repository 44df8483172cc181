"""The tables of the short memory. There are no migrations: where their shape is another than that of this code they
are dropped and made anew."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware instant as microseconds since 1970, so that databases compare and add."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MICROSECOND


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
    Column("ended", Boolean, nullable=False),
)
Index("ix_portal_session_begun_at", session.c.begun_at)

# Hits of a rate under one key, in the window that ends at `until`.
count = Table(
    "portal_count",
    metadata,
    Column("key", String, primary_key=True),
    Column("hits", Integer, nullable=False),
    Column("until", Instant, nullable=False, index=True),
)

failure = Table(
    "portal_failure",
    metadata,
    Column("key", String, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("failed_at", Instant, nullable=False, index=True),
)

shape = Table("portal_state_shape", metadata, Column("digest", String, primary_key=True))


def shape_of_this_code() -> str:
    made = "".join(str(CreateTable(table)) for table in metadata.sorted_tables)
    return hashlib.sha256(made.encode()).hexdigest()
