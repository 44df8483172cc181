"""Mails that came back: how far the mailbox was read, which were taken, which addresses will not do.

Revision ID: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_INSTANT = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
_WORD = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "inbox_mark",
        sa.Column("folder", _WORD, primary_key=True),
        sa.Column("uid_validity", sa.BigInteger, nullable=False),
        sa.Column("uid", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "returned_mail",
        sa.Column("folder", _WORD, primary_key=True),
        sa.Column("uid_validity", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("uid", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("message_id", _WORD, nullable=True),
        sa.Column("taken_at", _INSTANT, nullable=False),
        sa.Column("filed_at", _INSTANT, nullable=True),
    )
    op.create_index("ix_returned_mail_message_id", "returned_mail", ["message_id"])
    op.create_table(
        "bad_address",
        sa.Column("folded", _WORD, primary_key=True),
        sa.Column("address", _WORD, nullable=False),
        sa.Column("reply", sa.Text, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("notice", _WORD, nullable=False),
        sa.Column("person_id", _WORD, nullable=True),
    )


def downgrade() -> None:
    op.drop_table("bad_address")
    op.drop_index("ix_returned_mail_message_id", "returned_mail")
    op.drop_table("returned_mail")
    op.drop_table("inbox_mark")
