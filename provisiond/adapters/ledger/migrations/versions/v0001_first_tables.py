"""The first tables, and the triggers that keep identifiers and history as they are.

Written out rather than taken from tables.py: a version says what it did then, whatever the code says now.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_INSTANT = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
_WORD = sa.String().with_variant(sa.String(collation="C"), "postgresql")
# table → what never happens to its rows, and why
_FOR_EVER = (
    ("account", "DELETE", "accounts are never deleted"),
    ("account", "UPDATE OF person_id, account_name", "an account name is for ever"),
    ("identifier", "DELETE", "identifiers are for ever"),
    ("identifier", "UPDATE", "identifiers are for ever"),
    ("history", "DELETE", "the history is only added to"),
    ("history", "UPDATE", "the history is only added to"),
)
_FORBIDDEN = """
CREATE FUNCTION provisiond_forbidden() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'restrict_violation';
END $$
"""


def upgrade() -> None:
    _accounts()
    _orders()
    _promises()
    _registry()
    on_server = op.get_bind().dialect.name == "postgresql"
    if on_server:
        op.execute(_FORBIDDEN)
    for table, event, reason in _FOR_EVER:
        name = f"{table}_{event.split()[0].lower()}_forbidden"
        act = (
            f"FOR EACH ROW EXECUTE FUNCTION provisiond_forbidden('{reason}')"
            if on_server
            else f"BEGIN SELECT RAISE(ABORT, '{reason}'); END"
        )
        op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} {act}")
    for table in ("account", "identifier", "history") if on_server else ():
        op.execute(
            f"CREATE TRIGGER {table}_truncate_forbidden BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
            " EXECUTE FUNCTION provisiond_forbidden('nothing is ever deleted here')"
        )


def _person() -> sa.Column[str]:
    return sa.Column("person_id", _WORD, sa.ForeignKey("account.person_id"), nullable=False, index=True)


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("person_id", _WORD, primary_key=True),
        sa.Column("student_id", _WORD, nullable=False, unique=True),
        sa.Column("account_name", _WORD, nullable=False, unique=True),
        sa.Column("uid_number", sa.Integer, nullable=True, unique=True),
        sa.Column("state", _WORD, nullable=False, index=True),
        sa.Column("applied", sa.Boolean, nullable=False, index=True),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("activated_at", _INSTANT, nullable=True),
        sa.Column("unlisted", sa.Boolean, nullable=False),
        sa.Column("next_on", sa.Date, nullable=True, index=True),
        sa.Column("ordered_at", _INSTANT, nullable=True),
    )
    op.create_table(
        "identifier",
        sa.Column("value", _WORD, primary_key=True),
        sa.Column("kind", _WORD, nullable=False),
        _person(),
        sa.Column("given_at", _INSTANT, nullable=False),
    )
    op.create_table(
        "record",
        sa.Column("source", _WORD, primary_key=True),
        sa.Column("student_id", _WORD, primary_key=True),
        sa.Column("programme", _WORD, primary_key=True),
        _person(),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("digest", _WORD, nullable=False),
    )


def _orders() -> None:
    op.create_table(
        "hold",
        sa.Column("id", sa.Integer, primary_key=True),
        _person(),
        sa.Column("kind", _WORD, nullable=False),
        sa.Column("set_at", _INSTANT, nullable=False),
        sa.Column("until_on", sa.Date, nullable=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor", _WORD, nullable=False),
        sa.Column("released_at", _INSTANT, nullable=True),
    )
    open_holds = sa.text("released_at IS NULL")
    op.create_index(
        "ix_hold_one_of_a_kind",
        "hold",
        ["person_id", "kind"],
        unique=True,
        sqlite_where=open_holds,
        postgresql_where=open_holds,
    )
    op.create_table(
        "extension",
        sa.Column("id", sa.Integer, primary_key=True),
        _person(),
        sa.Column("until_on", sa.Date, nullable=False),
        sa.Column("granted_at", _INSTANT, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor", _WORD, nullable=False),
    )


def _promises() -> None:
    op.create_table(
        "outbox",
        sa.Column("key", _WORD, primary_key=True),
        sa.Column("person_id", _WORD, nullable=True, index=True),
        sa.Column("kind", _WORD, nullable=False),
        sa.Column("to", _WORD, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("about_on", sa.Date, nullable=True),
        sa.Column("status", _WORD, nullable=False, index=True),
        sa.Column("decided_at", _INSTANT, nullable=False),
        sa.Column("settled_at", _INSTANT, nullable=True),
        sa.Column("reply", sa.Text, nullable=True),
    )
    op.create_table(
        "history",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("actor", _WORD, nullable=False),
        sa.Column("person_id", _WORD, nullable=True, index=True),
        sa.Column("event", _WORD, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("hash", _WORD, nullable=False),
    )
    end = op.create_table(
        "history_end",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("hash", _WORD, nullable=False),
    )
    op.bulk_insert(end, [{"id": 1, "seq": 0, "hash": "0" * 64}])


def _registry() -> None:
    op.create_table(
        "fetch",
        sa.Column("source", _WORD, primary_key=True),
        sa.Column("file", _WORD, nullable=False),
        sa.Column("digest", _WORD, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
    )
    op.create_table(
        "rejection",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("source", _WORD, nullable=False, index=True),
        sa.Column("file", _WORD, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("student_id", _WORD, nullable=True),
        sa.Column("reasons", sa.JSON, nullable=False),
    )
    op.create_table(
        "held_plan",
        sa.Column("hash", _WORD, primary_key=True),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("told_at", _INSTANT, nullable=False),
        sa.Column("approved_by", _WORD, nullable=True),
        sa.Column("spent_at", _INSTANT, nullable=True),
    )
    op.create_table(
        "parked",
        sa.Column("person_id", _WORD, primary_key=True),
        sa.Column("reason", _WORD, primary_key=True),
        sa.Column("student_id", _WORD, nullable=False),
        sa.Column("since", _INSTANT, nullable=False),
    )
