"""Which entries of the directory were seen, and in which state they were known to be right.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_WORD = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "sighting",
        sa.Column("entry_id", sa.LargeBinary(16), primary_key=True),
        sa.Column("person_id", _WORD, nullable=False, index=True),
        sa.Column("kind", _WORD, nullable=False),
        sa.Column("state", sa.LargeBinary(8), nullable=True),
        sa.Column("checked", sa.Boolean, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("sighting")
