"""The tables of the ledger: facts and promises, no derived states. What may never change (identifiers,
history) is guarded by triggers as well, see migrations/. A test compares the migrations with this module.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


def instant_text(at: datetime) -> str:
    """An aware instant as UTC text of fixed width, so that text order is time order."""
    if at.tzinfo is None:
        raise ValueError("an instant without a time zone cannot be stored")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant; text in the database, because SQLite has no type for it."""

    impl = String(32).with_variant(String(32, collation="C"), "postgresql")
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else instant_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


# Compared byte by byte everywhere: PostgreSQL would else order, and find ranges, as the server's locale does.
Word = String().with_variant(String(collation="C"), "postgresql")

metadata = MetaData()


def _person() -> Column[str]:
    return Column("person_id", Word, ForeignKey("account.person_id"), nullable=False, index=True)


account = Table(
    "account",
    metadata,
    Column("person_id", Word, primary_key=True),
    Column("student_id", Word, nullable=False, unique=True),
    Column("account_name", Word, nullable=False, unique=True),
    Column("uid_number", Integer, nullable=True, unique=True),
    Column("state", Word, nullable=False, index=True),  # the last one committed, to notice transitions
    Column("applied", Boolean, nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    Column("activated_at", Instant, nullable=True),
    Column("unlisted", Boolean, nullable=False),
    Column("next_on", Date, nullable=True, index=True),
    Column(
        "ordered_at", Instant, nullable=True
    ),  # last order: a cycle begun before it must not undo its call
    # its entries may be half-written: a cycle began to write them and has not committed
    Column("unfinished", Boolean, nullable=False, index=True, server_default=false()),
    Column("display_name", Text, nullable=True),  # as the person chose it; NULL: as policy makes it
)

# One namespace of account names, aliases and mail local parts, lower case; a row is for ever.
identifier = Table(
    "identifier",
    metadata,
    Column("value", Word, primary_key=True),
    Column("kind", Word, nullable=False),
    _person(),
    Column("given_at", Instant, nullable=False),
)

# How a further local part of the lifelong address is written; that it is given says `identifier`.
alias = Table(
    "alias",
    metadata,
    Column("value", Word, ForeignKey("identifier.value"), primary_key=True),
    _person(),
    Column("written", Word, nullable=False),
    Column("given_at", Instant, nullable=False),
)

contact_detail = Table(
    "contact_detail",
    metadata,
    Column("person_id", Word, ForeignKey("account.person_id"), primary_key=True),
    Column("field", Word, primary_key=True),
    Column("value", Text, nullable=False),
    Column("audience", Word, nullable=False),
)

# Names that entries of nobody we know were seen to have: given to no one either.
foreign_name = Table(
    "foreign_name",
    metadata,
    Column("value", Word, primary_key=True),
    Column("seen_at", Instant, nullable=False),
)

# One row where this ledger was made again from registry and directory; until the end it knows only a part.
rebuild = Table(
    "rebuild",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("begun_at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=True),
)

# Who leads, where several daemons may (PostgreSQL); one row. `renewed_at` is NULL when it was let go.
leadership = Table(
    "leadership",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("node", Word, nullable=True),
    Column("pid", Integer, nullable=True),
    Column("since", DateTime(timezone=True), nullable=True),
    Column("renewed_at", DateTime(timezone=True), nullable=True),
)

record = Table(
    "record",
    metadata,
    Column("source", Word, primary_key=True),
    Column("student_id", Word, primary_key=True),
    Column("programme", Word, primary_key=True),
    _person(),
    Column("content", JSON, nullable=False),
    Column("digest", Word, nullable=False),
    Column("hkid_digest", Word, nullable=True),
)
Index("ix_record_hkid_digest", record.c.source, record.c.hkid_digest)

# Records of students who have no account, which matter if one is ever made. No foreign key: there is no person.
aside = Table(
    "aside",
    metadata,
    Column("source", Word, primary_key=True),
    Column("student_id", Word, primary_key=True, index=True),
    Column("programme", Word, primary_key=True),
    Column("content", JSON, nullable=False),
)

hold = Table(
    "hold",
    metadata,
    Column("id", Integer, primary_key=True),
    _person(),
    Column("kind", Word, nullable=False),
    Column("set_at", Instant, nullable=False),
    Column("until_on", Date, nullable=True),
    Column("reason", Text, nullable=False),
    Column("actor", Word, nullable=False),
    Column("released_at", Instant, nullable=True),
)
Index(
    "ix_hold_one_of_a_kind",
    hold.c.person_id,
    hold.c.kind,
    unique=True,
    sqlite_where=text("released_at IS NULL"),
    postgresql_where=text("released_at IS NULL"),
)

extension = Table(
    "extension",
    metadata,
    Column("id", Integer, primary_key=True),
    _person(),
    Column("until_on", Date, nullable=False),
    Column("granted_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Word, nullable=False),
)

# What changes nothing and is told: an extension refused, a password or second factor changed.
occurrence = Table(
    "occurrence",
    metadata,
    Column("id", Integer, primary_key=True),
    _person(),
    Column("kind", Word, nullable=False),
    Column("at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Word, nullable=False),
)

# No foreign key: a notice to the operators is about nobody.
outbox = Table(
    "outbox",
    metadata,
    Column("key", Word, primary_key=True),
    Column("person_id", Word, nullable=True, index=True),
    Column("kind", Word, nullable=False),
    Column("to", Word, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("about_on", Date, nullable=True),
    Column("status", Word, nullable=False, index=True),
    Column("decided_at", Instant, nullable=False),
    Column("settled_at", Instant, nullable=True),
    Column("reply", Text, nullable=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("doubts", Integer, nullable=False, server_default="0"),
    Column("next_try_at", Instant, nullable=True),
    Column("tried_at", Instant, nullable=True, index=True),
    Column("message_id", Word, nullable=True, index=True),
    Column("sent_to", Word, nullable=True),
    # what became of it is not in the history yet, nor was its person called
    Column("untold", Boolean, nullable=False, server_default=false()),
)
Index(
    "ix_outbox_untold",
    outbox.c.untold,
    sqlite_where=text("untold"),
    postgresql_where=text("untold"),
)

# How far each folder of the mailbox was read.
inbox_mark = Table(
    "inbox_mark",
    metadata,
    Column("folder", Word, primary_key=True),
    Column("uid_validity", BigInteger, nullable=False),
    Column("uid", BigInteger, nullable=False),
)

# Mails that came back, by their place in the mailbox; `filed_at`: put away there, too.
returned_mail = Table(
    "returned_mail",
    metadata,
    Column("folder", Word, primary_key=True),
    Column("uid_validity", BigInteger, primary_key=True, autoincrement=False),
    Column("uid", BigInteger, primary_key=True, autoincrement=False),
    Column("message_id", Word, nullable=True, index=True),
    Column("taken_at", Instant, nullable=False),
    Column("filed_at", Instant, nullable=True),
)

# `folded`: the address as it is compared.
bad_address = Table(
    "bad_address",
    metadata,
    Column("folded", Word, primary_key=True),
    Column("address", Word, nullable=False),
    Column("reply", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("notice", Word, nullable=False),
    Column("person_id", Word, nullable=True),
)

history = Table(
    "history",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", Word, nullable=False),
    Column("person_id", Word, nullable=True, index=True),
    Column("event", Word, nullable=False),
    Column("detail", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("hash", Word, nullable=False),
)

# One row: the last link of the chain, so that lines cut off at the end are missed.
history_end = Table(
    "history_end",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("hash", Word, nullable=False),
)

fetch = Table(
    "fetch",
    metadata,
    Column("source", Word, primary_key=True),
    Column("file", Word, nullable=False),
    Column("digest", Word, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("etag", Text, nullable=True),
    Column("watermark", Text, nullable=True),
    Column("outline", LargeBinary, nullable=True),  # stretches of the file, packed by outlines.py
)

# What is remembered of the last fetch's rows; `rows` is packed by blocks.py.
registry_block = Table(
    "registry_block",
    metadata,
    Column("source", Word, primary_key=True),
    Column("digest", LargeBinary(16), primary_key=True),
    Column("settled", Boolean, nullable=False),
    Column("rows", LargeBinary, nullable=False),
)
# answers which blocks are settled without reading their rows
Index(
    "ix_registry_block_settled",
    registry_block.c.source,
    registry_block.c.settled,
    registry_block.c.digest,
)

absence = Table(
    "absence",
    metadata,
    Column("source", Word, primary_key=True),
    Column("student_id", Word, primary_key=True, index=True),
    Column("programme", Word, primary_key=True),
    Column("since_on", Date, nullable=False),
    Column("fetches", Integer, nullable=False),
)

rejection = Table(
    "rejection",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", Word, nullable=False, index=True),
    Column("file", Word, nullable=False),
    Column("line", Integer, nullable=False),
    Column("student_id", Word, nullable=True),
    Column("reasons", JSON, nullable=False),
)

held_plan = Table(
    "held_plan",
    metadata,
    Column("hash", Word, primary_key=True),
    Column("summary", Text, nullable=False),
    Column("told_at", Instant, nullable=False),
    Column("approved_by", Word, nullable=True),
    Column("spent_at", Instant, nullable=True),
    Column("approved_at", Instant, nullable=True),
)

# What was committed without an approval, for the brakes of the last 24 hours.
brake_weight = Table(
    "brake_weight",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("brake", Word, nullable=False),
    Column("weight", Integer, nullable=False),
)

# One row: where the next look for drift begins.
drift_mark = Table(
    "drift_mark",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("watermark", Text, nullable=False),
)

# No foreign key: a person may be parked before an account could be made.
parked = Table(
    "parked",
    metadata,
    Column("person_id", Word, primary_key=True),
    Column("reason", Word, primary_key=True),
    Column("student_id", Word, nullable=False),
    Column("since", Instant, nullable=False),
)

# Entries of the directory: whose they are, and the state in which they were right (NULL: they were not when seen),
# `checked` by a look at the whole entry. No foreign key: the directory may show marks of persons we do not know.
sighting = Table(
    "sighting",
    metadata,
    Column("entry_id", LargeBinary(16), primary_key=True),
    Column("person_id", Word, nullable=False, index=True),
    Column("kind", Word, nullable=False),
    Column("state", LargeBinary(8), nullable=True),
    Column("checked", Boolean, nullable=False),
)
