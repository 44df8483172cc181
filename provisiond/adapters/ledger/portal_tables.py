"""The tables of the ledger that the portal writes, and by what students without an account prove who they are.
They belong to the same schema as those in tables.py, and to the same backups."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from provisiond.adapters.ledger.tables import Instant, Word, metadata


def _person(*, primary_key: bool = False) -> Column[str]:
    reference = ForeignKey("account.person_id")
    return Column("person_id", Word, reference, nullable=False, primary_key=primary_key)


# Which version of the acceptable use policy was accepted, and when; a row for each change of version.
acceptance = Table(
    "acceptance",
    metadata,
    Column("id", Integer, primary_key=True),
    _person(),
    Column("version", Word, nullable=False),
    Column("at", Instant, nullable=False),
)
Index("ix_acceptance_person_id", acceptance.c.person_id)

# TOTP secrets as the vault encrypted them. A row is retired, not deleted: its number must not come again, since a
# page that is still open somewhere names it. Its secret goes.
second_factor = Table(
    "second_factor",
    metadata,
    Column("id", Integer, primary_key=True),
    _person(),
    Column("sealed", LargeBinary, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("confirmed_at", Instant, nullable=True),
    Column("retired_at", Instant, nullable=True),
    Column("last_step", BigInteger, nullable=False),
)
PENDING = text("confirmed_at IS NULL AND retired_at IS NULL")
CONFIRMED = text("confirmed_at IS NOT NULL AND retired_at IS NULL")
for _name, _which in (("pending", PENDING), ("confirmed", CONFIRMED)):
    Index(
        f"ix_second_factor_{_name}",
        second_factor.c.person_id,
        unique=True,
        sqlite_where=_which,
        postgresql_where=_which,
    )

# One set a person; a code that was used is deleted.
recovery_set = Table(
    "recovery_set",
    metadata,
    _person(primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    Column("made_at", Instant, nullable=False),
)
recovery_code = Table(
    "recovery_code",
    metadata,
    _person(primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
)

# Single-use codes that we gave out, as keyed digests; one of a kind for a person.
ticket = Table(
    "ticket",
    metadata,
    _person(primary_key=True),
    Column("kind", Word, primary_key=True),
    Column("digest", Word, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("from_at", Instant, nullable=True),
    Column("until_at", Instant, nullable=False),
    Column("issued_by", JSON, nullable=False),
    Column("used_at", Instant, nullable=True),
)

# Students whom a cycle knows and could not give an account (parked, or held by a brake): the keyed digests of their
# records, with spaces between them. No foreign key: there is no account yet.
unserved = Table(
    "unserved",
    metadata,
    Column("student_id", Word, primary_key=True),
    Column("person_id", Word, nullable=False, index=True),
    Column("problem", Word, nullable=False),
    Column("hkid_digests", Text, nullable=False),
    Column("birth_digests", Text, nullable=False),
)
