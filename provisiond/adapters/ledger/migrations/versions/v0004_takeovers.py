"""Names of entries that are nobody's, kept for ever; whether this ledger was made again, and wholly.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_INSTANT = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
_WORD = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "foreign_name",
        sa.Column("value", _WORD, primary_key=True),
        sa.Column("seen_at", _INSTANT, nullable=False),
    )
    op.create_table(
        "rebuild",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("begun_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT, nullable=True),
    )


def downgrade() -> None:
    op.drop_table("rebuild")
    op.drop_table("foreign_name")
