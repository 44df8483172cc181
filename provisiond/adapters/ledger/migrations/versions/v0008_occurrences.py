"""What changes nothing and is told to the person: an extension refused, a password or second factor changed.

Revision ID: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_INSTANT = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
_WORD = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "occurrence",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("person_id", _WORD, sa.ForeignKey("account.person_id"), nullable=False),
        sa.Column("kind", _WORD, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor", _WORD, nullable=False),
    )
    op.create_index("ix_occurrence_person_id", "occurrence", ["person_id"])


def downgrade() -> None:
    op.drop_table("occurrence")
